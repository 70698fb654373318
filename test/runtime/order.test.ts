import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { Settings } from '../../src/runtime/start.ts';
import { seedOf } from '../seed.ts';
import type { NewRecord, TopicRecord } from '../topic-records.ts';
import { record, short, TestWorld } from './world.ts';

const PARTITIONS = 2;
const [a, b, rows] = [
  topic('a', string(), string()),
  topic('b', string(), string()),
  topic('rows', string(), string()),
];
const out = topic('out', string(), string());

/** Two streams and a table, declared in this order: a, b, rows. Each result shows its record and the row it met. */
const joined = (readFirst: boolean) =>
  topology('t', t => {
    const streams = t.stream(a).merge(t.stream(b));
    const met = streams
      .leftJoin('met', t.table('rows', rows, { readFirst }), (value, row) => `${value} met ${row}`)
      .as(string());
    met.to(out);
    met
      .groupByKey()
      .count('counted')
      .to(topic('counts', string(), json<number>()));
  });

type Inputs = Readonly<Record<'a' | 'b' | 'rows', readonly NewRecord[]>>;

/** Few keys and few timestamps, so that many are equal and many out of order. */
const inputs = fc.record({ a: entries('a'), b: entries('b'), rows: entries('rows') }).map((all): Inputs => all);

function entries(name: string): fc.Arbitrary<NewRecord[]> {
  const entry = fc.record({
    key: fc.integer({ min: 0, max: 5 }),
    timestamp: fc.integer({ min: 0, max: 20 }),
    gone: fc.boolean(),
  });
  return fc.array(entry, { maxLength: 25 }).map(list =>
    list.map(({ key, timestamp, gone }, n) => ({
      key: `k${key}`,
      value: name === 'rows' && gone && n % 3 === 0 ? null : `${name}${n}`,
      timestamp,
    })),
  );
}

async function worldWith(given: Inputs, pieces = 1): Promise<TestWorld> {
  const world = await TestWorld.open();
  for (const name of ['a', 'b', 'rows'] as const) {
    await world.topic(name, PARTITIONS);
    const size = Math.ceil(given[name].length / pieces);
    for (let from = 0; from < given[name].length; from += size)
      await world.write(name, ...given[name].slice(from, from + size));
  }
  return world;
}

/** The results as rule G2 has them: of all heads the one with the smallest timestamp, tables first, then by declaration. */
async function expectedOf(world: TestWorld, readFirst: boolean): Promise<string[]> {
  const all = { rows: await world.read('rows'), a: await world.read('a'), b: await world.read('b') };
  const results: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const queues = (['rows', 'a', 'b'] as const).map(name => ({
      name,
      left: all[name].filter(one => one.partition === partition),
    }));
    const table = new Map<string, string | null>();
    for (;;) {
      const first = readFirst && queues[0]!.left.length > 0 ? queues.slice(0, 1) : queues;
      let best: (typeof queues)[number] | undefined;
      for (const queue of first)
        if (queue.left.length > 0 && (best === undefined || queue.left[0]!.timestamp < best.left[0]!.timestamp))
          best = queue;
      if (best === undefined) break;
      const { key, value, timestamp } = best.left.shift()!;
      if (best.name === 'rows') table.set(key!, value);
      else results.push(`${partition}: ${key}=${value} met ${table.get(key!) ?? null}@${timestamp}`);
    }
  }
  return results;
}

const placed = (records: readonly TopicRecord[]) =>
  records.map(({ partition, key, value, timestamp }) => `${partition}: ${key}=${value}@${timestamp}`);

const seed = seedOf('order');
const runs = (numRuns: number) => ({ seed, numRuns, endOnFailure: true });

describe('rule G2: of what lies there before the start', () => {
  test.each([false, true])(
    'records are taken by timestamp, tables before streams, declaration, offset; readFirst: %s',
    async readFirst => {
      await fc.assert(
        fc.asyncProperty(inputs, fc.integer({ min: 1, max: 5 }), async (given, pieces) => {
          await using world = await worldWith(given, pieces);
          const expected = await expectedOf(world, readFirst);
          await world.runToIdle(joined(readFirst), { partitions: PARTITIONS });
          expect(placed(await world.read('out'))).toEqual(expected);
        }),
        runs(25),
      );
    },
  );

  test('outputs are the same however the inputs were appended, cut into epochs, or interrupted by stops', async () => {
    const ways = fc.record({
      pieces: fc.integer({ min: 1, max: 8 }),
      maxEpochRecords: fc.integer({ min: 1, max: 50 }),
      memoryBytes: fc.constantFrom(1000, 100_000, 10_000_000),
      stops: fc.integer({ min: 0, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(inputs, ways, async (given, { pieces, stops, ...cut }) => {
        await using plain = await worldWith(given);
        await plain.runToIdle(joined(true), { partitions: PARTITIONS });
        await using world = await worldWith(given, pieces);
        const settings: Partial<Settings> = { ...cut, partitions: PARTITIONS, commitIntervalMs: 0 };
        for (let stop = 0; stop < stops; stop++) await (await world.start(joined(true), settings)).stop();
        await world.runToIdle(joined(true), settings);
        for (const name of ['out', 'counts']) expect(await world.read(name)).toEqual(await plain.read(name));
      }),
      runs(20),
    );
  });
});

describe('what comes while it runs', () => {
  test('each key keeps the order of its partition, nothing is lost and nothing comes twice', async () => {
    await fc.assert(
      fc.asyncProperty(inputs, fc.integer({ min: 1, max: 6 }), async (given, pieces) => {
        await using world = await worldWith({ a: [], b: [], rows: [] });
        const application = await world.start(joined(false), { partitions: PARTITIONS, commitIntervalMs: 0 });
        for (let piece = 0; piece < pieces; piece++)
          for (const name of ['rows', 'a', 'b'] as const) {
            const size = Math.ceil(given[name].length / pieces);
            await world.write(name, ...given[name].slice(piece * size, (piece + 1) * size));
          }
        await application.idle();
        const found = placed(await world.read('out')).map(text => text.replace(/ met .*@/, '@'));
        for (const name of ['a', 'b'])
          expect(found.filter(text => text.includes(`=${name}`))).toEqual(placed(await world.read(name)));
      }),
      runs(20),
    );
  });

  test('a record waits for inputs that have more: nothing is taken while one of them is not read to its end', async () => {
    // far more in one turn of a task than is buffered of a partition, so that it runs out of one input before the other
    const long = Array.from({ length: 80 }, (_, n) => ({
      key: 'k1',
      value: `a${n} ${'x'.repeat(100_000)}`,
      timestamp: 2 * n,
    }));
    const other = Array.from({ length: 80 }, (_, n) => ({ key: 'k1', value: `b${n}`, timestamp: 2 * n + 1 }));
    await using world = await worldWith({ a: long, b: other, rows: [] }, 30);
    await world.runToIdle(joined(false), { partitions: PARTITIONS });
    const found = (await world.read('out')).map(({ timestamp }) => timestamp);
    expect(found).toEqual(Array.from({ length: 160 }, (_, n) => n));
  });
});

test('readFirst holds over a stop in the middle: the end seen at the first start counts, not a later one', async () => {
  await using world = await worldWith({ a: [record('k1=a0@1')], b: [], rows: [record('k1=first@9')] });
  const first = await world.start(joined(true), { partitions: PARTITIONS });
  await first.stop();
  await world.write('rows', record('k1=second@10'));
  await world.runToIdle(joined(true), { partitions: PARTITIONS });
  expect(short(await world.read('out'))).toEqual(['k1=a0 met first@1']);
});

test('a readFirst table that is new in a topology is read first at its first start', async () => {
  await using world = await worldWith({ a: [record('k1=a0@1')], b: [], rows: [record('k1=row@9')] });
  const before = topology('t', t => t.stream(a).merge(t.stream(b)).to(out));
  await world.runToIdle(before, { partitions: PARTITIONS });
  await world.write('a', record('k1=a1@2'));
  await world.runToIdle(joined(true), { partitions: PARTITIONS });
  expect(short(await world.read('out'))).toEqual(['k1=a0@1', 'k1=a1 met row@2']);
});
