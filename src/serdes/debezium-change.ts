import { TopologyError } from '../errors.ts';
import type { Change } from './debezium.ts';
import { bigintOf } from './digits.ts';
import { halves64, unsigned64 } from './int64.ts';
import { suspectedIntegers } from './json-integers.ts';
import type { LongInteger } from './json-integers.ts';
import { json, jsonTextOf, parse, parseLong } from './json.ts';
import { builtInText, jsonText } from './json-text.ts';
import { kindOf, undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { asBuffer } from './utf8.ts';

/**
 * The type of a table's rows, as Debezium's JsonConverter writes them, and their serde: JSON, integers beyond ±2^53 as bigints.
 * `T` is not checked.
 */
export function row<Row extends object>(): Serde<Row> {
  return json<Row>();
}

/**
 * Change events of Debezium's JsonConverter, with and without the envelope `{schema, payload}`. The rows of the events are JSON;
 * `row` names their type. `before` and `after` are null where an event has none.
 */
export function changeEvent<Row>(row: Serde<Row>): Serde<Change<Row>> {
  const { type } = row.description;
  if (type !== 'json')
    throw new TopologyError('TOPO_SERDE_CONFLICT', `the rows of Debezium's JSON events are JSON, not ${type}`);
  return serde as Serde<Change<Row>>;
}

const serde: Serde<Change<unknown>> = {
  description: { type: 'debezium' },
  encode(value) {
    const fault = faultOf(value);
    if (fault !== undefined) throw unencodable(fault);
    return nanosecondBytes(value) ?? Buffer.from(jsonText(value));
  },
  decode(bytes) {
    const text = jsonTextOf(bytes);
    const long = suspectedIntegers(bytes);
    let event = long === undefined ? parse(text) : parseNanoseconds(text, bytes, long);
    if (isObject(event) && event['op'] === undefined && isObject(event['payload'])) event = event['payload'];
    if (isObject(event)) {
      event['before'] ??= null;
      event['after'] ??= null;
    }
    const fault = faultOf(event);
    if (fault !== undefined) throw undecodable(fault);
    return event as Change<unknown>;
  },
};

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What keeps a value from being a change event. */
function faultOf(event: unknown): string | undefined {
  if (!isObject(event)) return `expected a Debezium change event, got ${kindOf(event)}`;
  const { op, before, after, source } = event;
  const atRow = before === null || isObject(before);
  switch (op) {
    case 'c':
    case 'r':
    case 'u':
      if (!isObject(after)) return 'expected a Debezium change event: it leaves a row, but `after` is none';
      if (!atRow) return 'expected a Debezium change event: `before` is no row';
      break;
    case 'd':
      if (after !== null || !atRow)
        return 'expected a Debezium change event: it deletes a row, but `after` is not null';
      break;
    case 't':
      if (after !== null) return 'expected a Debezium change event: it empties a table, but `after` is not null';
      break;
    case 'm':
      if (!isObject(event['message'])) return 'expected a Debezium change event: a message without `message`';
      break;
    default:
      return 'expected a Debezium change event: JSON with an `op` out of c, r, u, d, t, m';
  }
  if (!isObject(source) || typeof source['ts_ms'] !== 'number') {
    return 'expected a Debezium change event: `source.ts_ms` is missing';
  }
  return undefined;
}

const MINUS = 0x2d;
const LIMIT = 2n ** 53n;
const NANOSECONDS = Buffer.from('"ts_ns":');
/** Found in a sixth of the time that the whole name takes. */
const NAME_END = '_ns"';

/**
 * Every event holds one or two `ts_ns` of 19 digits, and hardly any other integer beyond 2^53. The general way, a walk over the whole
 * event, would cost more than the parse: so where nothing else is long, the event is parsed as it is and the two are put in.
 */
function parseNanoseconds(text: string, bytes: Uint8Array, long: readonly LongInteger[]): unknown {
  if (!long.every(({ start }) => isNanoseconds(bytes, start)) || !areAll(text, long.length)) return parseLong(text);
  const root = parse(text);
  if (!isObject(root)) return parseLong(text);
  const event = isObject(root['payload']) && root['op'] === undefined ? root['payload'] : root;
  const inner: JsonObject = isObject(event['source']) ? event['source'] : {};
  const roundedInner = roundedIn(inner);
  const roundedOuter = roundedIn(event);
  if (Number(roundedInner !== 0) + Number(roundedOuter !== 0) !== long.length) return parseLong(text);
  let first = integerAt(bytes, long[0]!);
  let last = long.length === 1 ? first : integerAt(bytes, long[1]!);
  if (first !== last) {
    // Debezium writes `source` first. Two that round to one number cannot be told apart here.
    if (Number(first) === Number(last)) return parseLong(text);
    if (Number(first) !== roundedInner) [first, last] = [last, first];
  }
  if (roundedInner !== 0) {
    if (Number(first) !== roundedInner) return parseLong(text);
    inner['ts_ns'] = first;
  }
  if (roundedOuter !== 0) {
    if (Number(last) !== roundedOuter) return parseLong(text);
    event['ts_ns'] = last;
  }
  return root;
}

/** The `ts_ns` that lost its last digits; 0 where there is none. */
function roundedIn(holder: JsonObject): number {
  const rounded = holder['ts_ns'];
  return typeof rounded === 'number' && Math.abs(rounded) >= 2 ** 53 ? rounded : 0;
}

/**
 * Whether a text has `count` properties `ts_ns`, and no more: one that is no integer may round to the same number. False, too, where
 * there are others of that ending, or a name may be escaped.
 */
function areAll(text: string, count: number): boolean {
  if (count > 2 || text.includes('\\u00')) return false;
  let at = -1;
  for (let left = count; left > 0; left--) at = text.indexOf(NAME_END, at + 1);
  return text.indexOf(NAME_END, at + 1) < 0;
}

/** Exact: before a number these bytes can only be a property's name, or the end of one. */
function isNanoseconds(bytes: Uint8Array, start: number): boolean {
  for (let index = 1; index <= NANOSECONDS.length; index++) {
    if (bytes[start - index] !== NANOSECONDS[NANOSECONDS.length - index]) return false;
  }
  return true;
}

function integerAt(bytes: Uint8Array, { start, end }: LongInteger): bigint {
  if (end - start > 19 || bytes[start] === MINUS) return bigintOf(asBuffer(bytes).latin1Slice(start, end));
  // Out of two halves below 10^10 that numbers hold exactly: a third of the time that big arithmetic takes.
  const high = numberAt(bytes, start, end - 9);
  const upper = Math.floor(high / 0x10000) * 1e9;
  const lower = (high % 0x10000) * 1e9 + numberAt(bytes, end - 9, end);
  const low = (upper % 0x10000) * 0x10000 + (lower % 0x100000000);
  halves64[0] = low;
  halves64[1] = Math.floor(upper / 0x10000) + Math.floor(lower / 0x100000000) + (low >= 0x100000000 ? 1 : 0);
  return unsigned64[0]!;
}

function numberAt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + bytes[at]! - 0x30;
  return value;
}

/** Stand for the two `ts_ns` while the built-in writes the rest. */
const OUTER = '\u0001ts_ns';
const INNER = '\u0001source.ts_ns';

/** An event with no other integers beyond ±2^53 than its two `ts_ns`; undefined for any other. */
function nanosecondBytes(event: Change<unknown>): Buffer | undefined {
  const { source, ts_ns } = event;
  if (typeof ts_ns !== 'bigint' || typeof source.ts_ns !== 'bigint') return undefined;
  const text = builtInText({ ...event, source: { ...source, ts_ns: INNER }, ts_ns: OUTER });
  const inner = text && replaceOnce(text, JSON.stringify(INNER), String(source.ts_ns));
  const whole = inner && replaceOnce(inner, JSON.stringify(OUTER), String(ts_ns));
  if (whole === undefined) return undefined;
  const bytes = Buffer.from(whole);
  const long = Number(isLong(ts_ns)) + Number(isLong(source.ts_ns));
  return (suspectedIntegers(bytes)?.length ?? 0) === long ? bytes : undefined;
}

const isLong = (integer: bigint): boolean => integer > LIMIT || integer < -LIMIT;

/** Undefined when `mark` occurs a second time: then one of them is the user's. */
function replaceOnce(text: string, mark: string, by: string): string | undefined {
  const at = text.indexOf(mark);
  const behind = at + mark.length;
  return text.includes(mark, behind) ? undefined : text.slice(0, at) + by + text.slice(behind);
}
