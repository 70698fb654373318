import { bytes64, float64, signed64 } from './int64.ts';
import { kindOf, undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { slab } from './slab.ts';
import type { NativeBuffer } from './utf8.ts';

/** The state of composed aggregators: a number or bigint a field. */
export type AggregateState = Record<string, number | bigint>;

const FORMAT = 1;
/** A number that is an integer up to ±2^52 and not -0: zigzag, in as few bytes as it takes. */
const INTEGER = 0;
/** Any other number: eight bytes, little endian. */
const FLOAT = 1;
/** A bigint of 64 bits: as `INTEGER` where it is that small. */
const SMALL_BIGINT = 2;
const BIGINT_64 = 3;
/** Any other bigint: its length in decimal digits (four bytes) and they. */
const LARGE_BIGINT = 4;
/** A tag and the longest fixed value. */
const MAX_FIXED = 10;
/** Twice that, zigzag's sign in the lowest bit, is still exact in a number. */
const MAX_INTEGER = 2 ** 52;

/**
 * The state of composed aggregators. A format byte, then a tag and a value for each field, in the order of `fields`: [name,
 * aggregator], as the manifest has them.
 */
export function aggregateState(
  fields: readonly (readonly [name: string, aggregator: string])[],
): Serde<AggregateState> {
  const names = fields.map(([name]) => name);
  const size = 1 + names.length * MAX_FIXED;
  const make = stateMaker(names);
  const values: (number | bigint)[] = names.map(() => 0);
  return {
    description: { type: 'aggregate', fields },
    encode(state) {
      if (typeof state !== 'object' || state === null) throw unencodable(`expected a state, got ${kindOf(state)}`);
      let position = slab.open(size);
      slab.buffer[position++] = FORMAT;
      for (const name of names) position = writeValue(position, state[name], name, size);
      return slab.close(position);
    },
    decode(bytes) {
      if (bytes[0] !== FORMAT) throw undecodable('expected the state of an aggregate');
      cursor.bytes = bytes;
      cursor.position = 1;
      for (let index = 0; index < values.length; index++) values[index] = readValue();
      if (cursor.position !== bytes.length) throw undecodable('the state of an aggregate has another length');
      return make(values);
    },
  };
}

/** An object literal, so that all states share one hidden class. */
function stateMaker(names: readonly string[]): (values: readonly (number | bigint)[]) => AggregateState {
  const properties = names.map((name, index) => `[${JSON.stringify(name)}]: values[${index}]`);
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- names are quoted, all else is text of ours
  return new Function('values', `return { ${properties.join(', ')} };`) as (
    values: readonly unknown[],
  ) => AggregateState;
}

/** `room`: for the fields that follow, if the slab has to grow. */
function writeValue(at: number, value: number | bigint | undefined, name: string, room: number): number {
  const { buffer } = slab;
  let position = at;
  if (typeof value === 'number') {
    if (Number.isInteger(value) && Math.abs(value) <= MAX_INTEGER && !Object.is(value, -0)) {
      buffer[position++] = INTEGER;
      return writeInteger(buffer, position, value);
    }
    buffer[position++] = FLOAT;
    float64[0] = value;
    return writeEight(buffer, position);
  }
  if (typeof value !== 'bigint') throw unencodable(`${name}: expected a number or bigint, got ${kindOf(value)}`);
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
  return writeLargeBigint(position, value, room);
}

function writeLargeBigint(at: number, value: bigint, room: number): number {
  const digits = value.toString();
  const position = slab.grow(at, digits.length + 5 + room);
  slab.buffer[position] = LARGE_BIGINT;
  slab.buffer.writeUInt32BE(digits.length, position + 1);
  return position + 5 + slab.buffer.write(digits, position + 5, 'latin1');
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

function readValue(): number | bigint {
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
    default:
      throw undecodable('expected the state of an aggregate');
  }
}

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
    if (factor > 2 ** 56) throw undecodable('expected the state of an aggregate');
    byte = nextByte();
    rest += (byte & 0x7f) * factor;
  }
  return rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2;
}

function readEight(): void {
  for (let index = 0; index < 8; index++) bytes64[index] = nextByte();
}

function readLargeBigint(): bigint {
  const length = ((nextByte() << 24) | (nextByte() << 16) | (nextByte() << 8) | nextByte()) >>> 0;
  const end = cursor.position + length;
  const digits = Buffer.from(cursor.bytes.subarray(cursor.position, end)).toString('latin1');
  if (digits.length !== length || !/^-?\d+$/.test(digits)) throw undecodable('expected the state of an aggregate');
  cursor.position = end;
  return BigInt(digits);
}
