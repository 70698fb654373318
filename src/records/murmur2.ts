const M = 0x5bd1e995;
const SEED = 0x9747b28c;

/** Kafka's 32-bit murmur2 (`Utils.murmur2` of its Java client) of `bytes` from `start` to `end`, as a signed integer. */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  let h = SEED ^ length;
  let at = start;
  for (const whole = start + (length & ~3); at < whole; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length & 3;
  if (rest > 2) h ^= bytes[at + 2]! << 16;
  if (rest > 1) h ^= bytes[at + 1]! << 8;
  if (rest > 0) h = Math.imul(h ^ bytes[at]!, M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}

/** Where Kafka's default partitioner puts a record whose key lies there: `toPositive(murmur2(key)) % partitions`. */
export function partitionOf(bytes: Uint8Array, partitions: number, start = 0, end = bytes.length): number {
  return (murmur2(bytes, start, end) & 0x7fffffff) % partitions;
}
