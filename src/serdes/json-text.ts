import { MAX_DIGITS, hasTooManyDigits } from './digits.ts';
import { suspectedIntegers } from './json-integers.ts';
import { kindOf, shortPath, unencodable } from './refusal.ts';

/**
 * JSON text of a value: what `JSON.stringify` writes, plus bigints as bare integers. Refused with their path instead of written as
 * something else: NaN and infinities, undefined in arrays, maps and sets, functions and symbols.
 */

const MAX_DEPTH = 1000;
/** Integers from here on would come back as bigints; with an exponent they stay numbers. */
const LIMIT = 2 ** 53;

/**
 * The built-in does nearly all the work. Only where its text shows that it may have written something else than the value is the value
 * looked through: `null` may have been NaN, `{}` a map, an integer of 17 digits a number that would come back as a bigint.
 * @throws RecordError `TOPO_ENCODE`
 */
export function encodeJson(value: unknown): Buffer {
  const text = builtInText(value);
  if (text === undefined) return Buffer.from(jsonText(value));
  const bytes = Buffer.from(text);
  return suspectedIntegers(bytes) === undefined ? bytes : Buffer.from(jsonText(value));
}

/**
 * What `JSON.stringify` writes; undefined where it cannot: a bigint, a circle.
 * @throws RecordError `TOPO_ENCODE` where it wrote something else than the value
 */
export function builtInText(value: unknown): string | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return undefined;
  }
  if (text === undefined) throw unencodable(`expected a JSON value, got ${kindOf(value)}`);
  if (text.includes('null') || text.includes('{}')) check(value, '');
  return text;
}

/** Refuses what the built-in writes as null or as an empty object. */
function check(value: unknown, path: string): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refused(path, Number.isNaN(value) ? 'NaN' : 'an infinity');
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (item === undefined || typeof item === 'function') throw refused(`${path}[${index}]`, kindOf(item));
      if (needsCheck(item)) check(item, `${path}[${index}]`);
    }
  } else if (typeof value === 'object' && value !== null) {
    if (value instanceof Map || value instanceof Set) throw refused(path, `a ${value.constructor.name}`);
    if (value instanceof Date && Number.isNaN(value.getTime())) throw refused(path, 'an invalid date');
    if (hasToJson(value)) return;
    for (const key in value) {
      const inner = (value as Record<string, unknown>)[key];
      if (needsCheck(inner)) check(inner, path === '' ? key : `${path}.${key}`);
    }
  }
}

function needsCheck(value: unknown): boolean {
  return typeof value === 'number' ? !Number.isFinite(value) : typeof value === 'object' && value !== null;
}

/** The same by a walk of our own, several times slower: for values with bigints, and to find what is refused. */
export function jsonText(value: unknown): string {
  return slowText(value, '', 0);
}

function slowText(value: unknown, path: string, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      if (!Number.isFinite(value)) throw refused(path, Number.isNaN(value) ? 'NaN' : 'an infinity');
      return Math.abs(value) > LIMIT && Math.abs(value) < 1e21 ? value.toExponential() : String(value);
    case 'bigint':
      return integerText(value, path);
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : objectText(value, path, depth);
    default:
      throw refused(path, kindOf(value));
  }
}

function integerText(value: bigint, path: string): string {
  const text = String(value);
  if (hasTooManyDigits(text)) throw unencodable(`${named(path)}: a bigint of more than ${MAX_DIGITS} digits`);
  return text;
}

function objectText(value: object, path: string, depth: number): string {
  if (depth > MAX_DEPTH) throw unencodable(`the value is nested deeper than ${MAX_DEPTH} levels, or in itself`);
  if (hasToJson(value)) return slowText(value.toJSON(), path, depth + 1);
  if (value instanceof Map || value instanceof Set) throw refused(path, `a ${value.constructor.name}`);
  if (Array.isArray(value)) {
    return `[${value.map((item: unknown, index) => slowText(item, `${path}[${index}]`, depth + 1)).join(',')}]`;
  }
  if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    return slowText(value.valueOf(), path, depth + 1);
  }
  let text = '';
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined) continue;
    // The path is only put together where something may be refused.
    const innerPath = typeof inner === 'string' || inner === null ? '' : path === '' ? key : `${path}.${key}`;
    text += `${text === '' ? '' : ','}${quoted(key)}:${slowText(inner, innerPath, depth + 1)}`;
  }
  return `{${text}}`;
}

/** A property of that name is no method: data may have one. */
function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** Printable ASCII without `"` and `\`, which is nearly every key and most values, needs no escaping. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function refused(path: string, what: string): Error {
  return unencodable(`${named(path)}: JSON has no ${what.replace(/^an? /, '')}`);
}

const named = (path: string): string => (path === '' ? 'the value' : shortPath(path));
