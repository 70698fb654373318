import { expect, test } from 'vitest';
import { murmur2, partitionOf } from '../../src/records/murmur2.ts';

// the vectors of org.apache.kafka.common.utils.UtilsTest
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is what the Java client computes', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test('a negative hash loses its sign bit before it picks the partition', () => {
  expect(partitionOf(Buffer.from('foobar'), 4)).toBe((-790332482 & 0x7fffffff) % 4);
});

test('an empty key has a partition', () => {
  expect(partitionOf(Buffer.alloc(0), 4)).toBeGreaterThanOrEqual(0);
});

test('keys spread over the partitions', () => {
  const counts = [0, 0, 0, 0];
  for (let i = 1; i <= 10_000; i++) {
    const partition = partitionOf(Buffer.from(`{"id":"P-${String(i).padStart(6, '0')}"}`), 4);
    counts[partition] = counts[partition]! + 1;
  }
  for (const count of counts) expect(Math.abs(count - 2500)).toBeLessThan(250);
});
