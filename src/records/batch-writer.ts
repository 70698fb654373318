import { BATCH_AT, BATCH_HEADER_BYTES, batchCrc, writeInt64 } from './batch.ts';
import type { BatchReader } from './batch-reader.ts';
import { NO_HEADERS } from './headers.ts';
import { varintSize, writeVarint } from './varint.ts';

/** Below this many bytes a loop copies faster than `TypedArray.set`. */
const SHORT = 24;

/** Packs records into one record batch. `mark` and `rollback` take back what a failed unit appended. */
export class BatchWriter {
  count = 0;
  /** Bytes of the batch so far, its header included. */
  length = BATCH_HEADER_BYTES;
  #buffer: Buffer;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  #markLength = BATCH_HEADER_BYTES;
  #markCount = 0;
  #markTimestamp = 0;

  constructor(capacity = 4096) {
    this.#buffer = Buffer.allocUnsafe(Math.max(capacity, BATCH_HEADER_BYTES));
  }

  /** `headers`: as `encodeHeaders` packs them. Timestamps in ms since 1970. */
  append(timestamp: number, key: Uint8Array | null, value: Uint8Array | null, headers: Uint8Array = NO_HEADERS): void {
    const keyLength = key === null ? -1 : key.length;
    const valueLength = value === null ? -1 : value.length;
    const body =
      varintSize(keyLength) +
      (keyLength > 0 ? keyLength : 0) +
      varintSize(valueLength) +
      (valueLength > 0 ? valueLength : 0) +
      headers.length;
    let position = this.#open(timestamp, body);
    const buffer = this.#buffer;
    position = writeVarint(buffer, position, keyLength);
    if (keyLength > 0) position = put(buffer, position, key!);
    position = writeVarint(buffer, position, valueLength);
    if (valueLength > 0) position = put(buffer, position, value!);
    if (headers.length === 1) buffer[position++] = headers[0]!;
    else position = put(buffer, position, headers);
    this.length = position;
  }

  /** Appends the reader's record as it is: key, value and headers in one copy. */
  appendCopy(reader: BatchReader, timestamp: number): void {
    const body = reader.recordEnd - reader.bodyStart;
    const position = this.#open(timestamp, body);
    reader.buffer.copy(this.#buffer, position, reader.bodyStart, reader.recordEnd);
    this.length = position + body;
  }

  /** Remembers this place for `rollback`. */
  mark(): void {
    this.#markLength = this.length;
    this.#markCount = this.count;
    this.#markTimestamp = this.#maxTimestamp;
  }

  /** Takes back what was appended since the last `mark`. */
  rollback(): void {
    this.length = this.#markLength;
    this.count = this.#markCount;
    this.#maxTimestamp = this.#markTimestamp;
  }

  /** The finished batch, offsets from 0. The writer is empty afterwards, and no longer holds its memory. */
  finish(): Buffer {
    const batch = this.#buffer.subarray(0, this.length);
    writeInt64(batch, BATCH_AT.baseOffset, 0);
    batch.writeInt32BE(this.length - 12, BATCH_AT.batchLength);
    batch.writeInt32BE(-1, BATCH_AT.leaderEpoch);
    batch[BATCH_AT.magic] = 2;
    batch.writeInt16BE(0, BATCH_AT.attributes);
    batch.writeInt32BE(this.count - 1, BATCH_AT.lastOffsetDelta);
    writeInt64(batch, BATCH_AT.baseTimestamp, this.#baseTimestamp);
    writeInt64(batch, BATCH_AT.maxTimestamp, this.#maxTimestamp);
    batch.fill(0xff, BATCH_AT.producerId, BATCH_AT.recordCount);
    batch.writeInt32BE(this.count, BATCH_AT.recordCount);
    batch.writeUInt32BE(batchCrc(batch), BATCH_AT.crc);
    const capacity = this.#buffer.length;
    this.#buffer = Buffer.allocUnsafe(capacity > 4 * this.length ? this.length : capacity);
    this.length = BATCH_HEADER_BYTES;
    this.count = 0;
    return batch;
  }

  /** Writes a record's front; returns where its body goes, with room for it. */
  #open(timestamp: number, body: number): number {
    if (this.count === 0) {
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    } else if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp;
    }
    const timestampDelta = timestamp - this.#baseTimestamp;
    const offsetDelta = this.count++;
    const size = 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + body;
    let position = this.length;
    if (position + size + 5 > this.#buffer.length) this.#grow(position + size + 5);
    const buffer = this.#buffer;
    position = writeVarint(buffer, position, size);
    buffer[position++] = 0;
    position = writeVarint(buffer, position, timestampDelta);
    return writeVarint(buffer, position, offsetDelta);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }
}

function put(buffer: Buffer, position: number, bytes: Uint8Array): number {
  const { length } = bytes;
  if (length < SHORT) for (let i = 0; i < length; i++) buffer[position + i] = bytes[i]!;
  else buffer.set(bytes, position);
  return position + length;
}
