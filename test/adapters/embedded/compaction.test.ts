import { describe, expect, test } from 'vitest';
import { openEmbeddedBroker, type EmbeddedBrokerOptions } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import type { Broker } from '../../../src/runtime/ports.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { writeTopic } from '../../topic-records.ts';
import { readKeyed } from './cleaned-log.ts';

const AT = { topic: 'rows', partition: 0 };
const COMPACT = { 'cleanup.policy': 'compact' };
const HOUR_MS = 3_600_000;

async function world(config: Record<string, string>, options: Partial<EmbeddedBrokerOptions> = {}) {
  const clock = new ManualClock(1_000_000_000_000);
  const disk = new MemoryDisk();
  const open = () => openEmbeddedBroker({ disk, clock, segmentBytes: 2000, recentBytes: 0, ...options });
  const broker = await open();
  await broker.createTopics([{ name: 'rows', partitions: 1, config }]);
  return { clock, disk, broker, open };
}

/** `key=value`, a commit each; `key=` is a tombstone. The timestamp is the number of the record. */
async function put(broker: Broker, ...rows: string[]): Promise<void> {
  for (const row of rows) {
    const [key, value] = row.split('=') as [string, string];
    const [range] = await broker.offsets([AT]);
    await writeTopic(broker, 'rows', [
      { key: key === '' ? null : key, value: value === '' ? null : value, timestamp: range!.end },
    ]);
  }
}

/** Fills the open segment, so that what was written before can be cleaned. */
const seal = (broker: Broker) => put(broker, ...Array.from({ length: 20 }, (_, i) => `filler=${'x'.repeat(100)}${i}`));

const rows = async (broker: Broker) =>
  (await readKeyed(broker, AT, 0))
    .filter(({ key }) => key !== 'filler')
    .map(({ offset, key, value }) => `${offset} ${key ?? ''}=${value ?? ''}`);

describe('compaction', () => {
  test('keeps the newest record of each key where it is, and records without a key', async () => {
    const { broker, open } = await world(COMPACT);
    await put(broker, 'a=1', 'b=1', 'a=2', '=x', 'c=1', 'b=2');
    await seal(broker);
    await broker.clean();
    const kept = ['2 a=2', '3 =x', '4 c=1', '5 b=2'];
    expect(await rows(broker)).toEqual(kept);
    await put(broker, 'a=3');
    expect(await rows(broker)).toEqual([...kept, '26 a=3']);
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toEqual([...kept.slice(1), '26 a=3']);
    // the end is known, whatever is left
    expect(await broker.offsets([AT])).toEqual([{ start: 0, end: 47 }]);
    await broker.close();
    const again = await open();
    expect(await rows(again)).toEqual([...kept.slice(1), '26 a=3']);
    expect(await again.offsets([AT])).toEqual([{ start: 0, end: 47 }]);
  });

  test('a tombstone stays for delete.retention.ms after there is nothing left that it deletes', async () => {
    const { broker, clock } = await world({ ...COMPACT, 'delete.retention.ms': String(HOUR_MS) });
    await put(broker, 'a=1', 'b=1', 'a=');
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toEqual(['1 b=1', '2 a=']);
    await clock.advance(HOUR_MS - 1);
    await put(broker, 'b=');
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toEqual(['2 a=', '23 b=']);
    await clock.advance(1);
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toEqual(['23 b=']);
    await clock.advance(HOUR_MS);
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toEqual([]);
  });

  test('waits for min.cleanable.dirty.ratio', async () => {
    const { broker } = await world({});
    const unique = Array.from({ length: 60 }, (_, i) => `key ${i}=${'x'.repeat(60)}`);
    await put(broker, ...unique, 'key 0=again');
    await seal(broker);
    await broker.configureTopic('rows', { ...COMPACT, 'min.cleanable.dirty.ratio': '0.9' });
    await broker.clean();
    expect(await rows(broker)).toHaveLength(60);
    await put(broker, ...unique.slice(0, 30));
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toHaveLength(90);
    await broker.configureTopic('rows', COMPACT);
    await broker.clean();
    expect(await rows(broker)).toHaveLength(60);
  });

  test('begins where a topic becomes compacted later, and leaves what is there where it is no longer', async () => {
    const { broker } = await world({});
    await put(broker, 'a=1', 'a=2', 'a=3');
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toHaveLength(3);
    await broker.configureTopic('rows', COMPACT);
    await broker.clean();
    expect(await rows(broker)).toEqual(['2 a=3']);
    await broker.configureTopic('rows', {});
    await put(broker, 'a=4', 'a=5');
    await seal(broker);
    await broker.clean();
    expect(await rows(broker)).toEqual(['2 a=3', '23 a=4', '24 a=5']);
  });

  test('more keys than there is memory for take several passes', async () => {
    const { broker } = await world(COMPACT, { keyBytes: 500 });
    const unique = (value: number) => Array.from({ length: 40 }, (_, i) => `some longer key ${i}=${value}`);
    await put(broker, ...unique(1), ...unique(2), ...unique(3));
    await seal(broker);
    await broker.clean();
    const left = await rows(broker);
    expect(left.filter(row => row.endsWith('=3'))).toHaveLength(40);
    // the last passes may have been too small a part to be worth their while
    expect(left.length).toBeLessThan(80);
  });

  test('of compact,delete old records go from the front on', async () => {
    const { broker, clock } = await world({ 'cleanup.policy': 'compact,delete', 'retention.ms': String(HOUR_MS) });
    const at = (key: string, ageMs: number) =>
      writeTopic(broker, 'rows', [{ key, value: '1', timestamp: clock.now() - ageMs }]);
    await at('a', 2 * HOUR_MS);
    await at('b', 3 * HOUR_MS);
    await at('c', 0);
    await at('d', 2 * HOUR_MS);
    for (let i = 0; i < 20; i++) await at('filler', 0);
    await broker.clean();
    // d is old too, and stands behind one that is not
    expect(await rows(broker)).toEqual(['2 c=1', '3 d=1']);
    expect((await broker.offsets([AT]))[0]!.start).toBe(2);
  });

  test('a position within what is compacted stays valid, and skips no key', async () => {
    const { broker } = await world(COMPACT);
    await put(broker, 'a=1', 'b=1', 'a=2', 'c=1', 'b=2');
    const reader = broker.reader();
    const fetch = async (offset: number) => (await reader.fetch([{ ...AT, offset, maxBytes: 1 }], 0))[0]!;
    const before = await fetch(0);
    expect(before.nextOffset).toBe(1);
    await seal(broker);
    await broker.clean();
    const found = await readKeyed(broker, AT, before.nextOffset);
    expect(found.filter(({ key }) => key !== 'filler').map(({ offset }) => offset)).toEqual([2, 3, 4]);
    expect((await fetch(3)).batches).toHaveLength(1);
    await reader.close();
  });
});

describe('retention', () => {
  test('keeps everything unless it is told', async () => {
    const { broker, clock } = await world({});
    await put(broker, 'a=1', 'a=2');
    await seal(broker);
    await clock.advance(1000 * HOUR_MS);
    await broker.clean();
    expect(await rows(broker)).toEqual(['0 a=1', '1 a=2']);
  });

  test('by size, the oldest go while the rest has bytes enough', async () => {
    const { broker } = await world({ 'retention.bytes': '5000' });
    for (let i = 0; i < 5; i++) await seal(broker);
    await broker.clean();
    const [size] = await broker.sizes([AT]);
    expect(size!.bytes).toBeGreaterThanOrEqual(5000);
    expect(size!.bytes).toBeLessThan(5000 + 2000);
    const { start, end } = (await broker.offsets([AT]))[0]!;
    expect(start).toBeGreaterThan(0);
    expect((await readKeyed(broker, AT, 0)).map(({ offset }) => offset)).toEqual(
      Array.from({ length: end - start }, (_, i) => start + i),
    );
  });

  test('by time, what is older than retention.ms goes, the open segment too; an offset in front gets the range', async () => {
    const { broker, clock, disk } = await world({ 'retention.ms': String(HOUR_MS) });
    const write = (age: number) => writeTopic(broker, 'rows', [{ key: 'k', value: 'v', timestamp: clock.now() - age }]);
    await write(2 * HOUR_MS);
    await write(0);
    await broker.clean();
    expect((await broker.offsets([AT]))[0]).toEqual({ start: 0, end: 2 });
    await clock.advance(HOUR_MS + 1);
    await broker.clean();
    expect((await broker.offsets([AT]))[0]).toEqual({ start: 2, end: 2 });
    const [answer] = await broker.reader().fetch([{ ...AT, offset: 1, maxBytes: 1000 }], 60_000);
    expect(answer).toMatchObject({ start: 2, end: 2, batches: [], nextOffset: 1 });
    await write(0);
    expect(await rows(broker)).toEqual(['2 k=v']);
    // what is deleted leaves the disk once its segment is sealed
    for (let i = 0; i < 5; i++) await seal(broker);
    const before = disk.files.size;
    await clock.advance(1_000 * HOUR_MS);
    await broker.clean();
    expect(disk.files.size).toBeLessThan(before);
    expect(disk.files.size).toBe(1);
  });

  test('a slow topic is cleaned when its newest records have shared one file for segment.ms', async () => {
    const { broker, clock } = await world({ ...COMPACT, 'segment.ms': String(HOUR_MS) }, { segmentBytes: 10_000 });
    await put(broker, ...Array.from({ length: 10 }, (_, i) => `a=${i}`));
    await broker.clean();
    expect(await rows(broker)).toHaveLength(10);
    await clock.advance(HOUR_MS);
    await broker.clean();
    expect(await rows(broker)).toEqual(['9 a=9']);
  });

  test('a full one is cleaned when they are more than segment.bytes', async () => {
    const { broker } = await world({ ...COMPACT, 'segment.bytes': '1000' }, { segmentBytes: 30_000 });
    await put(broker, ...Array.from({ length: 10 }, (_, i) => `a=${'x'.repeat(100)}${i}`));
    await broker.clean();
    expect(await rows(broker)).toHaveLength(1);
  });
});
