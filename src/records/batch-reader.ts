import { BATCH_AT, BATCH_HEADER_BYTES, baseOffsetOf, readInt64 } from './batch.ts';
import { readVarint } from './varint.ts';

/** What `buffer.toString('latin1', …)` calls, at half its price; public in Node, missing in its types. */
type LatinBuffer = Buffer & { latin1Slice(start: number, end: number): string };

const EMPTY = Buffer.alloc(0);
const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.length);

/**
 * A cursor over the records of one batch after another, without an allocation a record: the fields below describe the
 * current record as places in `buffer`. Keys and values are only cut out (`keyBytes`, `valueBytes`) when somebody asks.
 */
export class BatchReader {
  buffer: Buffer = EMPTY;
  /** Of `buffer`: copies a few bytes at a time without an allocation. */
  view = viewOf(EMPTY);
  position = 0;
  offset = -1;
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

  /** Starts on a batch, before its first record. The batch must be whole and checked (`batchFault`). */
  load(batch: Buffer): void {
    this.buffer = batch;
    this.view = viewOf(batch);
    this.position = BATCH_HEADER_BYTES;
    this.#remaining = batch.readInt32BE(BATCH_AT.recordCount);
    this.#baseOffset = baseOffsetOf(batch);
    this.#baseTimestamp = readInt64(batch, BATCH_AT.baseTimestamp);
  }

  /** Stands on nothing, and holds no memory. */
  unload(): void {
    this.buffer = EMPTY;
    this.view = viewOf(EMPTY);
    this.#remaining = 0;
  }

  /** Moves to the next record; false behind the last one. @throws RangeError when the bytes are no record. */
  next(): boolean {
    if (this.#remaining === 0) return false;
    this.#remaining--;
    const { buffer } = this;
    const length = this.#varint();
    const end = this.position + length;
    if (length < 0 || end > buffer.length) throw new RangeError('a record runs past the end of its batch');
    this.position++;
    this.timestamp = this.#baseTimestamp + this.#varint();
    this.offset = this.#baseOffset + this.#varint();
    this.bodyStart = this.position;
    const keyLength = this.#varint();
    if (keyLength < 0) this.keyStart = this.keyEnd = -1;
    else {
      this.keyStart = this.position;
      this.keyEnd = this.position += keyLength;
    }
    const valueLength = this.#varint();
    if (valueLength < 0) this.valueStart = this.valueEnd = -1;
    else {
      this.valueStart = this.position;
      this.valueEnd = this.position += valueLength;
    }
    if (this.position >= end) throw new RangeError('a key or value runs past the end of its record');
    this.headersStart = this.position;
    this.recordEnd = this.position = end;
    return true;
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
  #varint(): number {
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
    return readVarint(this);
  }
}
