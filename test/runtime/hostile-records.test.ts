import { describe, expect, test } from 'vitest';
import { count, string, topic, topology, tumbling } from '../../src/index.ts';
import { BATCH_AT, batchFault, sealBatch } from '../../src/records/batch.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import { brief, drive } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { readWindows, windowRows } from '../windowed-records.ts';
import { TestWorld, record, short } from './world.ts';

const input = topic('in', string(), string());
const copying = topology('t', t => t.stream(input).to(topic('out', string(), string())));

test('a record whose timestamp is no time is dead-lettered as it came, and closes no window', async () => {
  const windows = topology('t', t =>
    t.stream(input).groupByKey().window(tumbling(1000)).count('counts').to(windowRows),
  );
  await using driver = await drive(windows);
  const times = [-1, 2 ** 53, -(2 ** 62), 2 ** 62, 8.64e15 + 1];
  const bad = times.map(timestamp => ({ topic: 'in', key: 'k', value: 'bad', timestamp }));
  await driver.pipeAll([bad[0]!, { topic: 'in', key: 'k', value: 'a', timestamp: 100 }, ...bad.slice(1)]);
  await driver.pipe({ topic: 'in', key: 'k', value: 'b', timestamp: 200 });
  expect(await readWindows(driver)).toEqual(['k[0,1000]=1@100', 'k[0,1000]=2@200']);
  const letters = await driver.read<Buffer, Buffer>('t.dead-letters');
  expect(letters.map(({ timestamp }) => timestamp)).toEqual(times);
  for (const { headers, value } of letters) {
    expect(headerTexts(headers)['topo.code']).toBe('TOPO_TIMESTAMP_INVALID');
    expect(value!.toString()).toBe('bad');
  }
});

test('a record whose timestamp is no time has its turn at once, and does not hold up what stands behind it', async () => {
  const merged = topology('t', t => {
    const others = t.stream(topic('others', string(), string()));
    t.stream(input)
      .merge(others)
      .to(topic('out', string(), string()));
  });
  await using driver = await drive(merged);
  await driver.pipeAll([
    { topic: 'in', key: 'a', value: 'bad', timestamp: 2 ** 60 },
    { topic: 'in', key: 'a', value: '1', timestamp: 1 },
    { topic: 'others', key: 'a', value: '2', timestamp: 2 },
  ]);
  expect(brief(await driver.read('out'))).toEqual(['a=1@1', 'a=2@2']);
});

describe('a batch from the broker that cannot be read ends the run with its place', () => {
  const damaged = (offset: number, message: RegExp) => ({
    code: 'TOPO_LOG_DAMAGED',
    message: expect.stringMatching(message) as string,
    place: expect.objectContaining({ topic: 'in', partition: 0, offset }) as object,
  });

  /** A world where the batch that begins at an offset of `in` is another one, its CRC right. */
  async function worldWith(offset: number, change: (batch: Buffer) => void): Promise<TestWorld> {
    const world = await TestWorld.open();
    await world.topic('in', 1);
    for (const text of ['k=a@1', 'k=b@2', 'k=c@3']) await world.write('in', record(text));
    world.changeFetched = fetched => {
      if (fetched.topic !== 'in') return fetched;
      const batches = fetched.batches.map(batch => {
        const base = Number(batch.readBigInt64BE(0));
        if (base !== offset) return batch;
        const other = Buffer.from(batch);
        change(other);
        sealBatch(other, base);
        expect(batchFault(other)).toBeUndefined();
        return other;
      });
      return { ...fetched, batches };
    };
    return world;
  }

  test('in the middle of the topic; what came before it is not lost', async () => {
    await using world = await worldWith(1, batch => batch.writeInt32BE(5, BATCH_AT.recordCount));
    const application = await world.start(copying);
    await expect(application.done).rejects.toMatchObject(
      damaged(1, /^in-0: the record batch at offset 1 cannot be read/),
    );
    world.changeFetched = fetched => fetched;
    await world.runToIdle(copying);
    expect(short(await world.read('out'))).toEqual(['k=a@1', 'k=b@2', 'k=c@3']);
  });

  test('at its beginning', async () => {
    await using world = await worldWith(0, batch => batch.writeInt32BE(-1, BATCH_AT.recordCount));
    await expect((await world.start(copying)).done).rejects.toMatchObject(damaged(0, /number of records is negative/));
  });

  test('as it says that its records are also those of the next one', async () => {
    await using world = await worldWith(0, batch => batch.writeInt32BE(1, BATCH_AT.lastOffsetDelta));
    await expect((await world.start(copying)).done).rejects.toMatchObject(damaged(1, /overlaps the one in front/));
  });

  test('as it says that its records go past the end', async () => {
    await using world = await worldWith(2, batch => batch.writeInt32BE(9, BATCH_AT.lastOffsetDelta));
    await expect((await world.start(copying)).done).rejects.toMatchObject(damaged(2, /overlaps/));
  });
});

test('a changelog that holds a record without a key is not taken for state', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', record('k=a@1'));
  const counting = topology('t', t => t.stream(input).groupByKey().aggregate('counts', { n: count() }));
  await world.runToIdle(counting);
  await using other = await world.afterLoss();
  other.changeFetched = fetched =>
    fetched.topic === 't-counts-changelog' ? { ...fetched, batches: [withoutKey()] } : fetched;
  await expect(other.start(counting)).rejects.toMatchObject({
    code: 'TOPO_LOG_DAMAGED',
    message: expect.stringMatching(/^t-counts-changelog-0 holds a record without a key at offset 0/) as string,
  });
});

function withoutKey(): Buffer {
  const writer = new BatchWriter(1000);
  writer.append(1, null, Buffer.from('x'));
  const [batch] = writer.finish();
  sealBatch(batch!, 0);
  return batch!;
}
