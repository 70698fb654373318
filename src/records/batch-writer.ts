import { BATCH_AT, BATCH_HEADER_BYTES, writeInt64 } from './batch.ts';
import type { BatchReader } from './batch-reader.ts';
import { NO_HEADERS } from './headers.ts';
import { varintSize, writeVarint } from './varint.ts';

/** What `buffer.write(…, 'latin1')` calls; public in Node, missing in its types. */
type LatinBuffer = Buffer & { latin1Write(text: string, offset: number): number };

/** Below this many bytes a loop copies faster than `TypedArray.set`. */
const SHORT = 24;

/** Above this many bytes `TypedArray.set` copies faster than a loop over words, although it needs a view to copy from. */
const LONG = 192;

/** Up to here a varint is exact. A batch whose timestamps lie further apart, which only bad ones do, is two. */
const LARGEST_DELTA = 2 ** 52;

/** The longest a record's length, attributes, timestamp delta and offset delta can be. */
const FRONT_BYTES = 5 + 1 + 10 + 5;

/**
 * Packs records into record batches, one behind the other in one buffer.
 * `mark` and `rollback` take back what a failed unit appended, across batches too.
 */
export class BatchWriter {
  /** Records since the last `finish`, in all batches. */
  total = 0;
  /** Bytes written since the last `finish`, batch headers included. */
  length = 0;
  readonly #maxBatchBytes: number;
  readonly #targetBatchBytes: number;
  #buffer: LatinBuffer;
  /** Of `#buffer`. */
  #view: DataView;
  /** Where finished batches of this round end; the open one begins at the last end. */
  #ends: number[] = [];
  #start = 0;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  readonly #mark = { total: 0, length: 0, ends: 0, start: 0, count: 0, baseTimestamp: 0, maxTimestamp: 0 };

  /**
   * `maxBatchBytes`: what no batch may exceed (the topic's `max.message.bytes`). `targetBatchBytes`: where a batch ends if it
   * can; one with a single record may be larger.
   */
  constructor(maxBatchBytes: number, targetBatchBytes = maxBatchBytes) {
    this.#maxBatchBytes = maxBatchBytes;
    this.#targetBatchBytes = Math.min(targetBatchBytes, maxBatchBytes);
    this.#buffer = Buffer.allocUnsafe(4096) as LatinBuffer;
    this.#view = viewOf(this.#buffer);
  }

  /**
   * Timestamps in ms since 1970; `headers` as `encodeHeaders` packs them.
   * Returns false, and appends nothing, when a batch with this record alone would be larger than `maxBatchBytes`.
   */
  append(timestamp: number, key: Uint8Array | null, value: Uint8Array | null, headers = NO_HEADERS): boolean {
    const keyLength = key === null ? -1 : key.length;
    const valueLength = value === null ? -1 : value.length;
    const body = sizeWithLength(keyLength) + sizeWithLength(valueLength) + headers.length;
    let position = this.#open(timestamp, body);
    if (position < 0) return false;
    const buffer = this.#buffer;
    position = writeVarint(buffer, position, keyLength);
    if (keyLength > 0) position = put(buffer, position, key!);
    position = writeVarint(buffer, position, valueLength);
    if (valueLength > 0) position = put(buffer, position, value!);
    this.length = put(buffer, position, headers);
    return true;
  }

  /** As `append`, with a key of one character a byte (latin1) and no headers. */
  appendText(timestamp: number, key: string, value: Uint8Array | null): boolean {
    const valueLength = value === null ? -1 : value.length;
    const body = sizeWithLength(key.length) + sizeWithLength(valueLength) + NO_HEADERS.length;
    let position = this.#open(timestamp, body);
    if (position < 0) return false;
    const buffer = this.#buffer;
    position = writeVarint(buffer, position, key.length);
    if (key.length < SHORT) for (let i = 0; i < key.length; i++) buffer[position + i] = key.charCodeAt(i);
    else buffer.latin1Write(key, position);
    position = writeVarint(buffer, position + key.length, valueLength);
    if (valueLength > 0) position = put(buffer, position, value!);
    this.length = put(buffer, position, NO_HEADERS);
    return true;
  }

  /** Appends the reader's record as it is: key, value and headers in one copy. */
  appendCopy(reader: BatchReader, timestamp: number): boolean {
    const body = reader.recordEnd - reader.bodyStart;
    const position = this.#open(timestamp, body);
    if (position < 0) return false;
    this.#copy(reader, reader.bodyStart, body, position);
    this.length = position + body;
    return true;
  }

  /** As `append`, with the reader's key and headers. */
  appendValue(timestamp: number, reader: BatchReader, value: Uint8Array | null): boolean {
    const { keyStart, keyEnd, headersStart, recordEnd } = reader;
    const keyLength = keyStart < 0 ? -1 : keyEnd - keyStart;
    const valueLength = value === null ? -1 : value.length;
    const headersLength = recordEnd - headersStart;
    let position = this.#open(timestamp, sizeWithLength(keyLength) + sizeWithLength(valueLength) + headersLength);
    if (position < 0) return false;
    const buffer = this.#buffer;
    position = writeVarint(buffer, position, keyLength);
    if (keyLength > 0) {
      this.#copy(reader, keyStart, keyLength, position);
      position += keyLength;
    }
    position = writeVarint(buffer, position, valueLength);
    if (valueLength > 0) position = put(buffer, position, value!);
    this.#copy(reader, headersStart, headersLength, position);
    this.length = position + headersLength;
    return true;
  }

  /** As `append`, with the reader's value and headers. */
  appendUnder(timestamp: number, key: Uint8Array | null, reader: BatchReader): boolean {
    const { bodyStart, keyStart, keyEnd, recordEnd } = reader;
    const keyLength = key === null ? -1 : key.length;
    // a null key is its length alone, a byte
    const restStart = keyStart < 0 ? bodyStart + 1 : keyEnd;
    const restLength = recordEnd - restStart;
    let position = this.#open(timestamp, sizeWithLength(keyLength) + restLength);
    if (position < 0) return false;
    const buffer = this.#buffer;
    position = writeVarint(buffer, position, keyLength);
    if (keyLength > 0) position = put(buffer, position, key!);
    this.#copy(reader, restStart, restLength, position);
    this.length = position + restLength;
    return true;
  }

  /** Remembers this place for `rollback`. */
  mark(): void {
    const mark = this.#mark;
    mark.total = this.total;
    mark.length = this.length;
    mark.ends = this.#ends.length;
    mark.start = this.#start;
    mark.count = this.#count;
    mark.baseTimestamp = this.#baseTimestamp;
    mark.maxTimestamp = this.#maxTimestamp;
  }

  /** Takes back what was appended since the last `mark`. A batch that was closed since then is open again. */
  rollback(): void {
    const mark = this.#mark;
    this.total = mark.total;
    this.length = mark.length;
    this.#ends.length = mark.ends;
    this.#start = mark.start;
    this.#count = mark.count;
    this.#baseTimestamp = mark.baseTimestamp;
    this.#maxTimestamp = mark.maxTimestamp;
  }

  /**
   * The finished batches, offsets from 0 in each, not sealed: the broker's adapter does that (`sealBatch`), since Kafka's
   * producer id lies under the CRC. The writer is empty afterwards, and the batches own the memory.
   */
  finish(): Buffer[] {
    if (this.total === 0) return [];
    this.#close();
    const buffer = this.#buffer;
    let start = 0;
    const batches = this.#ends.map(end => {
      const batch = buffer.subarray(start, end);
      start = end;
      return batch;
    });
    this.#buffer = Buffer.allocUnsafe(
      Math.min(buffer.length, Math.max(Math.ceil(1.25 * this.length), 4096)),
    ) as LatinBuffer;
    this.#view = viewOf(this.#buffer);
    this.clear();
    return batches;
  }

  /** Forgets everything appended. */
  clear(): void {
    this.total = 0;
    this.length = 0;
    this.#ends = [];
    this.#start = 0;
    this.#count = 0;
  }

  /** Writes a record's front; returns where its body goes, with room for it; -1 when it can never fit. */
  #open(timestamp: number, body: number): number {
    const isFull = this.length - this.#start + FRONT_BYTES + body > this.#targetBatchBytes;
    if ((isFull || Math.abs(timestamp - this.#baseTimestamp) > LARGEST_DELTA) && this.#count > 0) this.#close();
    const { length } = this;
    const needed = length + BATCH_HEADER_BYTES + FRONT_BYTES + body;
    if (needed > this.#buffer.length) this.#grow(needed);
    if (this.#count === 0) {
      // one record: both deltas are 0, a byte each
      if (BATCH_HEADER_BYTES + varintSize(3 + body) + 3 + body > this.#maxBatchBytes) return -1;
      this.#start = length;
      this.length = length + BATCH_HEADER_BYTES;
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    } else if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp;
    }
    this.total++;
    const timestampDelta = timestamp - this.#baseTimestamp;
    const offsetDelta = this.#count++;
    const buffer = this.#buffer;
    const size = 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + body;
    let position = writeVarint(buffer, this.length, size);
    buffer[position++] = 0;
    position = writeVarint(buffer, position, timestampDelta);
    return writeVarint(buffer, position, offsetDelta);
  }

  /** Ends the open batch: all of its header but the CRC. A `rollback` may open it again. */
  #close(): void {
    const header = this.#buffer.subarray(this.#start, this.#start + BATCH_HEADER_BYTES);
    writeInt64(header, BATCH_AT.baseOffset, 0);
    header.writeInt32BE(this.length - this.#start - 12, BATCH_AT.batchLength);
    header.writeInt32BE(-1, BATCH_AT.leaderEpoch);
    header[BATCH_AT.magic] = 2;
    header.writeInt16BE(0, BATCH_AT.attributes);
    header.writeInt32BE(this.#count - 1, BATCH_AT.lastOffsetDelta);
    writeInt64(header, BATCH_AT.baseTimestamp, this.#baseTimestamp);
    writeInt64(header, BATCH_AT.maxTimestamp, this.#maxTimestamp);
    header.fill(0xff, BATCH_AT.producerId, BATCH_AT.recordCount);
    header.writeInt32BE(this.#count, BATCH_AT.recordCount);
    this.#ends.push(this.length);
    this.#start = this.length;
    this.#count = 0;
  }

  /** From the reader's batch, by the cheapest way that allocates nothing; a long piece pays for its view. */
  #copy(reader: BatchReader, start: number, length: number, position: number): void {
    const { buffer: source, view: from } = reader;
    const buffer = this.#buffer;
    if (length > LONG) {
      buffer.set(new Uint8Array(source.buffer, source.byteOffset + start, length), position);
      return;
    }
    const to = this.#view;
    const words = length & ~3;
    let at = 0;
    for (; at < words; at += 4) to.setInt32(position + at, from.getInt32(start + at));
    for (; at < length; at++) buffer[position + at] = source[start + at]!;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2)) as LatinBuffer;
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
    this.#view = viewOf(larger);
  }
}

/** Of a key or value with its length in front; `length` -1 for null. */
function sizeWithLength(length: number): number {
  return length < 0 ? 1 : varintSize(length) + length;
}

function put(buffer: Buffer, position: number, bytes: Uint8Array): number {
  const { length } = bytes;
  if (length < SHORT) for (let i = 0; i < length; i++) buffer[position + i] = bytes[i]!;
  else buffer.set(bytes, position);
  return position + length;
}

const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
