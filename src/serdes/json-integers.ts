import { bigintOf } from './digits.ts';
import { undecodable } from './refusal.ts';

/**
 * Integers in JSON text beyond ±2^53, which `JSON.parse` would round. Node 20's reviver does not see the source text, and a reviver
 * costs several times the parse: so they are looked for in the bytes, of which one in sixteen is read.
 */

/** The digits of 2^53. */
const LIMIT = '9007199254740992';
const DIGITS = LIMIT.length;
const MINUS = 0x2d;
/** Nesting that the replacement walks into. */
const MAX_DEPTH = 1000;

/** The place of a number in text or bytes, its sign included. */
export interface LongInteger {
  readonly start: number;
  readonly end: number;
}

/**
 * Where integers beyond 2^53 may stand in the bytes, in their order: also some that are none, as they stand in a string. Undefined
 * when there are none at all.
 */
export function suspectedIntegers(bytes: Uint8Array): LongInteger[] | undefined {
  let found: LongInteger[] | undefined;
  const { length } = bytes;
  for (let at = DIGITS - 1; at < length; at += DIGITS) {
    if (!isDigit(bytes[at]!)) continue;
    let start = at;
    while (start > 0 && isDigit(bytes[start - 1]!)) start--;
    let end = at + 1;
    while (end < length && isDigit(bytes[end]!)) end++;
    if (end - start >= DIGITS && isBeyond(bytes, start, end) && mayBeInteger(bytes, start, end)) {
      if (bytes[start - 1] === MINUS) start--;
      if (found === undefined) found = [{ start, end }];
      else found.push({ start, end });
    }
    // On to the next sample behind this run.
    at += Math.floor((end - 1 - at) / DIGITS) * DIGITS;
  }
  return found;
}

function isBeyond(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > DIGITS) return true;
  for (let index = 0; index < DIGITS; index++) {
    const difference = bytes[start + index]! - LIMIT.charCodeAt(index);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Not `"123…`, not `0.123…`, not `123….5` and not `123…e4`: only an integer has these neighbours, or a text that looks alike. */
function mayBeInteger(bytes: Uint8Array, start: number, end: number): boolean {
  let before = start - 1;
  if (bytes[before] === MINUS) before--;
  const behind = bytes[end];
  return (
    (before < 0 || isSpaceOr(bytes[before]!, 0x3a, 0x2c, 0x5b)) &&
    (behind === undefined || isSpaceOr(behind, 0x2c, 0x7d, 0x5d))
  );
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isSpaceOr(byte: number, a: number, b: number, c: number): boolean {
  return byte === a || byte === b || byte === c || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The integers beyond ±2^53, in the order of the text, those in strings left out. The text need not be valid JSON. */
export function longIntegers(text: string): LongInteger[] {
  const found: LongInteger[] = [];
  const { length } = text;
  let at = 0;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = behindString(text, at);
    else if (!isDigit(code)) at++;
    else {
      const digits = at;
      while (at < length && isDigit(text.charCodeAt(at))) at++;
      const size = at - digits;
      const beyond = size > DIGITS || (size === DIGITS && text.slice(digits, at) > LIMIT);
      const next = text.charCodeAt(at) | 0x20;
      if (next === 0x2e || next === 0x65) at = behindFraction(text, at);
      else if (beyond) found.push({ start: text.charCodeAt(digits - 1) === MINUS ? digits - 1 : digits, end: at });
    }
  }
  return found;
}

function behindString(text: string, start: number): number {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
}

/** Behind `.5e+10`. */
function behindFraction(text: string, start: number): number {
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (!isDigit(code) && code !== 0x2e && code !== 0x2b && code !== 0x2d && (code | 0x20) !== 0x65) return at;
    at++;
  }
}

/**
 * Parses text in which `integers` are beyond 2^53: each is replaced by a string that occurs nowhere else, and that string in the
 * result by a bigint.
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseWithLongIntegers(text: string, integers: readonly LongInteger[]): unknown {
  const mark = unusedCharacter(text);
  const parts: string[] = [];
  let behind = 0;
  integers.forEach(({ start, end }) => {
    // As a string it would pass where a number must not stand, or not so.
    if (/^-?0/.test(text.slice(start, start + 2)) || /^\s*:/.test(text.slice(end))) throw new SyntaxError();
    parts.push(text.slice(behind, start), `"${mark}`, text.slice(start, end), '"');
    behind = end;
  });
  parts.push(text.slice(behind));
  return replaceMarked(JSON.parse(parts.join('')), mark, 0);
}

const PRIVATE = /[\ue000-\uf8ff]|\\u[ef]/i;
const FIRST_PRIVATE = 0xe000;
const PRIVATE_COUNT = 0x1900;

/** Neither as itself nor as an escape. The text is looked through once, however many of them it has. */
function unusedCharacter(text: string): string {
  if (!PRIVATE.test(text)) return String.fromCharCode(FIRST_PRIVATE);
  const used = new Uint8Array(PRIVATE_COUNT);
  for (let at = 0; at < text.length; at++) {
    const isEscape = text.charCodeAt(at) === 0x5c && text.charCodeAt(at + 1) === 0x75;
    const code = isEscape ? parseInt(text.slice(at + 2, at + 6), 16) : text.charCodeAt(at);
    if (code >= FIRST_PRIVATE && code < FIRST_PRIVATE + PRIVATE_COUNT) used[code - FIRST_PRIVATE] = 1;
  }
  const unused = used.indexOf(0);
  if (unused < 0) throw undecodable('the JSON text uses every private character of Unicode');
  return String.fromCharCode(FIRST_PRIVATE + unused);
}

function replaceMarked(value: unknown, mark: string, depth: number): unknown {
  if (typeof value === 'string') return value.startsWith(mark) ? bigintOf(value.slice(1)) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw undecodable(`the JSON is nested deeper than ${MAX_DEPTH} levels`);
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object)) {
    const inner = object[key];
    if (typeof inner === 'string' ? inner.startsWith(mark) : typeof inner === 'object') {
      object[key] = replaceMarked(inner, mark, depth + 1);
    }
  }
  return value;
}
