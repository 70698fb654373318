import { crc32c } from '@node-rs/crc32';

/** Bytes that are no whole record batch. */
export class NoBatch extends Error {}

export interface ReferenceRecord {
  readonly offset: bigint;
  readonly timestamp: bigint;
  /** The timestamp, and what it is made of, is exact as a number. */
  readonly isExact: boolean;
  /** A key or value has a negative length other than -1. */
  readonly isOddlyNull: boolean;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

const COMPRESSION = 0x7;
const LOG_APPEND_TIME = 0x8;
const CONTROL = 0x20;

/**
 * A record batch field by field, after "Record Batch" in Kafka's message format and the checks of its `DefaultRecordBatch`,
 * `DefaultRecord.readFrom` (which refuses a record that is not read to its end, and headers without a name) and `ByteUtils`
 * (varints of more than five bytes, or ten): the second opinion on what a batch holds.
 * @throws NoBatch
 */
export function referenceRecords(batch: Buffer): ReferenceRecord[] {
  if (batch.length < 61) throw new NoBatch('no header');
  if (batch.readInt32BE(8) !== batch.length - 12) throw new NoBatch('another length');
  if (batch.readInt8(16) !== 2) throw new NoBatch('another magic');
  if (batch.readUInt32BE(17) !== crc32c(batch.subarray(21))) throw new NoBatch('another CRC');
  const attributes = batch.readInt16BE(21);
  if ((attributes & COMPRESSION) !== 0 || (attributes & CONTROL) !== 0) throw new NoBatch('not for readers');
  const lastDelta = batch.readInt32BE(23);
  const count = batch.readInt32BE(57);
  const appendTime = (attributes & LOG_APPEND_TIME) !== 0 ? batch.readBigInt64BE(35) : undefined;
  const cursor = new Cursor(batch, 61, batch.length);
  const records: ReferenceRecord[] = [];
  let before = -1;
  for (let left = count; left > 0; left--) {
    const record = cursor.part(cursor.varint(5));
    record.bytes(1);
    const [base, timestampDelta] = [batch.readBigInt64BE(27), record.varint(10)];
    const timestamp = appendTime ?? base + timestampDelta;
    const isExact = [base, timestampDelta, timestamp].every(one => BigInt.asIntN(53, one) === one);
    const delta = Number(record.varint(5));
    if (delta <= before || delta > lastDelta) throw new NoBatch('an offset that does not rise, or beyond the last one');
    before = delta;
    const key = record.nullable();
    const value = record.nullable();
    const headers: [string, Buffer | null][] = [];
    const headerCount = record.varint(5);
    if (headerCount < 0n) throw new NoBatch('a negative number of headers');
    for (let more = headerCount; more > 0n; more--) {
      const name = record.nullable();
      if (name === null) throw new NoBatch('a header without a name');
      headers.push([name.toString(), record.nullable()]);
    }
    record.end();
    records.push({
      offset: batch.readBigInt64BE(0) + BigInt(delta),
      timestamp,
      isExact,
      isOddlyNull: record.isOddlyNull,
      key,
      value,
      headers,
    });
  }
  if (count < 0) throw new NoBatch('a negative number of records');
  cursor.end();
  return records;
}

class Cursor {
  isOddlyNull = false;

  constructor(
    private readonly batch: Buffer,
    private at: number,
    private readonly limit: number,
  ) {}

  bytes(length: number): Buffer {
    if (this.at + length > this.limit) throw new NoBatch('ends early');
    this.at += length;
    return this.batch.subarray(this.at - length, this.at);
  }

  varint(longest: number): bigint {
    let bits = 0n;
    for (let group = 0; ; group++) {
      if (group === longest) throw new NoBatch('a longer varint');
      const byte = this.bytes(1)[0]!;
      bits |= BigInt(byte & 0x7f) << BigInt(7 * group);
      if (byte < 0x80) break;
    }
    const value = (bits >> 1n) ^ -(bits & 1n);
    if (BigInt.asIntN(longest === 5 ? 32 : 64, value) !== value) throw new NoBatch('a larger number');
    return value;
  }

  nullable(): Buffer | null {
    const length = this.varint(5);
    if (length < -1n) this.isOddlyNull = true;
    return length < 0n ? null : this.bytes(Number(length));
  }

  part(length: bigint): Cursor {
    if (length < 0n || BigInt(this.at) + length > BigInt(this.limit)) throw new NoBatch('ends early');
    const part = new Cursor(this.batch, this.at, this.at + Number(length));
    this.at += Number(length);
    return part;
  }

  end(): void {
    if (this.at !== this.limit) throw new NoBatch('something behind the end');
  }
}
