import { readVarint, varintSize, writeVarint } from './varint.ts';

/** A record header: names may repeat; a value may be null. */
export type Header = readonly [name: string, value: Uint8Array | null];
export type Headers = readonly Header[];

/** No headers, packed. */
export const NO_HEADERS: Uint8Array = Buffer.from([0]);

/** Packs headers as a record carries them: a count, then name and value with their lengths. */
export function encodeHeaders(headers: Headers): Uint8Array {
  if (headers.length === 0) return NO_HEADERS;
  let size = varintSize(headers.length);
  for (const [name, value] of headers) {
    const nameLength = Buffer.byteLength(name);
    size += varintSize(nameLength) + nameLength + varintSize(value?.length ?? -1) + (value?.length ?? 0);
  }
  const packed = Buffer.allocUnsafe(size);
  let position = writeVarint(packed, 0, headers.length);
  for (const [name, value] of headers) {
    position = writeVarint(packed, position, Buffer.byteLength(name));
    position += packed.write(name, position);
    position = writeVarint(packed, position, value?.length ?? -1);
    if (value !== null) {
      packed.set(value, position);
      position += value.length;
    }
  }
  return packed;
}

/** @throws RangeError when the bytes are no headers. */
export function decodeHeaders(packed: Uint8Array): Headers {
  if (packed.length === 1 && packed[0] === 0) return [];
  const reader = { buffer: packed, position: 0 };
  const count = readVarint(reader);
  if (count < 0 || count > packed.length) throw new RangeError('a header count that cannot be');
  const headers: Header[] = [];
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(slice(reader, readVarint(reader))).toString();
    const valueLength = readVarint(reader);
    headers.push([name, valueLength < 0 ? null : slice(reader, valueLength)]);
  }
  return headers;
}

function slice(reader: { buffer: Uint8Array; position: number }, length: number): Uint8Array {
  const end = reader.position + length;
  if (length < 0 || end > reader.buffer.length) throw new RangeError('a header runs past the end of its record');
  const bytes = reader.buffer.subarray(reader.position, end);
  reader.position = end;
  return bytes;
}
