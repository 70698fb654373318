import { BATCH_AT, BATCH_HEADER_BYTES, sealBatch, writeInt64 } from '../../records/batch.ts';
import type { BatchReader } from '../../records/batch-reader.ts';
import { varintSize, writeVarint } from '../../records/varint.ts';

/** A batch ends where it can when it has this many bytes. */
const TARGET_BYTES = 64 * 1024;
/** Offset deltas are int32. */
const LONGEST_DELTA = 2 ** 31 - 1;
const FRONT_BYTES = 5 + 1 + 10 + 5;

/** A sealed batch, and what the log's directory says of it. */
export interface SparseBatch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly records: number;
  readonly maxTimestamp: number;
}

/** Packs records that keep the offsets they have, with gaps where others were in between, into batches of their own. */
export class SparseBatchWriter {
  #buffer = Buffer.allocUnsafeSlow(TARGET_BYTES);
  #length = BATCH_HEADER_BYTES;
  #records = 0;
  #baseOffset = 0;
  #lastOffset = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  /** Copies the reader's record. Returns the batch that it did not go into any more, if there is one. */
  append(reader: BatchReader): SparseBatch | undefined {
    const { offset, timestamp, bodyStart, recordEnd } = reader;
    const body = recordEnd - bodyStart;
    const isFull = this.#length + FRONT_BYTES + body > TARGET_BYTES || offset - this.#baseOffset > LONGEST_DELTA;
    const full = this.#records > 0 && isFull ? this.finish() : undefined;
    if (this.#records === 0) {
      this.#baseOffset = offset;
      this.#baseTimestamp = this.#maxTimestamp = timestamp;
      this.#length = BATCH_HEADER_BYTES;
      this.#makeRoom(BATCH_HEADER_BYTES + FRONT_BYTES + body);
    }
    const buffer = this.#buffer;
    const timestampDelta = timestamp - this.#baseTimestamp;
    const offsetDelta = offset - this.#baseOffset;
    let at = writeVarint(buffer, this.#length, 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + body);
    buffer[at++] = 0;
    at = writeVarint(buffer, writeVarint(buffer, at, timestampDelta), offsetDelta);
    reader.buffer.copy(buffer, at, bodyStart, recordEnd);
    this.#length = at + body;
    this.#records++;
    this.#lastOffset = offset;
    this.#maxTimestamp = Math.max(this.#maxTimestamp, timestamp);
    return full;
  }

  /** The open batch; undefined when it is empty. */
  finish(): SparseBatch | undefined {
    const records = this.#records;
    if (records === 0) return undefined;
    const baseOffset = this.#baseOffset;
    const lastOffset = this.#lastOffset;
    const maxTimestamp = this.#maxTimestamp;
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#length));
    bytes.fill(0, 0, BATCH_AT.producerId).fill(0xff, BATCH_AT.producerId, BATCH_AT.recordCount);
    bytes.writeInt32BE(bytes.length - 12, BATCH_AT.batchLength);
    bytes.writeInt32BE(-1, BATCH_AT.leaderEpoch);
    bytes[BATCH_AT.magic] = 2;
    bytes.writeInt32BE(lastOffset - baseOffset, BATCH_AT.lastOffsetDelta);
    writeInt64(bytes, BATCH_AT.baseTimestamp, this.#baseTimestamp);
    writeInt64(bytes, BATCH_AT.maxTimestamp, maxTimestamp);
    bytes.writeInt32BE(records, BATCH_AT.recordCount);
    sealBatch(bytes, baseOffset);
    this.#records = 0;
    return { bytes, baseOffset, lastOffset, records, maxTimestamp };
  }

  #makeRoom(bytes: number): void {
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
    else if (this.#buffer.length > TARGET_BYTES && bytes <= TARGET_BYTES)
      this.#buffer = Buffer.allocUnsafeSlow(TARGET_BYTES);
  }
}
