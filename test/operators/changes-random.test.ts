import fc from 'fast-check';
import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { Table, TopologyBuilder } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { seedOf } from '../seed.ts';
import { left, pair, right } from './two-sides.ts';

type Rows = Table<string, string>;

/** Fails for some rows and results. */
const picky = (value: string): string => {
  if (value.includes('bad')) throw new Error('not this one');
  return value;
};
const pickyPair = (l: string | null, r: string | null): string => picky(pair(l, r));
const foreignKeyOf = (value: string) => (value.startsWith('~') ? null : value.slice(0, 1));

const TABLES: Readonly<Record<string, (t: TopologyBuilder, l: Rows, r: Rows) => Rows>> = {
  'a filter': (_, l) => l.filter(value => picky(value) > 'b'),
  'an inner join': (_, l, r) => l.join('joined', r, pickyPair).as(string()),
  'an outer join of mapped tables': (_, l, r) => l.map(picky).outerJoin('joined', r.map(picky), pickyPair).as(string()),
  'joins of one table by several ways': (_, l, r) =>
    l
      .join('one', r, pickyPair)
      .as(string())
      .outerJoin('two', l.filter(value => value > 'b').as(string()), pickyPair)
      .as(string())
      .leftJoin('three', r, pickyPair)
      .as(string()),
  'a foreign-key join': (_, l, r) => l.join('joined', r, foreignKeyOf, pickyPair).as(string()),
  'a left foreign-key join with itself': (_, l) => l.leftJoin('joined', l, foreignKeyOf, pickyPair).as(string()),
  'a suppressed table': (_, l) => l.suppress('held', { timeLimit: 6 }).map(picky).as(string()),
  'a suppressed table of two rows': (_, l) => l.suppress('held', { timeLimit: 9, maxRecords: 2 }).map(picky).as(string()),
  'a suppressed table joined with itself': (_, l) =>
    l.suppress('held', { timeLimit: 9, maxRecords: 2 }).toStream().toTable('shown').outerJoin('joined', l, pair).as(string()),
  'a versioned table': (t, _, r) =>
    t.table('versions', topic('versions', string(), string()), { versioned: 20 }).outerJoin('joined', r, pickyPair).as(string()),
}; // prettier-ignore

const inputs = fc
  .array(
    fc.record({
      topic: fc.constantFrom('left', 'right', 'versions'),
      key: fc.constantFrom('a', 'b', 'c'),
      letter: fc.constantFrom('a', 'b', 'c', '~', 'bad', null),
      step: fc.nat({ max: 4 }),
      back: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 20 })),
    }),
    { minLength: 100, maxLength: 200 },
  )
  .map(drawn => {
    let now = 0;
    return drawn.map(({ letter, step, back, ...one }, index) => {
      now += step;
      const value = letter === null ? null : `${letter}${index}`;
      return { ...one, value, timestamp: Math.max(0, now - back) };
    });
  });

test.each(Object.keys(TABLES))('%s hands on, as the row before, what it handed on last, whatever fails', async name => {
  const seed = seedOf(`changes of ${name}`);
  await fc.assert(
    fc.asyncProperty(inputs, fc.nat({ max: 60 }), async (drawn, restartAt) => {
      const wrong: string[] = [];
      const build = topology('t', t => {
        TABLES[name]!(t, t.table('lefts', left), t.table('rights', right))
          .groupBy('by-key', (_, { key }) => key, string())
          .aggregate('handed-on', {
            serde: json<string[]>(),
            init: () => [],
            add(rows, row) {
              if (rows.length > 0) wrong.push(`${row} beside ${rows.join()}`);
              return [...rows, row];
            },
            subtract(rows, row) {
              if (rows[0] !== row) wrong.push(`${row} taken out of ${rows.join()}`);
              return rows.filter(one => one !== row);
            },
          });
      });
      await using driver = await drive(build, { deadLetterLimit: false });
      const topics = new Set(build.nodes.flatMap(node => (node.kind === 'source' ? [node.topic.name] : [])));
      const fed = drawn.filter(record => topics.has(record.topic));
      await driver.pipeAll(fed.slice(0, restartAt));
      await driver.restart();
      await driver.pipeAll(fed.slice(restartAt));
      expect(wrong).toEqual([]);
    }),
    { seed, numRuns: 12 },
  );
});
