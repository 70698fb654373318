import fc from 'fast-check';
import { expect, test } from 'vitest';
import { json, string, topic, topology, tumbling, within } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { seedOf } from '../seed.ts';

const input = topic('in', string(), json<{ key: string; n: number }>());
const out = topic('out', string(), json<{ key: string; n: number }>());
const pairs = topic('pairs', string(), json<number[]>());
const counts = topic('counts', string(), json<number>());

/** Every record under the key in its value, through a repartition into joins and a window. Behind one, time may go back: hence the graces. */
const moved = topology('t', t => {
  const byKey = t.stream(input).keyBy('by-key', value => value.key, string());
  const known = byKey.toTable('known');
  byKey
    .join('with-row', known, value => value)
    .as(json<{ key: string; n: number }>())
    .to(out);
  byKey
    .join('with-itself', byKey, within(0, { grace: '1 h' }), (left, right) => [left.n, right.n])
    .as(json<number[]>())
    .to(pairs);
  byKey
    .groupByKey()
    .window(tumbling('1 min', { grace: '1 h' }))
    .count('per-minute')
    .toStream()
    .filter(count => count !== null)
    .keyBy('back', (_, { key }) => key.key, string())
    .to(counts);
});

const feed = fc.array(
  fc.record({ key: fc.integer({ min: 0, max: 4 }), partition: fc.integer({ min: 0, max: 2 }), send: fc.boolean() }),
  { minLength: 1, maxLength: 40 },
);

test('however the partitions are interleaved, records of a key that came by one partition keep their order', async () => {
  await fc.assert(
    fc.asyncProperty(feed, async given => {
      await using driver = await drive(moved, { partitions: 3 });
      // a key always comes by one partition, as its producer's would; several keys share each
      const records = given.map(({ key }, n) => ({
        topic: 'in',
        key: `from${key}`,
        value: { key: `k${key}`, n },
        timestamp: n * 1000,
        partition: key % 3,
      }));
      for (const [n, record] of records.entries()) {
        await driver.send(record);
        if (given[n]!.send) await driver.idle();
      }
      await driver.idle();
      const ofKey = (key: string) => records.filter(({ value }) => value.key === key).map(({ value }) => value.n);
      const enriched = await driver.read<string, { n: number }>('out');
      const paired = await driver.read<string, number[]>('pairs');
      const counted = await driver.read<string, number>('counts');
      for (const key of new Set(records.map(({ value }) => value.key))) {
        const order = ofKey(key);
        expect(enriched.filter(one => one.key === key).map(({ value }) => value!.n)).toEqual(order);
        expect(paired.filter(one => one.key === key).map(({ value }) => value)).toEqual(order.map(n => [n, n]));
        expect(counted.filter(one => one.key === key).map(({ value }) => value)).toEqual(order.map((_, i) => i + 1));
      }
    }),
    { seed: seedOf('order of each key'), numRuns: 25 },
  );
});
