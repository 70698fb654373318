import { RecordError } from '../errors.ts';
import type { RecordContext } from '../graph/functions.ts';
import type { BatchReader } from '../records/batch-reader.ts';
import { NO_HEADERS, decodeHeaders } from '../records/headers.ts';
import type { Headers } from '../records/headers.ts';
import type { Serde } from '../serdes/serde.ts';

/**
 * The unit under way: one record and everything it leads to in its task. There is one of these a task, and user functions see it
 * as their record; nothing is cut out of the batch or decoded before somebody asks.
 */
export class Unit implements RecordContext {
  topic = '';
  partition = 0;
  offset = -1;
  timestamp = -1;
  reader!: BatchReader;
  /** Id of the step whose code runs, to name it when that throws. */
  step = '';
  #keySerde!: Serde<unknown>;
  #key: unknown;
  #keyDecoded = false;
  #keyChanged = false;
  #keyBytes: Buffer | null = null;
  #keyBytesCut = false;
  #storeKey: string | null = null;
  #storeKeyCut = false;

  /** Turns to the reader's record. */
  begin(reader: BatchReader, topic: string, partition: number, timestamp: number, keySerde: Serde<unknown>): void {
    this.reader = reader;
    this.topic = topic;
    this.partition = partition;
    this.offset = reader.offset;
    this.timestamp = timestamp;
    this.#keySerde = keySerde;
    this.#keyDecoded = this.#keyChanged = this.#keyBytesCut = this.#storeKeyCut = false;
  }

  /** @throws RecordError `TOPO_DECODE` */
  get key(): unknown {
    if (!this.#keyDecoded) {
      const bytes = this.keyBytes;
      this.#key = bytes === null ? null : decode(this.#keySerde, bytes, 'key');
      this.#keyDecoded = true;
    }
    return this.#key;
  }

  /** The record's key as it came; what a `keyBy` without a repartition made of it does not show here. */
  get keyBytes(): Buffer | null {
    if (!this.#keyBytesCut) {
      this.#keyBytes = this.reader.keyBytes();
      this.#keyBytesCut = true;
    }
    return this.#keyBytes;
  }

  /** The record's key as stores know it. A step with a store always runs where the record's own key is the stream's. */
  get storeKey(): string | null {
    if (!this.#storeKeyCut) {
      const { reader } = this;
      this.#storeKey = reader.keyStart < 0 ? null : reader.keyText();
      this.#storeKeyCut = true;
    }
    return this.#storeKey;
  }

  /** Whether a topic with this serde carries the record's own key: nothing changed it, and the format is the same. */
  hasKeyOf(serde: Serde<unknown>): boolean {
    return !this.#keyChanged && sameFormat(serde, this.#keySerde);
  }

  /** The record's headers, packed. */
  get headerBytes(): Uint8Array {
    const { reader } = this;
    return reader.recordEnd - reader.headersStart === 1 ? NO_HEADERS : reader.headerBytes();
  }

  get headers(): Headers {
    return decodeHeaders(this.reader.headerBytes());
  }

  /** Hands a record on under another key, and takes the key back. */
  withKey(key: unknown, next: () => void): void {
    const before = this.#key;
    const decoded = this.#keyDecoded;
    const changed = this.#keyChanged;
    this.#key = key;
    this.#keyDecoded = this.#keyChanged = true;
    next();
    this.#key = before;
    this.#keyDecoded = decoded;
    this.#keyChanged = changed;
  }
}

const sameFormats = new WeakMap<Serde<unknown>, WeakMap<Serde<unknown>, boolean>>();

/** Whether two serdes write equal bytes, as their descriptions tell. A format of the user's own is only equal to itself. */
function sameFormat(a: Serde<unknown>, b: Serde<unknown>): boolean {
  if (a === b) return true;
  let known = sameFormats.get(a);
  if (!known) sameFormats.set(a, (known = new WeakMap()));
  let same = known.get(b);
  if (same === undefined) {
    same = a.description.type !== 'custom' && JSON.stringify(a.description) === JSON.stringify(b.description);
    known.set(b, same);
  }
  return same;
}

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
