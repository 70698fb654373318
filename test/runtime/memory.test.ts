import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { leastBudget, memoryShares, processShares, sharesAmong } from '../../src/runtime/memory.ts';
import type { Takers } from '../../src/runtime/memory.ts';
import { planTopics } from '../../src/runtime/topics.ts';
import { seedOf } from '../seed.ts';
import { TestWorld } from './world.ts';

const MiB = 1024 * 1024;

const takersOf = (tasks: number, stores: number, reads = 1): Takers => ({
  tasks,
  inputs: tasks * reads,
  states: stores > 0 ? tasks : 0,
  stores: tasks * stores,
});

const anyTakers = fc
  .tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 4 }))
  .map(([tasks, stores, reads]) => takersOf(tasks, stores, reads));
const anyBudget = fc.integer({ min: 1, max: 64 * 1024 }).map(mib => mib * MiB);

const takenBy = ({ tasks, inputs, states, stores }: Takers, bytes: number): number => {
  const { readAheadBytes, epochBytes, stateBytes, cacheBytes } = memoryShares(bytes, { tasks, inputs, states, stores });
  return inputs * readAheadBytes + tasks * epochBytes + states * stateBytes + stores * cacheBytes;
};

describe('the shares of a topology', () => {
  test('come to no more than it has, and leave something to each store', () => {
    const property = fc.property(anyBudget, anyTakers, (bytes, takers) => {
      expect(takenBy(takers, bytes)).toBeLessThanOrEqual(bytes);
      expect(memoryShares(bytes, takers).cacheBytes > 0).toBe(takers.stores > 0);
    });
    fc.assert(property, { seed: seedOf('shares') });
  });

  test('leave something to each where it has the least', () => {
    const property = fc.property(anyTakers, takers => {
      const { topologiesBytes } = processShares(leastBudget([takers]));
      const { readAheadBytes, epochBytes, stateBytes, cacheBytes } = memoryShares(topologiesBytes, takers);
      for (const share of [readAheadBytes, epochBytes]) expect(share).toBeGreaterThan(0);
      if (takers.stores > 0) for (const share of [stateBytes, cacheBytes]) expect(share).toBeGreaterThan(0);
    });
    fc.assert(property, { seed: seedOf('least') });
  });

  test('leave room in the heap, and no cache more entries than a map can hold', () => {
    const large = memoryShares(4096 * MiB, takersOf(1, 1));
    expect(large.cacheBytes * 1.5).toBeLessThanOrEqual(2048 * MiB);
    expect(memoryShares(1024 * 1024 * MiB, takersOf(1, 1)).cacheBytes / 200).toBeLessThan(2 ** 24);
  });

  test('a task without a store leaves its part to those that have one', () => {
    const all = memoryShares(256 * MiB, takersOf(8, 1));
    const half = memoryShares(256 * MiB, { ...takersOf(8, 1), states: 4, stores: 4 });
    expect(half.cacheBytes).toBe(2 * all.cacheBytes);
    expect(half.stateBytes).toBe(2 * all.stateBytes);
    expect(memoryShares(256 * MiB, takersOf(4, 0)).cacheBytes).toBe(0);
  });
});

describe('the shares of a process', () => {
  test('leave most of it to its topologies', () => {
    for (const mib of [32, 512, 16 * 1024]) {
      const { topologiesBytes, recentBytes, keyBytes, indexBytes } = processShares(mib * MiB);
      expect(topologiesBytes + recentBytes + keyBytes + indexBytes).toBe(mib * MiB);
      expect(topologiesBytes).toBeGreaterThan((mib * MiB * 3) / 4);
    }
  });

  test('go to its topologies by what they keep, all of them together one', () => {
    const [keeps, passes, unknown] = sharesAmong([takersOf(4, 1), takersOf(4, 0), undefined]);
    expect(keeps! + passes! + unknown!).toBeCloseTo(1);
    expect(keeps).toBeGreaterThan(4 * passes!);
    expect(unknown).toBeCloseTo((keeps! + passes!) / 2);
    expect(sharesAmong([undefined])).toEqual([1]);
  });
});

const counted = topology('counted', t => {
  t.stream(topic('in', string(), json<number>()))
    .groupByKey()
    .count('counts');
  t.stream(topic('other', string(), json<number>())).to(topic('out', string(), json<number>()));
  t.globalTable('rates', topic('rates', string(), json<number>()));
});

test('what takes memory is counted from the plan', async () => {
  await using world = await TestWorld.open();
  await world.topic('rates', 3);
  const { takers } = await planTopics(counted, world.broker, 4);
  expect(takers).toEqual({ tasks: 8, inputs: 11, states: 5, stores: 7 });
});

test('the least budget leaves each what it needs at least', () => {
  const topologies = [takersOf(4, 1), takersOf(8, 0), undefined];
  const { topologiesBytes } = processShares(leastBudget(topologies));
  expect(topologiesBytes).toBeGreaterThanOrEqual(4 * (2 + 1 / 4 + 1 / 4 + 1 / 8) * MiB + 8 * (1 / 4 + 1 / 8) * MiB);
  expect(leastBudget([...topologies, takersOf(4, 1)])).toBeGreaterThan(leastBudget(topologies));
});
