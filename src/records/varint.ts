/**
 * Zigzag variable-length integers as Kafka's record format uses them (the same as Protobuf's sint32/sint64).
 * Numbers are exact up to ±2^52; the one-byte case is handled by the callers, inline.
 */

export function varintSize(value: number): number {
  if (value >= -64 && value < 64) return 1;
  if (value >= -8192 && value < 8192) return 2;
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80);
    size++;
  }
  return size;
}

/** Writes at `position`; returns the position behind. */
export function writeVarint(buffer: Uint8Array, position: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) {
    let bits = ((value << 1) ^ (value >> 31)) >>> 0;
    while (bits >= 0x80) {
      buffer[position++] = (bits & 0x7f) | 0x80;
      bits >>>= 7;
    }
    buffer[position++] = bits;
    return position;
  }
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 0x80) {
    buffer[position++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[position++] = rest;
  return position;
}

/** A reader's place in a buffer. */
export interface VarintReader {
  readonly buffer: Uint8Array;
  position: number;
}

/** Reads at `reader.position` and moves it behind. @throws RangeError past the buffer's end or over 64 bits */
export function readVarint(reader: VarintReader): number {
  const { buffer } = reader;
  let position = reader.position;
  let byte = buffer[position++]!;
  let bits = byte & 0x7f;
  let shift = 7;
  while (byte >= 0x80 && shift < 28) {
    byte = buffer[position++]!;
    bits |= (byte & 0x7f) << shift;
    shift += 7;
  }
  if (byte < 0x80) {
    if (position > buffer.length) throw new RangeError('a number runs past the end of the record batch');
    reader.position = position;
    return (bits >>> 1) ^ -(bits & 1);
  }
  let sum = bits;
  let factor = 2 ** shift;
  for (let length = shift / 7; byte >= 0x80; length++) {
    byte = buffer[position++]!;
    if (length === 9 && byte > 1) throw new RangeError('a number of more than 64 bits in a record batch');
    sum += (byte & 0x7f) * factor;
    factor *= 0x80;
  }
  if (position > buffer.length) throw new RangeError('a number runs past the end of the record batch');
  reader.position = position;
  // of a sum beyond 2^53 the lowest bit is lost
  return (bits & 1) === 0 ? sum / 2 : -(sum + 1) / 2;
}
