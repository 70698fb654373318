import { readVarint, varintSize, writeVarint } from '../records/varint.ts';

/** A record that waits in a step's store: with what is needed to go on with it, or to dead-letter it. */
interface WaitingRecord<K = Uint8Array, V = Uint8Array> {
  readonly key: K;
  readonly value: V;
  /** Packed. */
  readonly headers: Uint8Array;
}

type Bytes = Uint8Array | null;

/** Key and value, each behind its length (-1: null), then the headers. */
export function encodeWaiting({ key, value, headers }: WaitingRecord<Bytes, Bytes>): Uint8Array {
  const bytes = Buffer.allocUnsafe(sizeOf(key) + sizeOf(value) + headers.length);
  let position = 0;
  for (const part of [key, value]) {
    position = writeVarint(bytes, position, part?.length ?? -1);
    if (part === null) continue;
    bytes.set(part, position);
    position += part.length;
  }
  bytes.set(headers, position);
  return bytes;
}

const sizeOf = (part: Bytes): number => varintSize(part?.length ?? -1) + (part?.length ?? 0);

/** `K` and `V` say whether key and value can be null. */
export function decodeWaiting<K extends Bytes = Uint8Array, V extends Bytes = Uint8Array>(
  buffer: Uint8Array,
): WaitingRecord<K, V> {
  const reader = { buffer, position: 0 };
  const taken = (): Bytes => {
    const length = readVarint(reader);
    return length < 0 ? null : buffer.subarray(reader.position, (reader.position += length));
  };
  const [key, value] = [taken() as K, taken() as V];
  return { key, value, headers: buffer.subarray(reader.position) };
}
