import { float32, float64, bytes64, halves64, signed64, unsigned64 } from '../int64.ts';
import { readUtf8 } from '../utf8.ts';
import type { NativeBuffer } from '../utf8.ts';

/** Bytes that are not the message they should be. Its message names no content. */
export class WireFault extends Error {}

/**
 * What generated decoders call: readers of one value at a position, which leave the position behind it in `reading.at`. The decoders
 * handle the one-byte cases themselves. Reads past the end of the buffer yield undefined there; the position then lies behind the end, which
 * each decoder checks before it hands out a message.
 */
export const reading = {
  at: 0,
  varint,
  length,
  tag: length,
  int32,
  uint32,
  sint32,
  bool,
  int64,
  uint64,
  sint64,
  int64Number,
  uint64Number,
  sint64Number,
  fixed32: (buffer: Buffer, at: number) => buffer.readUInt32LE(at),
  sfixed32: (buffer: Buffer, at: number) => buffer.readInt32LE(at),
  fixed64,
  sfixed64,
  fixed64Number,
  sfixed64Number,
  float,
  double,
  text,
  copy,
  skip,
  collect,
  truncated: () => new WireFault('ends early'),
  tooDeep: () => new WireFault('is nested too deeply'),
  /** The first 128 bigints. */
  small: Array.from({ length: 128 }, (_, value) => BigInt(value)),
  /** For maps: no key meets an inherited property. */
  empty: (): Record<string, unknown> => Object.create(null) as Record<string, unknown>,
};

/** A varint into `halves64`. Ten bytes at most, the tenth of them 0 or 1: 64 bits. */
function varint(buffer: Uint8Array, start: number): void {
  let at = start;
  let low = 0;
  let middle = 0;
  let high = 0;
  let byte = 0x80;
  for (let shift = 0; shift < 28 && byte > 0x7f; shift += 7) {
    byte = buffer[at++]!;
    low |= (byte & 0x7f) << shift;
  }
  for (let shift = 0; shift < 28 && byte > 0x7f; shift += 7) {
    byte = buffer[at++]!;
    middle |= (byte & 0x7f) << shift;
  }
  for (let shift = 0; shift < 14 && byte > 0x7f; shift += 7) {
    byte = buffer[at++]!;
    high |= (byte & 0x7f) << shift;
  }
  if (byte > 0x7f || high > 0xff) throw new WireFault('holds a number of more than 64 bits');
  if (at > buffer.length) throw new WireFault('ends early');
  halves64[0] = low | (middle << 28);
  halves64[1] = (middle >>> 4) | (high << 24);
  reading.at = at;
}

/** Also tags: 32 bits, in five bytes at most, as the parsers of C++ and protobufjs have it. */
function length(buffer: Uint8Array, start: number): number {
  varint(buffer, start);
  if (halves64[1] !== 0 || reading.at - start > 5) throw new WireFault('holds a tag or length of more than 32 bits');
  return halves64[0]!;
}

/** Negative numbers are sign-extended to 64 bits on the wire. Others than those of 32 bits are refused, not cut. */
function int32(buffer: Uint8Array, at: number): number {
  varint(buffer, at);
  const low = halves64[0]! | 0;
  if (halves64[1]! !== (low < 0 ? 0xffffffff : 0)) throw outOfRange();
  return low;
}

function uint32(buffer: Uint8Array, at: number): number {
  varint(buffer, at);
  if (halves64[1] !== 0) throw outOfRange();
  return halves64[0]!;
}

function sint32(buffer: Uint8Array, at: number): number {
  const value = uint32(buffer, at);
  return (value >>> 1) ^ -(value & 1);
}

function bool(buffer: Uint8Array, at: number): boolean {
  varint(buffer, at);
  return (halves64[0]! | halves64[1]!) !== 0;
}

function int64(buffer: Uint8Array, at: number): bigint {
  varint(buffer, at);
  return signed64[0]!;
}

function uint64(buffer: Uint8Array, at: number): bigint {
  varint(buffer, at);
  return unsigned64[0]!;
}

/** Zigzag on the halves. */
function unzigzag(): void {
  const low = halves64[0]!;
  const high = halves64[1]!;
  const sign = -(low & 1);
  halves64[0] = ((low >>> 1) | (high << 31)) ^ sign;
  halves64[1] = (high >>> 1) ^ sign;
}

function sint64(buffer: Uint8Array, at: number): bigint {
  varint(buffer, at);
  unzigzag();
  return signed64[0]!;
}

function int64Number(buffer: Uint8Array, at: number): number {
  varint(buffer, at);
  return safe((halves64[1]! | 0) * 0x100000000 + halves64[0]!);
}

function uint64Number(buffer: Uint8Array, at: number): number {
  varint(buffer, at);
  return safe(halves64[1]! * 0x100000000 + halves64[0]!);
}

function sint64Number(buffer: Uint8Array, at: number): number {
  varint(buffer, at);
  unzigzag();
  return safe((halves64[1]! | 0) * 0x100000000 + halves64[0]!);
}

function loadEight(buffer: Buffer, at: number): void {
  for (let index = 0; index < 8; index++) bytes64[index] = buffer[at + index]!;
}

function fixed64(buffer: Buffer, at: number): bigint {
  loadEight(buffer, at);
  return unsigned64[0]!;
}

function sfixed64(buffer: Buffer, at: number): bigint {
  loadEight(buffer, at);
  return signed64[0]!;
}

function fixed64Number(buffer: Buffer, at: number): number {
  loadEight(buffer, at);
  return safe(halves64[1]! * 0x100000000 + halves64[0]!);
}

function sfixed64Number(buffer: Buffer, at: number): number {
  loadEight(buffer, at);
  return safe((halves64[1]! | 0) * 0x100000000 + halves64[0]!);
}

function float(buffer: Buffer, at: number): number {
  for (let index = 0; index < 4; index++) bytes64[index] = buffer[at + index]!;
  return float32[0]!;
}

function double(buffer: Buffer, at: number): number {
  loadEight(buffer, at);
  return float64[0]!;
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value))
    throw new WireFault('holds an integer beyond 2^53 in a field with jstype = JS_NUMBER');
  return value;
}

function outOfRange(): WireFault {
  return new WireFault('holds a number out of the range of its field');
}

function text(buffer: NativeBuffer, start: number, end: number): string {
  const value = readUtf8(buffer, start, end);
  if (value === undefined) throw new WireFault('holds text that is no UTF-8');
  return value;
}

/** Memory of its own: the buffer is the runtime's. */
function copy(buffer: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(buffer.subarray(start, end));
}

/**
 * Behind a field that the message does not have. `known`: the numbers it has, which come here when their wire type is another.
 */
function skip(buffer: Uint8Array, tag: number, at: number, end: number, known: ReadonlySet<number>): number {
  const number = tag >>> 3;
  if (number === 0) throw new WireFault('holds a field of number 0');
  if (known.has(number)) throw new WireFault(`holds field ${number} in another wire type`);
  let behind = at;
  switch (tag & 7) {
    case 0:
      varint(buffer, at);
      behind = reading.at;
      break;
    case 1:
      behind += 8;
      break;
    case 2:
      behind = length(buffer, at);
      behind += reading.at;
      break;
    case 5:
      behind += 4;
      break;
    default:
      throw new WireFault('holds a group, which proto3 does not have');
  }
  if (behind > end) throw new WireFault('ends early');
  return behind;
}

/** The raw bytes of the unknown fields. `places`: start, end, start, end … */
function collect(buffer: Buffer, places: readonly number[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces(buffer, places)));
}

function pieces(buffer: Buffer, places: readonly number[]): Buffer[] {
  const found: Buffer[] = [];
  for (let index = 0; index < places.length; index += 2) found.push(buffer.subarray(places[index], places[index + 1]));
  return found;
}
