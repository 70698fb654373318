import { RecordError } from '../errors.ts';
import type { Serde } from '../serdes/serde.ts';

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

/** @throws RecordError `TOPO_RESULT_UNDEFINED` for undefined, `TOPO_USER_FUNCTION` for a promise */
export function defined<T>(result: T | undefined): T {
  if (result === undefined)
    throw new RecordError(
      'TOPO_RESULT_UNDEFINED',
      'its function returned undefined; return null where there is no value',
    );
  return synchronous(result);
}

/** @throws RecordError `TOPO_USER_FUNCTION` for a promise */
export function synchronous<T>(result: T): T {
  if (result instanceof Promise) {
    // nobody waits for it, so nobody else would hear of its failure
    result.catch(() => {});
    throw new RecordError(
      'TOPO_USER_FUNCTION',
      'its function returned a promise: the functions of these steps are synchronous',
    );
  }
  return result;
}
