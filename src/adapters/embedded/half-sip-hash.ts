/**
 * HalfSipHash-1-3 of `bytes` from `start` to `end`, 0 to 2^32 - 1: a keyed hash for tables, whose collisions nobody can prepare who
 * does not know the key (Aumasson and Bernstein, SipHash; its 32-bit variant, as the Linux kernel's `hsiphash`).
 */
export function halfSipHash(bytes: Uint8Array, start: number, end: number, key0: number, key1: number): number {
  let v0 = key0 | 0;
  let v1 = key1 | 0;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  const length = end - start;
  const words = length >>> 2;
  let at = start;
  // the whole words, one of what is left with the length, and three rounds without one
  for (let i = 0; i < words + 4; i++) {
    let word = 0;
    if (i < words) {
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      at += 4;
    } else if (i === words) {
      word = length << 24;
      for (let shift = 0; at < end; at++, shift += 8) word |= bytes[at]! << shift;
    } else if (i === words + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}
