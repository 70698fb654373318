import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { TransformNode } from '../../src/graph/topology.ts';
import type { Kind } from '../../src/runtime/chain.ts';
import { KeyView } from '../../src/runtime/key-view.ts';
import { KINDS } from '../../src/runtime/kinds.ts';
import { Dice, seedOf } from '../seed.ts';
import { record, TestWorld } from './world.ts';

const input = topic('in', string(), string());
const out = topic('out', string(), string());

/**
 * Kinds in which every `peek` holds back what it is given until it is drained, and throws then for what starts with "bad": what a
 * step of real operators will do. `turn` is waited for in every drain.
 */
function holdingBack(turn: () => Promise<void> | void = () => {}): { kinds: typeof KINDS; drains: () => number } {
  let drains = 0;
  const transform: Kind<TransformNode> = {
    compile(node, site) {
      if (node.op !== 'peek') return KINDS.transform.compile(node, site);
      let held: { key: string | null; value: unknown }[] = [];
      return {
        steps: [value => void held.push({ key: site.unit.storeKey, value })],
        reset: () => void (held = []),
        async drain() {
          drains++;
          await turn();
          for (const { key, value } of held) {
            site.unit.step = node.id;
            if (String(value).startsWith('bad')) throw new TypeError('cannot come out');
            site.unit.keyView = new KeyView().ofText(key, string());
            site.next(value, null);
          }
          held = [];
        },
      };
    },
  };
  return { kinds: { ...KINDS, transform }, drains: () => drains };
}

const throughTheStep = topology('t', t =>
  t
    .stream(input)
    .peek(() => {})
    .to(out),
);

test('what a step holds back comes out at the commit, once and in order', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...['k=a@1', 'k=b@2', 'l=c@3'].map(record));
  await world.runToIdle(throughTheStep, holdingBack());
  expect((await world.read('out')).map(({ key, value }) => `${key}=${value}`)).toEqual(['k=a', 'k=b', 'l=c']);
});

test('a drain that fails: the epoch is run again with a commit after each record, and only the failing one is dead-lettered', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...['k=a@1', 'l=b@2', 'k=bad@3', 'l=c@4', 'k=d@5'].map(record));
  const { kinds, drains } = holdingBack();
  const application = await world.start(throughTheStep, { kinds });
  await application.idle();
  expect((await world.read('out')).map(({ value, timestamp }) => `${value}@${timestamp}`)).toEqual([
    'a@1',
    'b@2',
    'c@4',
    'd@5',
  ]);
  const letters = await world.read('t.dead-letters');
  expect(letters.map(({ key, value, timestamp }) => [key, value, timestamp])).toEqual([['k', 'bad', 3]]);
  expect(Object.fromEntries(letters[0]!.headers)).toMatchObject({
    'topo.code': 'TOPO_USER_FUNCTION',
    'topo.step': 'peek',
    '__streams.errors.offset': '2',
  });
  expect(application.figures().deadLettered).toBe(1);
  const [committed] = await world.broker.groupOffsets('t');
  // one for each record, none for the epoch that failed
  expect(JSON.parse(committed!.metadata)).toMatchObject({ commit: 5 });
  expect(drains()).toBeGreaterThan(5);

  await world.write('in', record('k=e@6'), record('k=f@7'));
  await application.idle();
  expect((await world.read('out')).map(({ value }) => value)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('a record that fails elsewhere spoils its epoch too, since the step may hold it: it leaves nothing', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...['k=poison@1', 'k=a@2', 'k=poison@3', 'k=b@4'].map(record));
  const failing = topology('t', t => {
    const stream = t.stream(input);
    stream.to(topic('copy', string(), string()));
    stream.peek(() => {}).to(out);
    stream
      .map(value => {
        if (value === 'poison') throw new Error('in another branch');
        return value;
      })
      .as(string())
      .to(topic('other', string(), string()));
  });
  await world.runToIdle(failing, holdingBack());
  for (const name of ['copy', 'out', 'other'])
    expect((await world.read(name)).map(({ value }) => value)).toEqual(['a', 'b']);
  expect((await world.read('t.dead-letters')).map(({ value }) => value)).toEqual(['poison', 'poison']);
});

test('the first record may fail that is run again: what it wrote before is taken back', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...['k=bad@1', 'k=a@2'].map(record));
  const failing = topology('t', t => {
    const stream = t.stream(input);
    stream.to(topic('copy', string(), string()));
    stream.groupByKey().count('counted');
    stream.peek(() => {}).to(out);
  });
  await world.runToIdle(failing, holdingBack());
  expect((await world.read('copy')).map(({ value }) => value)).toEqual(['a']);
  expect((await world.read('t.dead-letters')).map(({ value }) => value)).toEqual(['bad']);
  const again = await world.start(failing);
  expect(await again.store('counted').get('k')).toBe(1);
});

test('state behind a drained step is right, before and after a failure', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...['k=a@1', 'k=b@2', 'k=bad@3', 'k=c@4'].map(record));
  const counting = topology('t', t =>
    t
      .stream(input)
      .peek(() => {})
      .groupByKey()
      .count('counted')
      .to(topic('counts', string(), json<number>())),
  );
  const application = await world.start(counting, holdingBack());
  await application.idle();
  expect((await world.read('counts')).map(({ value }) => value)).toEqual(['1', '2', '3']);
  expect(await application.store('counted').get('k')).toBe(3);
});

test('what was drained and committed stays when the next record fails', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  const counting = topology('t', t => {
    const stream = t.stream(input);
    stream
      .peek(() => {})
      .groupByKey()
      .count('counted')
      .to(topic('counts', string(), json<number>()));
    stream.filter(value => {
      if (value === 'poison') throw new Error('in another branch');
      return true;
    });
  });
  const application = await world.start(counting, holdingBack());
  for (const text of ['k=a@1', 'k=poison@2', 'k=b@3']) {
    await world.write('in', record(text));
    await application.idle();
  }
  expect((await world.read('counts')).map(({ value }) => value)).toEqual(['1', '2']);
  expect(application.figures().out).toBe(2);
});

test("onError 'stop' after a drain that fails: what came before the record is committed", async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...['k=a@1', 'k=b@2', 'k=bad@3', 'k=c@4'].map(record));
  const application = await world.start(throughTheStep, { ...holdingBack(), onError: 'stop' });
  await expect(application.done).rejects.toMatchObject({
    code: 'TOPO_STOPPED_BY_POLICY',
    place: { step: 'peek', offset: 2 },
  });
  expect((await world.read('out')).map(({ value }) => value)).toEqual(['a', 'b']);
});

test('records of an epoch that is run again are counted once, and their dead letters told of once', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...['k=a@1', 'k=poison@2', 'k=bad@3'].map(record), { key: null, value: 'b', timestamp: 4 });
  const both = topology('t', t => {
    const stream = t.stream(input);
    stream
      .map(value => {
        if (value === 'poison') throw new Error('in another branch');
        return value;
      })
      .groupByKey()
      .count('counted');
    stream.peek(() => {}).to(out);
  });
  const application = await world.start(both, holdingBack());
  const told: unknown[] = [];
  application.deadLetters$.subscribe(({ place }) => told.push(place.offset));
  await application.idle();
  expect(await world.read('t.dead-letters')).toHaveLength(2);
  expect(told).toEqual([1, 2]);
  expect(application.figures()).toMatchObject({ in: 4, deadLettered: 2, dropped: { 'null-key': 1 } });
});

test('random inputs, drains that take their time while more is fetched: everything else comes out once and in order', async () => {
  const seed = seedOf('abort');
  const dice = new Dice(seed);
  const yieldNow = () => new Promise<void>(resolve => setImmediate(resolve));
  for (let round = 0; round < 12; round++) {
    await using world = await TestWorld.open();
    await world.topic('in', 2);
    const values = Array.from({ length: 200 }, (_, n) => (dice.below(40) === 0 ? `bad${n}` : `v${n}`));
    const records = values.map((value, n) => ({ key: `k${n % 7}`, value, timestamp: n }));
    const pieces = 1 + dice.below(30);
    await world.write('in', ...records.slice(0, 100));
    const turns = dice.below(4);
    const slow = async () => {
      for (let turn = 0; turn < turns; turn++) await yieldNow();
    };
    const fetchTurns = dice.below(6);
    world.afterFetch = async () => {
      for (let turn = 0; turn < fetchTurns; turn++) await yieldNow();
    };
    const maxEpochRecords = 1 + dice.below(100);
    const application = await world.start(throughTheStep, {
      ...holdingBack(slow),
      partitions: 2,
      maxEpochRecords,
      commitIntervalMs: 0,
    });
    for (let piece = 0; piece < pieces; piece++)
      await world.write(
        'in',
        ...records.slice(100 + Math.floor((100 * piece) / pieces), 100 + Math.floor((100 * (piece + 1)) / pieces)),
      );
    await application.idle();
    const inputs = await world.read('in');
    for (const partition of [0, 1]) {
      const expected = inputs.filter(one => one.partition === partition);
      const of = async (name: string) =>
        (await world.read(name)).filter(one => one.partition === partition).map(({ value }) => value);
      expect(await of('out'), `seed ${seed}, round ${round}`).toEqual(
        expected.flatMap(({ value }) => (value!.startsWith('bad') ? [] : [value])),
      );
      expect(await of('t.dead-letters')).toEqual(
        expected.flatMap(({ value }) => (value!.startsWith('bad') ? [value] : [])),
      );
    }
    await application.stop();
  }
});
