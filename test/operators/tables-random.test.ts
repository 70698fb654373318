import fc from 'fast-check';
import { expect, test } from 'vitest';
import { string, topic, topology } from '../../src/index.ts';
import type { Table, TopologyBuilder } from '../../src/index.ts';
import { brief, drive } from '../drive.ts';
import { seedOf } from '../seed.ts';
import { left, output, pair, right } from './two-sides.ts';

type Shape = { readonly kind: 'left' } | { readonly kind: 'right' } | Derived | Joined;
interface Derived {
  readonly kind: 'marked' | 'even';
  readonly of: Shape;
}
interface Joined {
  readonly kind: 'inner' | 'left-join' | 'outer';
  readonly l: Shape;
  readonly r: Shape;
}

interface Row {
  readonly value: string | null;
  readonly timestamp: number;
}
type Rows = Readonly<Record<'left' | 'right', Row>>;
const NO_ROW: Row = { value: null, timestamp: -1 };

const { shape: shapes } = fc.letrec<{ shape: Shape; leaf: Shape }>(tie => ({
  leaf: fc.record({ kind: fc.constantFrom('left' as const, 'right' as const) }),
  shape: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('leaf'),
    fc.record({
      kind: fc.constantFrom('inner' as const, 'left-join' as const, 'outer' as const),
      l: tie('shape'),
      r: tie('shape'),
    }),
    fc.record({ kind: fc.constantFrom('marked' as const, 'even' as const), of: tie('shape') }),
  ),
}));

const isEven = (value: string): boolean => (/\d/.exec(value)?.[0] ?? '0') < '5';

function built(t: TopologyBuilder, shape: Shape): Table<string, string> {
  const tables = { left: t.table('lefts', left), right: t.table('rights', right) };
  let names = 0;
  const build = (one: Shape): Table<string, string> => {
    if (one.kind === 'left' || one.kind === 'right') return tables[one.kind];
    if ('of' in one)
      return one.kind === 'even' ? build(one.of).filter(isEven) : build(one.of).map(value => `<${value}>`);
    const [l, r] = [build(one.l), build(one.r)];
    const name = `join-${names++}`;
    if (one.kind === 'inner') return l.join(name, r, pair);
    return one.kind === 'left-join' ? l.leftJoin(name, r, pair) : l.outerJoin(name, r, pair);
  };
  return build(shape);
}

/** What a shape's row is, made from the rows of the two tables. */
function rowOf(shape: Shape, rows: Rows): Row {
  if (shape.kind === 'left' || shape.kind === 'right') return rows[shape.kind];
  if ('of' in shape) {
    const { value, timestamp } = rowOf(shape.of, rows);
    if (value === null || (shape.kind === 'even' && !isEven(value))) return NO_ROW;
    return { value: shape.kind === 'even' ? value : `<${value}>`, timestamp };
  }
  const [l, r] = [rowOf(shape.l, rows), rowOf(shape.r, rows)];
  const meets =
    shape.kind === 'inner'
      ? l.value !== null && r.value !== null
      : l.value !== null || (shape.kind === 'outer' && r.value !== null);
  return meets ? { value: pair(l.value, r.value), timestamp: Math.max(l.timestamp, r.timestamp) } : NO_ROW;
}

/** The change that a record leads to: at the record's time where the row comes by this way alone; null: none. */
function changeOf(shape: Shape, before: Rows, now: Rows, side: 'left' | 'right', time: number): Row | null {
  const [old, row] = [rowOf(shape, before), rowOf(shape, now)];
  if (shape.kind === 'left' || shape.kind === 'right') return shape.kind === side ? { value: row.value, timestamp: time } : null;
  if (old.value === null && row.value === null) return null;
  if ('of' in shape) {
    const change = changeOf(shape.of, before, now, side, time);
    return change === null ? null : { value: row.value, timestamp: change.timestamp };
  }
  const sides = [shape.l, shape.r].map(one => changeOf(one, before, now, side, time));
  if (sides.every(change => change === null)) return null;
  const times = [shape.l, shape.r].map((one, index) => sides[index]?.timestamp ?? rowOf(one, now).timestamp);
  return { value: row.value, timestamp: Math.max(...times) };
} // prettier-ignore

const inputs = fc.array(
  fc.record({
    topic: fc.constantFrom('left' as const, 'right' as const),
    key: fc.constantFrom('a', 'b'),
    value: fc.option(fc.constantFrom('1', '2', '7', '8'), { freq: 4 }),
    timestamp: fc.nat({ max: 40 }),
  }),
  { minLength: 1, maxLength: 30 },
);

test('joins of joins, of tables with themselves, of filtered and mapped ones, give one whole change a record', { timeout: 120_000 }, async () => {
  const seed = seedOf('table joins');
  await fc.assert(
    fc.asyncProperty(shapes, inputs, fc.nat({ max: 30 }), async (shape, drawn, restartAt) => {
      await using driver = await drive(topology('t', t => built(t, shape).as(string()).to(output)));
      const rows = new Map<string, Rows>();
      for (const [index, { topic: side, key, value, timestamp }] of drawn.entries()) {
        if (index === restartAt) await driver.restart();
        await driver.pipe({ topic: side, key, value, timestamp });
        const before = rows.get(key) ?? { left: NO_ROW, right: NO_ROW };
        const now = { ...before, [side]: value === null ? NO_ROW : { value, timestamp } };
        rows.set(key, now);
        const isKnown = value !== null || before[side].value !== null;
        const change = isKnown ? changeOf(shape, before, now, side, timestamp) : null;
        const expected = change === null ? [] : [`${key}=${change.value}@${change.timestamp}`];
        expect(brief(await driver.read('out'))).toEqual(expected);
      }
    }),
    { seed, numRuns: 150 },
  );
}); // prettier-ignore

const PAD = 'x'.repeat(300);
const versions = fc
  .array(
    fc.record({
      topic: fc.constantFrom('left' as const, 'right' as const, 'right' as const),
      key: fc.constantFrom('a', 'b', ''),
      isNull: fc.nat({ max: 9 }),
      step: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 40 })),
      back: fc.oneof(fc.constant(0), fc.nat({ max: 150 })),
    }),
    { minLength: 1, maxLength: 150 },
  )
  .map(drawn => {
    let time = 0;
    return drawn.map(({ topic: side, key, isNull, step, back }, index) => {
      time += step;
      const value = isNull === 0 && side === 'right' ? null : `${index}${PAD}`;
      return { topic: side, key, value, timestamp: Math.max(0, time - back) };
    });
  });

test('a versioned table finds what a list of all its versions holds', { timeout: 120_000 }, async () => {
  const seed = seedOf('versioned tables');
  const build = (retentionMs: number) =>
    topology('t', t => {
      const table = t.table('rows', right, { versioned: retentionMs });
      t.stream(left)
        .leftJoin('joined', table, (_, row) => row?.replace(PAD, '') ?? 'none')
        .as(string())
        .to(output);
      table
        .map(row => row.replace(PAD, ''))
        .as(string())
        .to(topic('changes', string(), string()));
    });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 20, 100, 300, 5000),
      versions,
      fc.nat({ max: 150 }),
      async (retentionMs, drawn, restartAt) => {
        await using driver = await drive(build(retentionMs));
        const expected = { out: [] as string[], changes: [] as string[] };
        const known = new Map<string, Map<number, string | null>>();
        let now = -1;
        const asOf = (key: string, time: number): string | null => {
          const all = [...(known.get(key) ?? [])];
          const last = Math.max(-1, ...all.map(([from]) => from));
          if (time < now - retentionMs && last > time) return null;
          const found = all.filter(([from]) => from <= time).sort(([a], [b]) => b - a)[0];
          return found?.[1] ?? null;
        };
        for (const [index, record] of drawn.entries()) {
          if (index === restartAt) await driver.restart();
          const { topic: side, key, value, timestamp } = record;
          await driver.pipe(record);
          if (side === 'left') {
            expected.out.push(`${key}=${asOf(key, timestamp)?.replace(PAD, '') ?? 'none'}@${timestamp}`);
            continue;
          }
          now = Math.max(now, timestamp);
          if (timestamp < now - retentionMs) continue;
          const own = known.get(key) ?? new Map<number, string | null>();
          known.set(key, own);
          const isLatest = Math.max(-1, ...own.keys()) <= timestamp;
          const before = asOf(key, Infinity);
          own.set(timestamp, value);
          if (isLatest && (value !== null || before !== null))
            expected.changes.push(`${key}=${value?.replace(PAD, '') ?? 'null'}@${timestamp}`);
        }
        expect(brief(await driver.read('out'))).toEqual(expected.out);
        expect(brief(await driver.read('changes'))).toEqual(expected.changes);
      },
    ),
    { seed, numRuns: 80 },
  );
});
