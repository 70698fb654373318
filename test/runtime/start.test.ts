import { describe, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { Topology } from '../../src/index.ts';
import { record, short, TestWorld } from './world.ts';

const input = topic('in', string(), string());
const counts = topic('counts', string(), json<number>());

const counting = topology('t', t => {
  const stream = t.stream(input);
  stream.groupByKey().count('counted').to(counts);
  stream.groupBy('by-value', value => value, string()).count('by-value-count');
});

/** A world in which `counting` ran once. */
async function started(): Promise<TestWorld> {
  const world = await TestWorld.open();
  await world.topic('in', 2);
  await world.write('in', record('k=a@1'));
  await world.runToIdle(counting);
  return world;
}

interface Stored {
  cluster: string;
  hash: string;
  sources: Record<string, { topicId: string; partitions: number }>;
  repartitions: Record<string, { topicId: string; partitions: number }>;
  stores: Record<string, { topicId: string }>;
}

/** Keeps another manifest, as another broker or another past would have left it. */
async function patchManifest(world: TestWorld, patch: (manifest: Stored) => void): Promise<void> {
  const manifest = JSON.parse((await world.read('t-manifest')).at(-1)!.value!) as Stored;
  patch(manifest);
  await world.write('t-manifest', { key: 't', value: JSON.stringify({ ...manifest, hash: 'another' }), timestamp: 1 });
}

/** Refuses to start, says all of `words`, and has changed nothing. */
async function expectRefused(world: TestWorld, topology: Topology, code: string, ...words: string[]): Promise<void> {
  const before = [
    await world.broker.topics(),
    await world.broker.groupOffsets(topology.name),
    await world.read('t-manifest'),
  ];
  const refused = await world.start(topology).then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );
  expect(refused).toMatchObject({ name: 'TopologyError', code });
  for (const word of words) expect(refused!.message).toContain(word);
  expect([
    await world.broker.topics(),
    await world.broker.groupOffsets(topology.name),
    await world.read('t-manifest'),
  ]).toEqual(before);
}

describe('a start that does not fit the manifest is refused, naming the step and what to do', () => {
  const MISMATCH = 'TOPO_MANIFEST_MISMATCH';

  test('a source is read with another serde', async () => {
    await using world = await started();
    const changed = topology('t', t => {
      t.stream(topic('in', string(), json<string>()))
        .groupByKey()
        .count('counted')
        .to(counts);
    });
    await expectRefused(
      world,
      changed,
      MISMATCH,
      "'t' does not fit what it stored before",
      'source in',
      'string',
      'json',
      'give the topology another name',
    );
  });

  test('a store keeps another type', async () => {
    await using world = await started();
    const changed = topology('t', t => {
      t.stream(input)
        .groupByKey()
        .reduce('counted', (one, other) => one + other);
    });
    await expectRefused(world, changed, MISMATCH, "step 'counted'", 'give the step another name');
  });

  test('a sink is written in another format', async () => {
    await using world = await started();
    const changed = topology('t', t => {
      t.stream(input).to(topic('counts', string(), string()));
    });
    await expectRefused(world, changed, MISMATCH, 'sink counts', 'write to another topic');
  });

  test('a source has another partition count', async () => {
    await using world = await started();
    await patchManifest(world, ({ sources }) => (sources['in']!.partitions = 5));
    await expectRefused(
      world,
      counting,
      MISMATCH,
      'source in',
      'had 5 partitions and has 2',
      'give the topology another name',
    );
  });

  test('a repartition has another partition count', async () => {
    await using world = await started();
    await patchManifest(world, ({ repartitions }) => (repartitions['by-value']!.partitions = 3));
    await expectRefused(world, counting, MISMATCH, "step 'by-value'", 'had 3 partitions and has 2', 'rename the step');
  });

  test('a source was deleted and made again', async () => {
    await using world = await started();
    await patchManifest(world, ({ sources }) => (sources['in']!.topicId = 'former'));
    await expectRefused(world, counting, MISMATCH, 'topic in was deleted and made again');
  });

  test('a changelog was deleted and made again', async () => {
    await using world = await started();
    await patchManifest(world, ({ stores }) => (stores['counted']!.topicId = 'former'));
    await expectRefused(
      world,
      counting,
      MISMATCH,
      "step 'counted'",
      'topic t-counted-changelog was deleted and made again',
    );
  });

  test('a topic is gone: it is not silently made anew', async () => {
    await using world = await started();
    await using emptied = await TestWorld.open();
    await emptied.topic('t-manifest', 1);
    const [manifest] = await world.read('t-manifest');
    const cluster = emptied.broker.clusterId;
    const value = JSON.stringify({ ...(JSON.parse(manifest!.value!) as Stored), cluster });
    await emptied.write('t-manifest', { key: 't', value, timestamp: 1 });
    await expectRefused(emptied, counting, MISMATCH, 'topic in was deleted');
  });

  test('another cluster', async () => {
    await using world = await started();
    await patchManifest(world, manifest => (manifest.cluster = 'former-cluster'));
    await expectRefused(world, counting, MISMATCH, 'belong to cluster former-cluster', 'Use the former broker');
  });
});

describe('a change that fits starts and says so', () => {
  test('a new step and a vanished one: the vanished one’s state is kept and goes on when it is back', async () => {
    await using world = await started();
    const changed = topology('t', t => {
      t.stream(input).groupByKey().count('counted').to(counts);
      t.stream(input).toTable('rows');
    });
    const application = await world.start(changed);
    expect(application.created).toEqual(['t-rows-changelog']);
    expect(world.warnings).toEqual([
      "step 'by-value' is gone; its topic t-by-value-repartition is kept, and what was on its way there stays.",
      "step 'rows' is new: its store 'rows' is empty.",
      "step 'by-value-count' is gone; its state and the topic t-by-value-count-changelog are kept.",
    ]);
    await world.write('in', record('k=b@2'));
    await application.idle();
    expect(await application.store('rows').get('k')).toBe('b');
    await application.stop();
    expect(short(await world.read('counts'))).toEqual(['k=1@1', 'k=2@2']);
    const again = await world.start(counting);
    expect(await again.store('by-value-count').get('a')).toBe(1);
  });

  test('the same topology again says nothing and writes no manifest', async () => {
    await using world = await started();
    await world.runToIdle(counting);
    expect(world.warnings).toEqual([]);
    expect(await world.read('t-manifest')).toHaveLength(1);
  });
});

describe('topics', () => {
  test('that are missing are made, and reported', async () => {
    await using world = await TestWorld.open();
    await world.topic('counts', 5);
    const application = await world.start(counting, { partitions: 3 });
    expect([...application.created].sort()).toEqual([
      'in',
      't-by-value-count-changelog',
      't-by-value-repartition',
      't-counted-changelog',
      't-manifest',
      't.dead-letters',
    ]);
    const partitions = Object.fromEntries(
      (await world.broker.topics()).map(({ name, partitions }) => [name, partitions]),
    );
    expect(partitions).toMatchObject({
      in: 3,
      counts: 5,
      't-by-value-repartition': 3,
      't-counted-changelog': 3,
      't.dead-letters': 3,
    });
    await application.stop();
    expect((await world.start(counting)).created).toEqual([]);
  });

  test('with another count than the topology declares are refused', async () => {
    await using world = await TestWorld.open();
    await world.topic('in', 2);
    const declared = topology('u', t =>
      t.stream(topic('in', string(), string(), { partitions: 3 })).to(topic('o', string(), string())),
    );
    await expect(world.start(declared)).rejects.toMatchObject({ code: 'TOPO_TOPIC_CONFLICT', place: { topic: 'in' } });
    expect((await world.broker.topics()).map(({ name }) => name)).toEqual(['in']);
  });

  test('of a join with different partition counts are refused, naming the step, both topics and what to do', async () => {
    await using world = await TestWorld.open();
    await world.topic('left', 2);
    await world.topic('right', 3);
    const joining = topology('u', t => {
      const rows = t.table('rows', topic('right', string(), string()));
      t.stream(topic('left', string(), string()))
        .join('joined', rows, l => l)
        .as(string())
        .to(topic('o', string(), string()));
    });
    const refused = expect(world.start(joining)).rejects;
    await refused.toMatchObject({ code: 'TOPO_PARTITIONS_DIFFER', place: { step: 'joined' } });
    await expect(world.start(joining)).rejects.toThrow(
      /'joined' brings together .*left \(2 partitions\) .*right \(3\).*\.repartition\('a-name'\) in front of 'joined'/,
    );
    expect((await world.broker.topics()).map(({ name }) => name).sort()).toEqual(['left', 'right']);
  });
});
