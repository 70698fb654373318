import { RecordError } from '../../src/errors.ts';
import { SECRET } from './hostile.ts';

/**
 * A decoded value in a form in which all that matters shows and can be compared: properties as entries sorted by name, so that
 * `__proto__` is a name like any other; raw bytes as hex.
 * @throws when an object has another prototype than a plain one's
 */
export function visible(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(visible);
  const entries: [string, unknown][] = [];
  if (value instanceof Map) for (const [name, inner] of value as Map<string, unknown>) entries.push([name, visible(inner)]);
  else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw new Error('a decoded object has a prototype of its own');
    for (const name of Object.getOwnPropertyNames(value)) entries.push([name, visible((value as Record<string, unknown>)[name])]);
    for (const symbol of Object.getOwnPropertySymbols(value))
      entries.push(['?unknown', Buffer.from((value as Record<symbol, Uint8Array>)[symbol]!).toString('hex')]);
  } // prettier-ignore
  return { of: entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)) };
}

/** @throws when the two are not the same, with both */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (!isSame(actual, expected, Object.is)) throw different(actual, expected, what);
}

/** As `same`, for what went through JSON, which has no -0: JSON.stringify writes it as 0 (ECMA-262, SerializeJSONProperty). */
export function sameButZeros(actual: unknown, expected: unknown, what: string): void {
  const isAlike = (a: unknown, b: unknown) => a === b || Object.is(a, b);
  if (!isSame(actual, expected, isAlike)) throw different(actual, expected, what);
}

const different = (actual: unknown, expected: unknown, what: string): Error =>
  new Error(`${what}:\n  ${shown(actual)}\ninstead of\n  ${shown(expected)}`);

/** Of plain data, however deep: Node's own comparison overflows the stack at a thousand levels. */
function isSame(a: unknown, b: unknown, isAlike: (a: unknown, b: unknown) => boolean): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return isAlike(a, b);
  const names = Object.keys(a);
  if (Array.isArray(a) !== Array.isArray(b) || names.length !== Object.keys(b).length) return false;
  for (const name of names)
    if (!Object.hasOwn(b, name) || !isSame((a as Shape)[name], (b as Shape)[name], isAlike)) return false;
  return true;
}

type Shape = Readonly<Record<string, unknown>>;

function shown(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}n`;
    return typeof inner === 'number' && (Object.is(inner, -0) || !Number.isFinite(inner)) ? `number ${inner}` : inner;
  });
}

/** How many things a value consists of: a measure of its memory that does not depend on the machine. */
export function weight(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / 8;
  if (typeof value === 'bigint') return 1 + value.toString(16).length / 16;
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof Uint8Array) return 1 + value.length / 8;
  let sum = 1;
  for (const name of Object.getOwnPropertyNames(value)) sum += 1 + weight((value as Record<string, unknown>)[name]);
  return sum;
}

/** What `read` returns; undefined where it refuses the bytes. @throws when it throws anything but a RecordError without content */
export function attempt<T>(read: () => T): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    if (error.message.includes(SECRET))
      throw new Error('an error message holds content of the record', { cause: error });
    if (error.message.length > 500)
      throw new Error(`an error message of ${error.message.length} characters`, { cause: error });
    return undefined;
  }
}
