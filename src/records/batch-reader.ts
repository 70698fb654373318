import { FatalError } from '../errors.ts';
import { BATCH_AT, BATCH_HEADER_BYTES, LOG_APPEND_TIME, baseOffsetOf, maxTimestampOf, readInt64 } from './batch.ts';
import { readVarint } from './varint.ts';

/** What `buffer.toString('latin1', …)` calls, at half its price; public in Node, missing in its types. */
type LatinBuffer = Buffer & { latin1Slice(start: number, end: number): string };

const EMPTY = Buffer.alloc(0);
const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.length);

/** Where a batch comes from, to name where it cannot be read. */
export interface BatchOrigin {
  readonly topic: string;
  readonly partition: number;
}

const NOWHERE: BatchOrigin = { topic: '', partition: 0 };
/** Of 32 and 64 bits (Kafka's `ByteUtils`). */
const VARINT_BYTES = 5;
const VARLONG_BYTES = 10;
const TIMESTAMP_LIMIT = 2 ** 63;

/**
 * A cursor over the records of one batch after another, without an allocation a record: the fields below describe the
 * current record as places in `buffer`. Keys and values are only cut out (`keyBytes`, `valueBytes`) when somebody asks.
 *
 * It trusts nothing behind the CRC, which only says that the bytes are those that somebody wrote: each length lies within what is
 * around it, offsets rise up to the last one that the header names, the records fill the batch (Kafka's `DefaultRecord.readFrom`).
 */
export class BatchReader {
  buffer: Buffer = EMPTY;
  /** Of `buffer`: copies a few bytes at a time without an allocation. */
  view = viewOf(EMPTY);
  position = 0;
  offset = -1;
  /** ms since 1970, as the producer or broker says: any number of 64 bits, exact up to 2^53. */
  timestamp = 0;
  /** -1 for a null key. */
  keyStart = -1;
  keyEnd = -1;
  /** -1 for a null value. */
  valueStart = -1;
  valueEnd = -1;
  /** Key, value and headers with their lengths: `bodyStart` to `recordEnd`. */
  bodyStart = 0;
  headersStart = 0;
  recordEnd = 0;
  #remaining = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  /** All records have the time at which the broker took them. */
  #isStamped = false;
  #appendTime = 0;
  /** Of the record before, and of the last one there may be. */
  #offsetDelta = -1;
  #lastOffsetDelta = -1;
  #origin = NOWHERE;

  /**
   * Starts on a batch, before its first record. The batch must be whole and checked (`batchFault`).
   * @throws FatalError `TOPO_LOG_DAMAGED`
   */
  load(batch: Buffer, origin: BatchOrigin): void {
    this.buffer = batch;
    this.view = viewOf(batch);
    this.position = BATCH_HEADER_BYTES;
    this.#origin = origin;
    this.#remaining = batch.readInt32BE(BATCH_AT.recordCount);
    this.#baseOffset = baseOffsetOf(batch);
    this.#baseTimestamp = readInt64(batch, BATCH_AT.baseTimestamp);
    this.#isStamped = (batch.readInt16BE(BATCH_AT.attributes) & LOG_APPEND_TIME) !== 0;
    this.#appendTime = maxTimestampOf(batch);
    this.#offsetDelta = -1;
    this.#lastOffsetDelta = batch.readInt32BE(BATCH_AT.lastOffsetDelta);
    if (this.#remaining < 0) throw this.#damaged('its number of records is negative');
    const last = this.#baseOffset + this.#lastOffsetDelta;
    if (this.#baseOffset < 0 || !Number.isSafeInteger(last)) throw this.#damaged('its offsets are none');
  }

  /** Stands on nothing, and holds no memory. */
  unload(): void {
    this.buffer = EMPTY;
    this.view = viewOf(EMPTY);
    this.position = 0;
    this.#remaining = 0;
  }

  /** Moves to the next record; false behind the last one. @throws FatalError `TOPO_LOG_DAMAGED` when the bytes are no record */
  next(): boolean {
    if (this.#remaining === 0) {
      if (this.position !== this.buffer.length) throw this.#damaged('there is something behind its last record');
      return false;
    }
    this.#remaining--;
    const { buffer } = this;
    const length = this.#varint(VARINT_BYTES);
    const end = this.position + length;
    if (length < 0 || end > buffer.length) throw this.#damaged('a record runs past its end');
    this.position++;
    const timestamp = this.#baseTimestamp + this.#varint(VARLONG_BYTES);
    this.timestamp = this.#isStamped ? this.#appendTime : timestamp;
    if (!(Math.abs(this.timestamp) < TIMESTAMP_LIMIT)) throw this.#damaged('a timestamp of more than 64 bits');
    const offsetDelta = this.#varint(VARINT_BYTES);
    if (offsetDelta <= this.#offsetDelta || offsetDelta > this.#lastOffsetDelta)
      throw this.#damaged('an offset does not rise, or lies beyond its last one');
    this.#offsetDelta = offsetDelta;
    this.offset = this.#baseOffset + offsetDelta;
    this.bodyStart = this.position;
    const keyLength = this.#varint(VARINT_BYTES);
    if (keyLength < 0) this.keyStart = this.keyEnd = -1;
    else {
      this.keyStart = this.position;
      this.keyEnd = this.position += keyLength;
    }
    const valueLength = this.#varint(VARINT_BYTES);
    if (valueLength < 0) this.valueStart = this.valueEnd = -1;
    else {
      this.valueStart = this.position;
      this.valueEnd = this.position += valueLength;
    }
    if (this.position >= end) throw this.#damaged('a key or value runs past the end of its record');
    this.headersStart = this.position;
    if (buffer[this.position] !== 0 || this.position + 1 !== end) this.#skipHeaders(end);
    this.recordEnd = this.position = end;
    return true;
  }

  /** They are copied from topic to topic unread, and so must be whole. */
  #skipHeaders(end: number): void {
    const count = this.#varint(VARINT_BYTES);
    if (count < 0) throw this.#damaged('a number of headers is negative');
    const { buffer } = this;
    let at = this.position;
    let left = 2 * count;
    for (; left > 0 && at < end; left--) {
      // zigzag: twice the length; odd for what is negative
      let doubled = buffer[at++]!;
      if (doubled >= 0x80) {
        const high = buffer[at++]!;
        if (high < 0x80) doubled = (doubled & 0x7f) | (high << 7);
        else {
          this.position = at - 2;
          const length = this.#varint(VARINT_BYTES);
          at = this.position;
          doubled = length < 0 ? 1 : 2 * length;
        }
      }
      if ((doubled & 1) === 0) at += doubled >>> 1;
      else if ((left & 1) === 0) throw this.#damaged('a header has no name');
    }
    if (left > 0 || at !== end) throw this.#damaged('the headers do not end where their record does');
  }

  #damaged(what: string): FatalError {
    const { topic, partition } = this.#origin;
    const offset = this.#baseOffset;
    return new FatalError(
      'TOPO_LOG_DAMAGED',
      `${topic}-${partition}: the record batch at offset ${offset} cannot be read: ${what}. Put the log back from a copy.`,
      { topic, partition, offset },
    );
  }

  /** A view of the key's bytes, valid as long as the batch is; null for a null key. */
  keyBytes(): Buffer | null {
    return this.keyStart < 0 ? null : this.buffer.subarray(this.keyStart, this.keyEnd);
  }

  /** The key's bytes as text, one character a byte (latin1); only where the key is not null. */
  keyText(): string {
    return (this.buffer as LatinBuffer).latin1Slice(this.keyStart, this.keyEnd);
  }

  valueBytes(): Buffer | null {
    return this.valueStart < 0 ? null : this.buffer.subarray(this.valueStart, this.valueEnd);
  }

  /** The packed headers, as `BatchWriter.append` takes them and `decodeHeaders` reads them. */
  headerBytes(): Buffer {
    return this.buffer.subarray(this.headersStart, this.recordEnd);
  }

  /** Almost all are of one byte or two. Past the buffer's end a byte is undefined, and below nothing. */
  #varint(longest: number): number {
    const { buffer, position } = this;
    const low = buffer[position]!;
    if (low < 0x80) {
      this.position = position + 1;
      return (low >>> 1) ^ -(low & 1);
    }
    const high = buffer[position + 1]!;
    if (high < 0x80) {
      this.position = position + 2;
      const bits = (low & 0x7f) | (high << 7);
      return (bits >>> 1) ^ -(bits & 1);
    }
    return this.#longVarint(longest);
  }

  #longVarint(longest: number): number {
    const start = this.position;
    try {
      const value = readVarint(this);
      if (this.position - start <= longest && (longest > VARINT_BYTES || (value | 0) === value)) return value;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    throw this.#damaged('a number is too long');
  }
}
