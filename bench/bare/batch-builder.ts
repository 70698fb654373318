import { BATCH_AT, BATCH_HEADER_BYTES, writeInt64 } from '../../src/records/batch.ts';
import type { LatinBuffer, RecordCursor } from './record-cursor.ts';

const BATCH_BYTES = 256 * 1024;
/** More than any record here takes. */
const ROOM = 4096;

/** Writes one partition's record batches: records without headers, below `ROOM` bytes, nothing ever taken back. */
export class BatchBuilder {
  private buffer = Buffer.allocUnsafeSlow(BATCH_BYTES) as LatinBuffer;
  private view = new DataView(this.buffer.buffer);
  private position = BATCH_HEADER_BYTES;
  private count = 0;
  private baseTimestamp = 0.5;
  private maxTimestamp = 0.5;
  private batches: Buffer[] = [];

  /** The cursor's record as it is. */
  copy(cursor: RecordCursor): void {
    const body = cursor.end - cursor.bodyStart;
    const at = this.front(cursor.timestamp, body);
    this.buffer.set(new Uint8Array(cursor.buffer.buffer, cursor.buffer.byteOffset + cursor.bodyStart, body), at);
    this.position = at + body;
  }

  /** The cursor's key with another value. */
  append(cursor: RecordCursor, value: Uint8Array): void {
    const { keyStart } = cursor;
    const keyLength = cursor.keyEnd - keyStart;
    let at = this.front(cursor.timestamp, 1 + keyLength + sizeOf(value.length) + value.length + 1);
    const { buffer, view } = this;
    const source = cursor.view;
    buffer[at++] = keyLength << 1;
    let i = 0;
    for (; i + 4 <= keyLength; i += 4) view.setInt32(at + i, source.getInt32(keyStart + i, true), true);
    for (; i < keyLength; i++) buffer[at + i] = cursor.buffer[keyStart + i]!;
    this.value(at + keyLength, value);
  }

  /** A key of characters below 256. A null value is a tombstone. */
  appendText(timestamp: number, key: string, value: Uint8Array | null): void {
    const { length } = key;
    const valueSize = value === null ? 1 : sizeOf(value.length) + value.length;
    let at = this.front(timestamp, 1 + length + valueSize + 1);
    const { buffer } = this;
    buffer[at++] = length << 1;
    for (let i = 0; i < length; i++) buffer[at++] = key.charCodeAt(i);
    if (value !== null) {
      this.value(at, value);
      return;
    }
    buffer[at++] = 1;
    buffer[at++] = 0;
    this.position = at;
  }

  take(): Buffer[] {
    if (this.count > 0) this.close();
    const { batches } = this;
    this.batches = [];
    return batches;
  }

  private value(at: number, value: Uint8Array): void {
    const { buffer } = this;
    const { length } = value;
    if (length > 63) buffer[at++] = ((length << 1) & 0x7f) | 0x80;
    buffer[at++] = length > 63 ? length >>> 6 : length << 1;
    if (length < 24) for (let i = 0; i < length; i++) buffer[at + i] = value[i]!;
    else buffer.set(value, at);
    at += length;
    buffer[at++] = 0;
    this.position = at;
  }

  private front(timestamp: number, body: number): number {
    if (this.position + ROOM > BATCH_BYTES) this.close();
    const offset = this.count++;
    if (offset === 0) this.baseTimestamp = this.maxTimestamp = timestamp;
    else if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp;
    const delta = (timestamp - this.baseTimestamp) | 0;
    const zigzag = ((delta << 1) ^ (delta >> 31)) >>> 0;
    const at = varint(this.buffer, this.position, (1 + bytesOf(zigzag) + bytesOf(offset << 1) + body) << 1);
    this.buffer[at] = 0;
    return varint(this.buffer, varint(this.buffer, at + 1, zigzag), offset << 1);
  }

  private close(): void {
    const { buffer, position, count } = this;
    writeInt64(buffer, BATCH_AT.baseOffset, 0);
    buffer.writeInt32BE(position - 12, BATCH_AT.batchLength);
    buffer.writeInt32BE(-1, BATCH_AT.leaderEpoch);
    buffer[BATCH_AT.magic] = 2;
    buffer.writeInt16BE(0, BATCH_AT.attributes);
    buffer.writeInt32BE(count - 1, BATCH_AT.lastOffsetDelta);
    writeInt64(buffer, BATCH_AT.baseTimestamp, this.baseTimestamp);
    writeInt64(buffer, BATCH_AT.maxTimestamp, this.maxTimestamp);
    buffer.fill(0xff, BATCH_AT.producerId, BATCH_AT.recordCount);
    buffer.writeInt32BE(count, BATCH_AT.recordCount);
    this.batches.push(buffer.subarray(0, position));
    this.buffer = Buffer.allocUnsafeSlow(BATCH_BYTES) as LatinBuffer;
    this.view = new DataView(this.buffer.buffer);
    this.position = BATCH_HEADER_BYTES;
    this.count = 0;
  }
}

/** With its length, which takes one or two bytes here. */
const sizeOf = (length: number): number => (length > 63 ? 2 : 1);

const bytesOf = (zigzag: number): number =>
  zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;

function varint(buffer: Buffer, at: number, bits: number): number {
  while (bits > 0x7f) {
    buffer[at++] = (bits & 0x7f) | 0x80;
    bits >>>= 7;
  }
  buffer[at++] = bits;
  return at;
}
