import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  avg,
  collect,
  count,
  countDistinct,
  first,
  json,
  last,
  max,
  min,
  string,
  sum,
  topN,
  topic,
  topology,
} from '../../src/index.ts';
import { drive } from '../drive.ts';
import { seedOf } from '../seed.ts'; // prettier-ignore

interface Row {
  readonly group: string;
  readonly n: number;
}

interface Change {
  readonly key: string | null;
  readonly value: Row | null;
  readonly timestamp: number;
}

const rows = topic('rows', string(), json<Row>());
const out = topic('out', string(), json());

const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    key: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { freq: 20 }),
    value: fc.option(fc.record({ group: fc.constantFrom('p', 'q', 'r'), n: fc.integer({ min: -5, max: 5 }) }), { freq: 5 }),
    timestamp: fc.nat({ max: 50 }),
  }),
  { minLength: 1, maxLength: 50 },
); // prettier-ignore

const ns = (all: readonly Row[]) => all.map(({ n }) => n);
const total = (all: readonly Row[]) => ns(all).reduce((a, b) => a + b, 0);
const mean = (all: readonly Row[]) => (all.length === 0 ? null : total(all) / all.length);
const seed = seedOf('aggregates');
const restarts = fc.nat({ max: 50 });

test('every aggregate of a stream is that of the list of its values', { timeout: 120_000 }, async () => {
  const graph = topology('t', t =>
    t
      .stream(rows, { tombstones: true })
      .groupByKey()
      .aggregate('step', {
        count: count(),
        positive: count(({ n }) => n > 0),
        sum: sum(({ n }) => n),
        mean: avg(({ n }) => n),
        least: min(({ n }) => n),
        most: max(({ n }) => n),
        first: first(({ n }) => n),
        last: last(({ n }) => n),
        distinct: countDistinct(({ n }) => n),
        top: topN(2, ({ n }) => n, ({ group }) => group),
        all: collect(({ n }) => n),
      })
      .to(out),
  ); // prettier-ignore
  const naive = (all: readonly Row[]) => ({
    count: all.length,
    positive: all.filter(({ n }) => n > 0).length,
    sum: total(all),
    mean: mean(all),
    least: Math.min(...ns(all)),
    most: Math.max(...ns(all)),
    first: all[0]!.n,
    last: all.at(-1)!.n,
    distinct: new Set(ns(all)).size,
    // of equal ones the first that came
    top: all.toSorted((a, b) => b.n - a.n).slice(0, 2).map(({ group }) => group),
    all: ns(all),
  }); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(changes, restarts, async (fed, restartAt) => {
      await using driver = await drive(graph, { partitions: 2 });
      const values = new Map<string, Row[]>();
      const times = new Map<string, number>();
      for (const [index, { key, value, timestamp }] of fed.entries()) {
        if (index === restartAt) await driver.restart();
        await driver.pipe({ topic: 'rows', key, value, timestamp });
        const found = (await driver.read('out')).map(record => [record.key, record.value, record.timestamp]);
        if (key === null || value === null) {
          expect(found).toEqual([]);
          continue;
        }
        values.set(key, [...(values.get(key) ?? []), value]);
        times.set(key, Math.max(timestamp, times.get(key) ?? 0));
        expect(found).toEqual([[key, naive(values.get(key)!), times.get(key)]]);
      }
    }),
    { seed, numRuns: 60 },
  );
});

test('every aggregate of a table is that of the rows there are', { timeout: 120_000 }, async () => {
  const graph = topology('t', t =>
    t
      .table('rows', rows)
      .groupBy('by-group', ({ group }) => group, string())
      .aggregate('step', {
        count: count(),
        sum: sum(({ n }) => n),
        mean: avg(({ n }) => n),
        distinct: countDistinct(({ n }) => n),
        all: collect(({ n }) => n),
      })
      .to(out),
  );
  const naive = (all: readonly Row[]) => ({
    count: all.length,
    sum: total(all),
    mean: mean(all),
    distinct: new Set(ns(all)).size,
    all: ns(all).toSorted((a, b) => a - b),
  });
  await fc.assert(
    fc.asyncProperty(changes, restarts, async (fed, restartAt) => {
      await using driver = await drive(graph, { partitions: 2 });
      const table = new Map<string, Row>();
      for (const [index, { key, value, timestamp }] of fed.entries()) {
        if (index === restartAt) await driver.restart();
        await driver.pipe({ topic: 'rows', key, value, timestamp });
        const found = Object.fromEntries(
          (await driver.read<string, { all: number[] }>('out')).map(record => [
            record.key,
            { ...record.value!, all: record.value!.all.toSorted((a, b) => a - b) },
          ]),
        );
        const changed = key === null ? [] : [table.get(key), value ?? undefined];
        if (key !== null && value === null) table.delete(key);
        else if (key !== null) table.set(key, value!);
        const groups = new Set(changed.flatMap(row => (row === undefined ? [] : [row.group])));
        const rowsOf = (name: string) => [...table.values()].filter(({ group }) => group === name);
        expect(found).toEqual(Object.fromEntries([...groups].map(group => [group, naive(rowsOf(group))])));
      }
    }),
    { seed, numRuns: 60 },
  );
});
