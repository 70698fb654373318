import { expect, test } from 'vitest';
import { zipf } from '../../bench/zipf.ts';
import { Dice, seedOf } from '../seed.ts';

test('by Zipf the second place comes half as often as the first, the tenth a tenth as often', () => {
  const dice = new Dice(seedOf('zipf'));
  const counts = Array<number>(1_000).fill(0);
  const place = zipf(counts.length, () => dice.unit());
  for (let draw = 0; draw < 200_000; draw++) counts[place()]!++;
  expect(counts[1]! / counts[0]!).toBeCloseTo(1 / 2, 1);
  expect(counts[9]! / counts[0]!).toBeCloseTo(1 / 10, 1);
  expect(counts.reduce((sum, count) => sum + count)).toBe(200_000);
});

test('the ends of the unit are the first place and the last one', () => {
  expect(zipf(1_000, () => 0)()).toBe(0);
  expect(zipf(1_000, () => 1 - 2 ** -53)()).toBe(999);
});
