/**
 * 64-bit integers between bytes and bigints without big arithmetic: a typed array's memory, seen as one bigint or as two halves.
 * One set for all, as nothing calls foreign code in between.
 */
export const signed64 = new BigInt64Array(1);
export const unsigned64 = new BigUint64Array(signed64.buffer);
/** [low, high] */
export const halves64 = new Uint32Array(signed64.buffer);
export const float64 = new Float64Array(signed64.buffer);
export const float32 = new Float32Array(signed64.buffer);
export const bytes64 = new Uint8Array(signed64.buffer);

unsigned64[0] = 1n;
if (halves64[0] !== 1) throw new Error('Topo runs on little-endian machines only');
