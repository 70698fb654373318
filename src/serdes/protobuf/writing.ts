import { bytes64, float32, float64, halves64, signed64, unsigned64 } from '../int64.ts';
import { kindOf } from '../refusal.ts';
import { slab } from '../slab.ts';
import { writeUtf8 } from '../utf8.ts';
import type { NativeBuffer } from '../utf8.ts';

/** A value that does not fit its field. `path` grows from the inside out. */
export class ValueFault extends Error {
  constructor(
    public path: string,
    readonly problem: string,
  ) {
    super(problem);
  }
}

/** What generated encoders call. Writers take the buffer and where to write, and return the position behind. */
export const writing = {
  slab,
  varint,
  int32,
  int64,
  uint64,
  sint64,
  fixed32,
  fixed64,
  sfixed64,
  int64Number,
  sint64Number,
  fixed64Number,
  float,
  double,
  text,
  bytes,
  lengthen,
  keyOf,
  fault,
  within,
};

/** Whole numbers from 0 to 2^53. */
function varint(buffer: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7fffffff) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** What is in `halves64`, as a varint. */
function varint64(buffer: Uint8Array, start: number): number {
  let at = start;
  let low = halves64[0]!;
  let high = halves64[1]!;
  while (high !== 0) {
    buffer[at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  return varint(buffer, at, low);
}

function int32(buffer: Uint8Array, at: number, value: number): number {
  if (value >= 0) return varint(buffer, at, value);
  halves64[0] = value;
  halves64[1] = 0xffffffff;
  return varint64(buffer, at);
}

/** -1 when the value is out of range, as all writers of bigints. */
function int64(buffer: Uint8Array, at: number, value: bigint): number {
  const near = Number(value);
  if (near >= 0 && near <= Number.MAX_SAFE_INTEGER) return varint(buffer, at, near);
  signed64[0] = value;
  return signed64[0] === value ? varint64(buffer, at) : -1;
}

function uint64(buffer: Uint8Array, at: number, value: bigint): number {
  const near = Number(value);
  if (near >= 0 && near <= Number.MAX_SAFE_INTEGER) return varint(buffer, at, near);
  unsigned64[0] = value;
  return unsigned64[0] === value ? varint64(buffer, at) : -1;
}

function sint64(buffer: Uint8Array, at: number, value: bigint): number {
  signed64[0] = value;
  if (signed64[0] !== value) return -1;
  zigzag();
  return varint64(buffer, at);
}

function zigzag(): void {
  const low = halves64[0]!;
  const high = halves64[1]!;
  const sign = (high | 0) >> 31;
  halves64[0] = (low << 1) ^ sign;
  halves64[1] = ((high << 1) | (low >>> 31)) ^ sign;
}

/** A safe integer into the halves, two's complement. */
function load(value: number): void {
  halves64[0] = value % 0x100000000;
  halves64[1] = Math.floor(value / 0x100000000);
}

function int64Number(buffer: Uint8Array, at: number, value: number): number {
  if (value >= 0) return varint(buffer, at, value);
  load(value);
  return varint64(buffer, at);
}

function sint64Number(buffer: Uint8Array, at: number, value: number): number {
  load(value);
  zigzag();
  return varint64(buffer, at);
}

function fixed32(buffer: Uint8Array, at: number, value: number): number {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
  return at + 4;
}

function eight(buffer: Uint8Array, at: number): number {
  for (let index = 0; index < 8; index++) buffer[at + index] = bytes64[index]!;
  return at + 8;
}

function fixed64(buffer: Uint8Array, at: number, value: bigint): number {
  unsigned64[0] = value;
  return unsigned64[0] === value ? eight(buffer, at) : -1;
}

function sfixed64(buffer: Uint8Array, at: number, value: bigint): number {
  signed64[0] = value;
  return signed64[0] === value ? eight(buffer, at) : -1;
}

function fixed64Number(buffer: Uint8Array, at: number, value: number): number {
  load(value);
  return eight(buffer, at);
}

/** -1 for a finite number that only an infinity could stand for. */
function float(buffer: Uint8Array, at: number, value: number): number {
  float32[0] = value;
  if (Number.isFinite(value) && !Number.isFinite(float32[0])) return -1;
  for (let index = 0; index < 4; index++) buffer[at + index] = bytes64[index]!;
  return at + 4;
}

function double(buffer: Uint8Array, at: number, value: number): number {
  float64[0] = value;
  return eight(buffer, at);
}

/** Up to here a text's length takes one byte, whatever its characters are. */
const ONE_BYTE_LENGTH = 42;

/** Length and text; -1 for half a surrogate pair. Needs room for five bytes and three a character. */
function text(buffer: NativeBuffer, value: string, at: number): number {
  if (value.length <= ONE_BYTE_LENGTH) {
    const length = writeUtf8(buffer, value, at + 1);
    buffer[at] = length;
    return length < 0 ? -1 : at + 1 + length;
  }
  const start = varint(buffer, at, Buffer.byteLength(value));
  const length = writeUtf8(buffer, value, start);
  return length < 0 ? -1 : start + length;
}

function bytes(buffer: Uint8Array, value: Uint8Array, at: number): number {
  const start = varint(buffer, at, value.length);
  buffer.set(value, start);
  return start + value.length;
}

/**
 * Writes the length of what stands from `at + 1` to `end` into the one byte at `at`, or makes room for a longer one. May replace the
 * slab's buffer, and needs no room beforehand.
 */
function lengthen(at: number, end: number): number {
  const length = end - at - 1;
  if (length < 0x80) {
    slab.buffer[at] = length;
    return end;
  }
  const more = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
  const offset = at - slab.start;
  const grown = slab.grow(end, more);
  const place = offset + slab.start;
  slab.buffer.copyWithin(place + 1 + more, place + 1, grown);
  varint(slab.buffer, place, length);
  return grown + more;
}

const INTEGER = /^-?(?:0|[1-9]\d*)$/;

/** A map's key out of a property's name. Undefined when it is none; its range is the encoder's business. */
function keyOf(type: string, isJsNumber: boolean, name: string): string | number | bigint | boolean | undefined {
  if (type === 'string') return name;
  if (type === 'bool') return name === 'true' ? true : name === 'false' ? false : undefined;
  if (!INTEGER.test(name)) return undefined;
  return type.endsWith('64') && !isJsNumber ? BigInt(name) : Number(name);
}

/** What is wrong with a value of a field, never the value itself: another kind, or of this kind but not `which`. */
function fault(path: string, kind: string, which: string, value: unknown): ValueFault {
  if (value === undefined) return new ValueFault(path, `missing, expected ${kind}`);
  const got = kindOf(value);
  return new ValueFault(
    path,
    got === kind ? `expected ${kind} ${which}, got another one` : `expected ${kind}, got ${got}`,
  );
}

/** The same fault, seen from the message around. */
function within(error: unknown, path: string): unknown {
  if (error instanceof ValueFault) error.path = error.path === '' ? path : `${path}.${error.path}`;
  return error;
}
