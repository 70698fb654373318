import { BATCH_AT, BATCH_HEADER_BYTES, baseOffsetOf, readInt64 } from '../../src/records/batch.ts';

/** `buffer.latin1Slice`: public in Node, missing in its types. */
export type LatinBuffer = Buffer & {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
};

/** The records of one batch, one after another, as a loop written for these bytes alone would read them: no checks. */
export class RecordCursor {
  buffer = Buffer.alloc(0) as LatinBuffer;
  view = new DataView(this.buffer.buffer, 0, 0);
  timestamp = 0.5;
  bodyStart = 0;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  end = 0;
  lastOffset = 0;
  private position = 0;
  private left = 0;
  private baseTimestamp = 0.5;

  load(batch: Buffer): void {
    this.buffer = batch as LatinBuffer;
    this.view = new DataView(batch.buffer, batch.byteOffset, batch.length);
    this.position = BATCH_HEADER_BYTES;
    this.left = batch.readInt32BE(BATCH_AT.recordCount);
    this.baseTimestamp = readInt64(batch, BATCH_AT.baseTimestamp);
    this.lastOffset = baseOffsetOf(batch) + batch.readInt32BE(BATCH_AT.lastOffsetDelta);
  }

  next(): boolean {
    if (this.left === 0) return false;
    this.left--;
    const { buffer } = this;
    let p = this.position;
    let byte = buffer[p++]!;
    let bits = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) bits |= ((byte = buffer[p++]!) & 0x7f) << shift;
    this.end = this.position = p + (bits >>> 1);
    p++;
    byte = buffer[p++]!;
    bits = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) bits |= ((byte = buffer[p++]!) & 0x7f) << shift;
    this.timestamp = this.baseTimestamp + ((bits >>> 1) ^ -(bits & 1));
    while (buffer[p++]! > 0x7f);
    this.bodyStart = p;
    byte = buffer[p++]!;
    bits = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) bits |= ((byte = buffer[p++]!) & 0x7f) << shift;
    this.keyStart = p;
    p = this.keyEnd = p + (bits >>> 1);
    byte = buffer[p++]!;
    bits = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) bits |= ((byte = buffer[p++]!) & 0x7f) << shift;
    this.valueStart = p;
    this.valueEnd = p + (bits >>> 1);
    return true;
  }

  keyText(): string {
    return this.buffer.latin1Slice(this.keyStart, this.keyEnd);
  }

  value(): Buffer {
    return this.buffer.subarray(this.valueStart, this.valueEnd);
  }
}
