import { expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk, MemoryFile } from '../../src/adapters/embedded/memory-disk.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { TopologyError } from '../../src/errors.ts';
import { BatchReader } from '../../src/records/batch-reader.ts';
import type { Broker, Log } from '../../src/runtime/ports.ts';
import { CLAIMS_TOPIC, insuranceFeed, POLICIES_TOPIC } from '../../src/sample/insurance-feed.ts';
import { prepareSample } from '../../src/sample/player.ts';
import type { SampleProgress, SampleSettings } from '../../src/sample/player.ts';
import { SAMPLE_GROUP } from '../../src/sample/sample-mark.ts';

const options = { policies: 6_000, years: 2, seed: 4 };
const partitions = 3;
const feedOptions = { ...options, partitions };
const { snapshotRecords } = insuranceFeed(feedOptions);

/** Opens the broker of a run. */
const open = (disk: MemoryDisk): Promise<Broker> => openEmbeddedBroker({ disk, log: silent, owner: 'sample' });

/** What a kill at this moment leaves. */
async function copyOf(disk: MemoryDisk): Promise<MemoryDisk> {
  const copy = new MemoryDisk();
  for (const [name, { bytes }] of disk.files) {
    const file = new MemoryFile();
    copy.files.set(name, file);
    await file.write(0, [Buffer.from(bytes)]);
  }
  return copy;
}

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

function settings(broker: Broker, more: Partial<SampleSettings> = {}): SampleSettings {
  const { signal } = new AbortController();
  return { broker, clock: systemClock, log: silent, options, partitions, signal, ...more };
}

/** Each partition's records, as text, in offset order. */
async function contents(broker: Broker, count = partitions): Promise<Map<string, string[]>> {
  const reader = broker.reader();
  const found = new Map<string, string[]>();
  for (const topic of [POLICIES_TOPIC, CLAIMS_TOPIC]) {
    for (let partition = 0; partition < count; partition++) {
      const lines: string[] = [];
      for (let offset = 0, end = 1; offset < end;) {
        const [fetched] = await reader.fetch([{ topic, partition, offset, maxBytes: 1 << 20 }], 0);
        for (const batch of fetched!.batches) lines.push(...linesOf(batch));
        offset = fetched!.nextOffset;
        end = fetched!.end;
      }
      found.set(`${topic}-${partition}`, lines);
    }
  }
  await reader.close();
  return found;
}

function linesOf(batch: Buffer): string[] {
  const lines: string[] = [];
  const cursor = new BatchReader();
  cursor.load(batch, { topic: 'feed', partition: 0 });
  while (cursor.next()) lines.push(line(cursor.timestamp, cursor.keyBytes()!, cursor.valueBytes()));
  return lines;
}

const line = (timestamp: number, key: Uint8Array, value: Uint8Array | null): string =>
  `${timestamp} ${Buffer.from(key).toString()} ${value === null ? 'null' : Buffer.from(value).toString('latin1')}`;

/** What the topics hold after the feed's first `records` records. */
function expected(records = Infinity): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const topic of [POLICIES_TOPIC, CLAIMS_TOPIC]) {
    for (let partition = 0; partition < partitions; partition++) found.set(`${topic}-${partition}`, []);
  }
  const feed = insuranceFeed(feedOptions);
  while (feed.position < records) {
    const record = feed.next();
    if (record === undefined) break;
    found.get(`${record.topic}-${record.partition}`)!.push(line(record.timestamp, record.key, record.value));
  }
  return found;
}

test('the snapshot is whole when the sample is prepared, and the changes follow when it is played', async () => {
  const broker = await open(new MemoryDisk());
  const progress: SampleProgress[] = [];
  const sample = await prepareSample(settings(broker, { onProgress: step => progress.push(step) }));
  expect(await contents(broker)).toEqual(expected(snapshotRecords));
  expect(await sample!.play()).toBe(true);
  expect(await contents(broker)).toEqual(expected());
  expect(progress.filter(({ finished }) => finished)).toHaveLength(1);
  expect(progress.at(-1)).toMatchObject({ finished: true });
  for (let i = 1; i < progress.length; i++) {
    expect(progress[i]!.records - progress[i - 1]!.records).toBeLessThanOrEqual(5_000);
    expect(progress[i]!.clockMs).toBeGreaterThanOrEqual(progress[i - 1]!.clockMs);
  }
  await broker.close();
});

test('a finished sample is not played again', async () => {
  const disk = new MemoryDisk();
  let broker = await open(disk);
  await (await prepareSample(settings(broker)))!.play();
  await broker.close();
  broker = await open(disk);
  expect(await prepareSample(settings(broker, { options: { ...options, seed: 5 } }))).toBeUndefined();
  expect(await contents(broker)).toEqual(expected());
  await broker.close();
});

test('a sample that was killed after any commit goes on: no record twice, none lost', async () => {
  for (let kill = 0; ; kill++) {
    const disk = new MemoryDisk();
    const broker = await open(disk);
    let killed: Promise<MemoryDisk> | undefined;
    let commits = 0;
    const onProgress = (): void => {
      if (commits++ === kill) killed = copyOf(disk);
    };
    await (await prepareSample(settings(broker, { onProgress })))!.play();
    await broker.close();
    if (commits <= kill) break;

    const again = await open(await killed!);
    await (await prepareSample(settings(again)))?.play();
    expect(await contents(again)).toEqual(expected());
    await again.close();
  }
});

test('a sample that is stopped goes on as it was begun when the next start asks for nothing', async () => {
  const disk = new MemoryDisk();
  for (let starts = 0; starts < 20; starts++) {
    const broker = await open(disk);
    const controller = new AbortController();
    const { signal } = controller;
    const asked = starts === 0 ? {} : { options: undefined, partitions: undefined };
    const sample = await prepareSample(settings(broker, { signal, onProgress: () => controller.abort(), ...asked }));
    await sample?.play();
    await broker.close();
  }
  const broker = await open(disk);
  expect(await contents(broker)).toEqual(expected());
  await broker.close();
});

test('a kill between the making of the topics and the first commit is made up for', async () => {
  const disk = new MemoryDisk();
  let broker = await open(disk);
  const stopped = AbortSignal.abort();
  expect(await prepareSample(settings(broker, { signal: stopped }))).toBeUndefined();
  expect((await broker.topics()).map(({ name }) => name).sort()).toEqual([CLAIMS_TOPIC, POLICIES_TOPIC]);
  await broker.close();
  broker = await open(disk);
  await (await prepareSample(settings(broker)))!.play();
  expect(await contents(broker)).toEqual(expected());
  await broker.close();
});

test('a sample whose task was taken over stops, and the next start goes on where its commits ended', async () => {
  const broker = await open(new MemoryDisk());
  const nothing = async (): Promise<void> => {};
  const inputs = [{ topic: POLICIES_TOPIC, partition: 0 }];
  const sample = await prepareSample(settings(broker));
  const rival = await broker.join(SAMPLE_GROUP, [{ id: 'insurance', inputs }], {
    assigned: nothing,
    revoked: nothing,
    lost: nothing,
  });
  await (await rival.open('insurance')).close();
  expect(await sample!.play()).toBe(false);
  await rival.leave();
  expect(await (await prepareSample(settings(broker)))!.play()).toBe(true);
  expect(await contents(broker)).toEqual(expected());
  await broker.close();
});

test('input topics that were there before are left alone, also when they are empty', async () => {
  const broker = await open(new MemoryDisk());
  await broker.createTopics([{ name: POLICIES_TOPIC, partitions, config: {} }]);
  expect(await prepareSample(settings(broker))).toBeUndefined();
  await broker.createTopics([{ name: CLAIMS_TOPIC, partitions, config: {} }]);
  expect(await prepareSample(settings(broker))).toBeUndefined();
  expect(await broker.groupOffsets(SAMPLE_GROUP)).toEqual([]);
  expect([...(await contents(broker)).values()].flat()).toEqual([]);
  await broker.close();
});

test.each([
  [{ options: { ...options, seed: 5 } }, 'seed=5'],
  [{ options: { ...options, policies: 7, years: 3 } }, 'policies=7, years=3'],
  [{ partitions: 4 }, 'partitions=4'],
])('an unfinished sample refuses other options, naming both', async (more, named) => {
  const broker = await open(new MemoryDisk());
  await (await prepareSample(settings(broker)))!.close();
  const start = prepareSample(settings(broker, more));
  await expect(start).rejects.toThrow(TopologyError);
  await expect(start).rejects.toMatchObject({ code: 'TOPO_USAGE' });
  await expect(start).rejects.toThrow('begun with policies=6000,years=2,seed=4 and 3 partitions');
  await expect(start).rejects.toThrow(named);
  await broker.close();
});

test('the topics keep records whose time is long past', async () => {
  const broker = await open(new MemoryDisk());
  await (await prepareSample(settings(broker, { partitions: undefined })))!.close();
  for (const { config, partitions } of await broker.topics()) {
    expect(config).toMatchObject({ 'retention.ms': '-1', 'cleanup.policy': 'delete' });
    expect(partitions).toBe(4);
  }
  await broker.close();
});

test('another part of the process gets its turn between two commits', async () => {
  const broker = await open(new MemoryDisk());
  const sample = await prepareSample(settings(broker));
  let turns = 0;
  const ticking = setInterval(() => turns++, 0);
  await sample!.play();
  clearInterval(ticking);
  expect(turns).toBeGreaterThan(0);
  await broker.close();
});
