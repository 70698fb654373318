import { readVarint, varintSize, writeVarint } from '../records/varint.ts';

/** A table's change that waits in a step's store. */
export interface WaitingChange {
  /** When the wait began, ms since 1970. Infinity: it was not handed on, and the row's next change has `old` as the row before. */
  readonly since: number;
  /** Packed, of the last change. */
  readonly headers: Uint8Array;
  /** The row before the first change, and after the last. Null: there was none, there is none. */
  readonly old: Uint8Array | null;
  readonly row: Uint8Array | null;
}

const HAS_OLD = 1;
const HAS_ROW = 2;
const EMPTY = new Uint8Array(0);

/** Since, which rows there are, the headers' length and bytes, the old row's length and bytes, the row. */
export function encodeWaitingChange({ since, headers, old, row }: WaitingChange): Uint8Array {
  const [before, after] = [old ?? EMPTY, row ?? EMPTY];
  const sizes = varintSize(headers.length) + varintSize(before.length);
  const bytes = Buffer.allocUnsafe(9 + sizes + headers.length + before.length + after.length);
  bytes.writeDoubleBE(since, 0);
  bytes[8] = (old === null ? 0 : HAS_OLD) | (row === null ? 0 : HAS_ROW);
  let position = writeVarint(bytes, 9, headers.length);
  bytes.set(headers, position);
  position = writeVarint(bytes, position + headers.length, before.length);
  bytes.set(before, position);
  bytes.set(after, position + before.length);
  return bytes;
}

export function decodeWaitingChange(buffer: Uint8Array): WaitingChange {
  const since = new DataView(buffer.buffer, buffer.byteOffset).getFloat64(0);
  const reader = { buffer, position: 9 };
  const taken = (length: number) => buffer.subarray(reader.position, (reader.position += length));
  const headers = taken(readVarint(reader));
  const old = taken(readVarint(reader));
  const has = buffer[8]!;
  return {
    since,
    headers,
    old: has & HAS_OLD ? old : null,
    row: has & HAS_ROW ? buffer.subarray(reader.position) : null,
  };
}
