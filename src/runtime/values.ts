import { RecordError } from '../errors.ts';
import { kindOf } from '../serdes/refusal.ts';
import type { Serde } from '../serdes/serde.ts';

/** The last moment of ECMAScript's calendar (ECMA-262, Time Values). What windows add to a time is exact up to 2^53, far behind it. */
const LAST_MOMENT_MS = 8.64e15;

/** Whether a timestamp says when something happened, in ms since 1970. Kafka's -1 for none does not, nor does what overflowed. */
export const isTime = (timestamp: number): boolean =>
  Number.isSafeInteger(timestamp) && timestamp >= 0 && timestamp <= LAST_MOMENT_MS;

/** @throws RecordError `TOPO_DECODE`; says nothing of the bytes. */
export function decode<T>(serde: Serde<T>, bytes: Uint8Array, what: 'key' | 'value'): T {
  try {
    return serde.decode(bytes);
  } catch (cause) {
    throw recordError(
      'TOPO_DECODE',
      `the ${what} (${bytes.length} bytes) does not decode as ${serde.description.type}`,
      cause,
    );
  }
}

/** @throws RecordError `TOPO_ENCODE` */
export function encode<T>(serde: Serde<T>, value: T, what: string): Uint8Array {
  try {
    return serde.encode(value);
  } catch (cause) {
    throw recordError('TOPO_ENCODE', `the ${what} does not encode as ${serde.description.type}`, cause);
  }
}

function recordError(code: 'TOPO_DECODE' | 'TOPO_ENCODE', message: string, cause: unknown): RecordError {
  const detail = cause instanceof Error ? `: ${cause.message}` : '';
  return new RecordError(code, message + detail, {}, { cause });
}

const SYNCHRONOUS = 'the functions of these steps are synchronous';
const WAIT = 'let an operator such as concatMap wait for it';

/** Where a value comes from that is none: what is told of it, and what to do. */
const ORIGINS = {
  result: { is: 'its function returned', none: 'return null where there is no value', later: SYNCHRONOUS },
  element: { is: 'what its function returned holds', none: 'null stands for no value', later: SYNCHRONOUS },
  forwarded: { is: 'forward was given', none: 'null stands for no value', later: SYNCHRONOUS },
  stored: { is: 'put was given', none: 'delete() removes what is stored', later: SYNCHRONOUS },
  emittedKey: { is: 'its operators emitted a record whose key is', none: 'null stands for no key', later: WAIT },
  emittedValue: { is: 'its operators emitted a record whose value is', none: 'null stands for no value', later: WAIT },
} as const;

/** @throws RecordError `TOPO_RESULT_UNDEFINED` for undefined, `TOPO_USER_FUNCTION` for a promise */
export function defined<T>(result: T | undefined, origin: keyof typeof ORIGINS = 'result'): T {
  if (result === undefined) {
    const { is, none } = ORIGINS[origin];
    throw new RecordError('TOPO_RESULT_UNDEFINED', `${is} undefined; ${none}`);
  }
  return synchronous(result, origin);
}

/** @throws RecordError `TOPO_USER_FUNCTION` for a promise */
export function synchronous<T>(result: T, origin: keyof typeof ORIGINS = 'result'): T {
  if (result instanceof Promise) {
    // nobody waits for it, so nobody else would hear of its failure
    result.catch(() => {});
    const { is, later } = ORIGINS[origin];
    throw new RecordError('TOPO_USER_FUNCTION', `${is} a promise: ${later}`);
  }
  return result;
}

/** @throws RecordError for what is not the elements of a result, as `defined` does */
export function iterable(result: unknown): Iterable<unknown> {
  const elements = synchronous(result) as Iterable<unknown> | null | undefined;
  if (typeof elements?.[Symbol.iterator] === 'function') return elements;
  throw new RecordError(
    elements === undefined ? 'TOPO_RESULT_UNDEFINED' : 'TOPO_USER_FUNCTION',
    `its function returned ${kindOf(elements)}: flatMap takes an array, or another iterable, of results`,
  );
}
