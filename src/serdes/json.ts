import { RecordError } from '../errors.ts';
import { longIntegers, parseWithLongIntegers, suspectedIntegers } from './json-integers.ts';
import { encodeJson } from './json-text.ts';
import { undecodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { asBuffer, readUtf8 } from './utf8.ts';

/**
 * JSON (RFC 8259) in UTF-8. Integers beyond ±2^53 are bigints (of 100,000 digits at most), all other numbers are numbers; a bigint
 * is written as a bare integer, and a number comes back as a number. `T` is not checked.
 *
 * `encode` refuses what JSON would turn into something else, naming its path: NaN, infinities, undefined in an array, maps, sets. An
 * undefined property is left out.
 */
export function json<T>(): Serde<T> {
  return serde as Serde<T>;
}

const serde: Serde<unknown> = {
  description: { type: 'json' },
  encode: encodeJson,
  decode: decodeJson,
};

/** @throws RecordError `TOPO_DECODE` */
export function decodeJson(bytes: Uint8Array): unknown {
  const text = jsonTextOf(bytes);
  return suspectedIntegers(bytes) === undefined ? parse(text) : parseLong(text);
}

/** @throws RecordError `TOPO_DECODE` when the bytes are no UTF-8 */
export function jsonTextOf(bytes: Uint8Array): string {
  const text = readUtf8(asBuffer(bytes), 0, bytes.length);
  if (text === undefined) throw undecodable('expected JSON, got bytes that are no UTF-8');
  return text;
}

/** `JSON.parse` without its message, which quotes the input. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw undecodable('expected JSON');
  }
}

/** Parses text in which integers beyond 2^53 may stand. */
export function parseLong(text: string): unknown {
  const integers = longIntegers(text);
  if (integers.length === 0) return parse(text);
  try {
    return parseWithLongIntegers(text, integers);
  } catch (error) {
    throw error instanceof RecordError ? error : undecodable('expected JSON');
  }
}
