import { readVarint, varintSize, writeVarint } from '../records/varint.ts';

/** A record that waits in a step's store: with what is needed to go on with it, or to dead-letter it. */
export interface WaitingRecord {
  readonly key: Uint8Array;
  /** Packed. */
  readonly headers: Uint8Array;
  readonly value: Uint8Array;
}

/** The key's length, the key, the headers' length, the headers, the value. */
export function encodeWaiting({ key, headers, value }: WaitingRecord): Uint8Array {
  const bytes = Buffer.allocUnsafe(
    varintSize(key.length) + key.length + varintSize(headers.length) + headers.length + value.length,
  );
  let position = writeVarint(bytes, 0, key.length);
  bytes.set(key, position);
  position = writeVarint(bytes, position + key.length, headers.length);
  bytes.set(headers, position);
  bytes.set(value, position + headers.length);
  return bytes;
}

export function decodeWaiting(buffer: Uint8Array): WaitingRecord {
  const reader = { buffer, position: 0 };
  const taken = (length: number) => buffer.subarray(reader.position, (reader.position += length));
  const key = taken(readVarint(reader));
  const headers = taken(readVarint(reader));
  return { key, headers, value: buffer.subarray(reader.position) };
}
