import { asBuffer } from '../serdes/utf8.ts';

/** Bytes of a state value that are the timestamp in front of it. */
const TIMESTAMP_BYTES = 8;

/** A state value: the timestamp of its last change, then its bytes. */
export function stamped(value: Uint8Array, timestamp: number): Buffer {
  const bytes = Buffer.allocUnsafe(TIMESTAMP_BYTES + value.length);
  bytes.writeDoubleBE(timestamp, 0);
  bytes.set(value, TIMESTAMP_BYTES);
  return bytes;
}

const view = new DataView(new ArrayBuffer(TIMESTAMP_BYTES));

/** When a state value changed last. */
export function timestampOf(stored: Uint8Array): number {
  for (let i = 0; i < TIMESTAMP_BYTES; i++) view.setUint8(i, stored[i]!);
  return view.getFloat64(0);
}

/** A state value's bytes behind its timestamp. */
export const payloadOf = (stored: Uint8Array): Uint8Array => stored.subarray(TIMESTAMP_BYTES);

/** The same as text of one character a byte. */
export const payloadTextOf = (stored: Uint8Array): string =>
  asBuffer(stored).latin1Slice(TIMESTAMP_BYTES, stored.length);
