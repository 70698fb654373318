import fc from 'fast-check';
import { expect, test } from 'vitest';
import { string, topic, topology } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { TestWorld, record } from '../runtime/world.ts';
import { seedOf } from '../seed.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());

/** The value up to its colon; `~` is none. */
const foreignKeyOf = (value: string) => (value.startsWith('~') ? null : value.split(':')[0]!);
const joined = (mode: 'inner' | 'left') =>
  topology('app', t => {
    const [lefts, rights] = [t.table('lefts', left), t.table('rights', right)];
    if (mode === 'inner') lefts.join('joined', rights, foreignKeyOf, (l, r) => `${l}-${r}`);
    else lefts.leftJoin('joined', rights, foreignKeyOf, (l, r) => `${l}-${r}`);
  });

interface Change {
  readonly topic: 'left' | 'right';
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
}

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const foreignKeys = fc.constantFrom('p', 'q', 'r');
const times = fc.nat(50);
const value = fc.option(fc.tuple(fc.oneof(foreignKeys, fc.constant('~')), fc.nat(9)), { freq: 5 });
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    topic: fc.constant('left' as const),
    key: keys,
    value: value.map(found => (found === null ? null : found.join(':'))),
    timestamp: times,
  }),
  fc.record({
    topic: fc.constant('right' as const),
    key: foreignKeys,
    value: fc.option(fc.nat(9).map(String), { freq: 3 }),
    timestamp: times,
  }),
);
/** Fed together, so that what they lead to crosses on the way. */
const feeds = fc.array(fc.array(changes, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 });

function naive(all: readonly Change[], mode: 'inner' | 'left'): Record<string, string> {
  const rows = { left: new Map<string, string>(), right: new Map<string, string>() };
  for (const { topic: side, key, value: current } of all)
    if (current === null) rows[side].delete(key);
    else rows[side].set(key, current);
  const results: Record<string, string> = {};
  for (const [key, l] of rows.left) {
    const foreignKey = foreignKeyOf(l);
    const r = foreignKey === null ? undefined : rows.right.get(foreignKey);
    if (r !== undefined || mode === 'left') results[key] = `${l}-${r ?? null}`;
  }
  return results;
}

async function rowsOf(store: { entries(): AsyncIterable<readonly [key: unknown, row: unknown]> }) {
  const rows: Record<string, unknown> = {};
  for await (const [key, row] of store.entries()) rows[key as string] = row;
  return rows;
}

const seed = seedOf('foreign-key joins');

test.each(['inner', 'left'] as const)('whatever changes cross on the way, the %s join ends as the naive one', async mode => {
  await fc.assert(
    fc.asyncProperty(feeds, async all => {
      await using driver = await drive(joined(mode), { partitions: 3 });
      for (const some of all) await driver.pipeAll(some);
      expect(await rowsOf(driver.store('joined'))).toEqual(naive(all.flat(), mode));
    }),
    { seed, numRuns: 40 },
  );
}); // prettier-ignore

test('a start in the middle, with messages on their way, changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(feeds, feeds, async (first, second) => {
      await using world = await TestWorld.open();
      // different counts: each side's rows lie in its own way
      await world.topic('left', 3);
      await world.topic('right', 2);
      const graph = joined('inner');
      const write = async (some: readonly Change[]) => {
        for (const side of ['left', 'right'] as const)
          await world.write(
            side,
            ...some
              .filter(change => change.topic === side)
              .map(({ key, value: current, timestamp }) => record(`${key}=${current}@${timestamp}`)),
          );
      };
      for (const some of first) {
        await write(some);
        // stopped at once: with a commit a record, some answers are still on their way
        const application = await world.start(graph, { maxEpochRecords: 1 });
        await application.stop();
      }
      await write(second.flat());
      const application = await world.start(graph);
      await application.idle();
      expect(await rowsOf(application.store('joined'))).toEqual(naive([...first.flat(), ...second.flat()], 'inner'));
      await application.stop();
    }),
    { seed, numRuns: 15 },
  );
});
