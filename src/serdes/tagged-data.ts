import { MAX_DIGITS, bigintOf, hasTooManyDigits } from './digits.ts';
import { bytes64, float64, signed64 } from './int64.ts';
import { MAX_DEPTH, isPlainObject, namesOf } from './plain-data.ts';
import { kindOf, undecodable, unencodable } from './refusal.ts';
import { slab } from './slab.ts';
import { asBuffer, readUtf8, writeUtf8 } from './utf8.ts';
import type { NativeBuffer } from './utf8.ts';

/** Plain data as bytes: a tag, then the value. Lengths and counts are written as integers are. */

/** A number that is an integer up to ±2^52 and not -0: zigzag, in as few bytes as it takes. */
const INTEGER = 0;
/** Any other number: eight bytes, little endian. */
const FLOAT = 1;
/** A bigint of 64 bits: as `INTEGER` where it is that small. */
const SMALL_BIGINT = 2;
const BIGINT_64 = 3;
/** Any other bigint: its length in decimal digits (four bytes) and they. */
const LARGE_BIGINT = 4;
const NULL = 5;
const FALSE = 6;
const TRUE = 7;
/** Its length in bytes and its UTF-8. */
const STRING = 8;
/** Its length and they. */
const BYTES = 9;
/** How many and they. */
const ARRAY = 10;
/** How many, and for each its name (as a string without its tag) and value. */
const OBJECT = 11;

/** A tag and the longest value of fixed size, or a length. */
export const MAX_FIXED = 10;
/** Twice that, zigzag's sign in the lowest bit, is still exact in a number. */
const MAX_INTEGER = 2 ** 52;
/** Text up to here takes one byte for its length, whatever it holds. */
const SHORT_TEXT = 21;
/** What an aggregate puts round a value, and some. */
const DEEPEST = MAX_DEPTH + 8;

/**
 * Writes `value` at `at` into the slab, which is open and may grow. `name` says in messages whose value it is.
 * @returns the position behind
 * @throws RecordError `TOPO_ENCODE` on what is no plain data
 */
export function writeData(at: number, value: unknown, name: string, depth = 0): number {
  let position = slab.grow(at, MAX_FIXED);
  const { buffer } = slab;
  if (typeof value === 'number') {
    if (Number.isInteger(value) && Math.abs(value) <= MAX_INTEGER && !Object.is(value, -0)) {
      buffer[position++] = INTEGER;
      return writeInteger(buffer, position, value);
    }
    buffer[position++] = FLOAT;
    float64[0] = value;
    return writeEight(buffer, position);
  }
  return typeof value === 'bigint' ? writeBigint(position, value, name) : writeOther(position, value, name, depth);
}

function writeBigint(at: number, value: bigint, name: string): number {
  const { buffer } = slab;
  let position = at;
  const approximate = Number(value);
  if (Math.abs(approximate) <= MAX_INTEGER) {
    buffer[position++] = SMALL_BIGINT;
    return writeInteger(buffer, position, approximate);
  }
  signed64[0] = value;
  if (signed64[0] === value) {
    buffer[position++] = BIGINT_64;
    return writeEight(buffer, position);
  }
  const digits = value.toString();
  if (hasTooManyDigits(digits)) throw unencodable(`${name}: a bigint of more than ${MAX_DIGITS} digits`);
  position = slab.grow(position, digits.length + MAX_FIXED);
  slab.buffer[position] = LARGE_BIGINT;
  slab.buffer.writeUInt32BE(digits.length, position + 1);
  return position + 5 + slab.buffer.write(digits, position + 5, 'latin1');
}

function writeOther(at: number, value: unknown, name: string, depth: number): number {
  const { buffer } = slab;
  if (typeof value === 'string') {
    buffer[at] = STRING;
    return writeText(at + 1, value, name);
  }
  if (typeof value === 'boolean' || value === null) {
    buffer[at] = value === null ? NULL : value ? TRUE : FALSE;
    return at + 1;
  }
  if (typeof value === 'object') {
    if (depth === DEEPEST) throw unencodable(`${name}: nested deeper than ${MAX_DEPTH} levels, or in itself`);
    if (value instanceof Uint8Array) return writeBytes(at, value);
    if (Array.isArray(value)) {
      buffer[at] = ARRAY;
      let position = writeInteger(buffer, at + 1, value.length);
      for (const item of value) position = writeData(position, item, name, depth + 1);
      return position;
    }
    if (isPlainObject(value)) return writeObject(at, value, name, depth);
  }
  throw unencodable(`${name}: expected plain data, got ${kindOf(value)}`);
}

function writeObject(at: number, value: Readonly<Record<string, unknown>>, name: string, depth: number): number {
  const names = namesOf(value);
  slab.buffer[at] = OBJECT;
  let position = writeInteger(slab.buffer, at + 1, names.length);
  for (const property of names) {
    position = writeText(position, property, name);
    position = writeData(position, value[property], name, depth + 1);
  }
  return position;
}

function writeText(at: number, text: string, name: string): number {
  let position = slab.grow(at, text.length * 3 + MAX_FIXED);
  const { buffer } = slab;
  if (text.length > SHORT_TEXT) position = writeInteger(buffer, position, Buffer.byteLength(text));
  else position++;
  const length = writeUtf8(buffer, text, position);
  if (length < 0) throw unencodable(`${name}: text with half a surrogate pair is no UTF-8`);
  if (text.length <= SHORT_TEXT) writeInteger(buffer, position - 1, length);
  return position + length;
}

function writeBytes(at: number, value: Uint8Array): number {
  let position = slab.grow(at, value.length + MAX_FIXED);
  slab.buffer[position] = BYTES;
  position = writeInteger(slab.buffer, position + 1, value.length);
  slab.buffer.set(value, position);
  return position + value.length;
}

/** Zigzag, in groups of seven bits: eight bytes at most. */
function writeInteger(buffer: NativeBuffer, at: number, value: number): number {
  let position = at;
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  while (rest > 0x7fffffff) {
    buffer[position++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest > 0x7f) {
    buffer[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
}

function writeEight(buffer: NativeBuffer, at: number): number {
  for (let index = 0; index < 8; index++) buffer[at + index] = bytes64[index]!;
  return at + 8;
}

const cursor: { bytes: Uint8Array; position: number } = { bytes: Buffer.alloc(0), position: 0 };

/** Turns to these bytes; `readData` reads from `position` on. */
export function startReading(bytes: Uint8Array, position: number): void {
  cursor.bytes = bytes;
  cursor.position = position;
}

/** @throws RecordError `TOPO_DECODE` unless all of the bytes were read */
export function finishReading(): void {
  if (cursor.position !== cursor.bytes.length) throw undecodable('the state of an aggregate has another length');
}

/** The next value; a copy, no view of the bytes. @throws RecordError `TOPO_DECODE` */
export function readData(depth = 0): unknown {
  switch (nextByte()) {
    case INTEGER:
      return readInteger();
    case SMALL_BIGINT:
      return BigInt(readInteger());
    case FLOAT:
      readEight();
      return float64[0]!;
    case BIGINT_64:
      readEight();
      return signed64[0]!;
    case LARGE_BIGINT:
      return readLargeBigint();
    case NULL:
      return null;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case STRING:
      return readText();
    case BYTES:
      return readBytes();
    case ARRAY:
      return readArray(depth);
    case OBJECT:
      return readObject(depth);
    default:
      throw unreadable();
  }
}

const unreadable = (): Error => undecodable('expected the state of an aggregate');

function nextByte(): number {
  const byte = cursor.bytes[cursor.position++];
  if (byte === undefined) throw undecodable('the state of an aggregate ends early');
  return byte;
}

function readInteger(): number {
  let byte = nextByte();
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  let rest = byte & 0x7f;
  for (let factor = 0x80; byte >= 0x80; factor *= 0x80) {
    if (factor > 2 ** 56) throw unreadable();
    byte = nextByte();
    rest += (byte & 0x7f) * factor;
  }
  if (rest > 2 * MAX_INTEGER) throw unreadable();
  return rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2;
}

/** Of something that takes a byte at least for each: it cannot be more than there are bytes left. */
function readLength(): number {
  const length = readInteger();
  if (length < 0 || length > cursor.bytes.length - cursor.position) throw unreadable();
  return length;
}

function readEight(): void {
  for (let index = 0; index < 8; index++) bytes64[index] = nextByte();
}

function readLargeBigint(): bigint {
  const length = ((nextByte() << 24) | (nextByte() << 16) | (nextByte() << 8) | nextByte()) >>> 0;
  if (length > MAX_DIGITS + 1) throw unreadable();
  const end = cursor.position + length;
  const digits = Buffer.from(cursor.bytes.subarray(cursor.position, end)).toString('latin1');
  if (digits.length !== length || !/^-?\d+$/.test(digits)) throw unreadable();
  cursor.position = end;
  return bigintOf(digits);
}

function readText(): string {
  const length = readLength();
  const start = cursor.position;
  cursor.position += length;
  const text = readUtf8(asBuffer(cursor.bytes), start, cursor.position);
  if (text === undefined) throw undecodable('the state of an aggregate holds text that is no UTF-8');
  return text;
}

function readBytes(): Uint8Array {
  const length = readLength();
  const start = cursor.position;
  cursor.position += length;
  return new Uint8Array(cursor.bytes.subarray(start, cursor.position));
}

function readArray(depth: number): unknown[] {
  if (depth === DEEPEST) throw unreadable();
  const items: unknown[] = [];
  for (let left = readLength(); left > 0; left--) items.push(readData(depth + 1));
  return items;
}

function readObject(depth: number): Record<string, unknown> {
  if (depth === DEEPEST) throw unreadable();
  const object: Record<string, unknown> = {};
  for (let left = readLength(); left > 0; left--) {
    const name = readText();
    const value = readData(depth + 1);
    // Assigned, it would become the object's prototype.
    if (name === '__proto__')
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    else object[name] = value;
  }
  return object;
}
