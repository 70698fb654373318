import { crc32c } from '@node-rs/crc32';

/**
 * Kafka's record batch, format v2 (KIP-98; "Record Batch" in the Kafka protocol's message format). Big endian:
 *
 * | at | field | |
 * |---|---|---|
 * | 0 | baseOffset int64 | written by the broker; not under the CRC |
 * | 8 | batchLength int32 | from byte 12 on |
 * | 12 | partitionLeaderEpoch int32 | not under the CRC |
 * | 16 | magic int8 | 2 |
 * | 17 | crc uint32 | CRC-32C from byte 21 on |
 * | 21 | attributes int16 | compression, timestamp type, transactional, control |
 * | 23 | lastOffsetDelta int32 | |
 * | 27 | baseTimestamp int64 | ms |
 * | 35 | maxTimestamp int64 | ms |
 * | 43 | producerId int64, 51 producerEpoch int16, 53 baseSequence int32 | -1 where none |
 * | 57 | recordCount int32 | |
 * | 61 | records | |
 */
export const BATCH_HEADER_BYTES = 61;
export const BATCH_AT = {
  baseOffset: 0,
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

const COMPRESSION = 0x7;
/** In `attributes`: the broker gave all records of the batch its `maxTimestamp`. */
export const LOG_APPEND_TIME = 0x8;
/** In `attributes`: its records are the broker's own, such as the end of a transaction. */
const CONTROL = 0x20;

const TWO_32 = 0x100000000;

/** An int64 that is known to be exact as a number. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_32 + buffer.readUInt32BE(at + 4);
}

export function writeInt64(buffer: Buffer, at: number, value: number): void {
  buffer.writeInt32BE(Math.floor(value / TWO_32), at);
  buffer.writeUInt32BE(((value % TWO_32) + TWO_32) % TWO_32, at + 4);
}

export const baseOffsetOf = (batch: Buffer): number => readInt64(batch, BATCH_AT.baseOffset);
export const lastOffsetOf = (batch: Buffer): number =>
  baseOffsetOf(batch) + batch.readInt32BE(BATCH_AT.lastOffsetDelta);
export const recordCountOf = (batch: Buffer): number => batch.readInt32BE(BATCH_AT.recordCount);
export const maxTimestampOf = (batch: Buffer): number => readInt64(batch, BATCH_AT.maxTimestamp);
export const setBaseOffset = (batch: Buffer, offset: number): void => writeInt64(batch, BATCH_AT.baseOffset, offset);

/** What is wrong with these bytes as one whole, uncompressed batch of users' records; undefined when nothing is. */
export function batchFault(batch: Buffer): string | undefined {
  if (batch.length < BATCH_HEADER_BYTES) return `only ${batch.length} bytes`;
  if (batch[BATCH_AT.magic] !== 2) return `magic ${batch[BATCH_AT.magic]} instead of 2`;
  const length = batch.readInt32BE(BATCH_AT.batchLength) + 12;
  if (length !== batch.length) return `length ${length} in ${batch.length} bytes`;
  if (batch.readUInt32BE(BATCH_AT.crc) !== batchCrc(batch)) return 'its CRC does not match';
  const attributes = batch.readInt16BE(BATCH_AT.attributes);
  if ((attributes & COMPRESSION) !== 0) return 'it is compressed';
  if ((attributes & CONTROL) !== 0) return 'it is a control batch';
  return undefined;
}

export const batchCrc = (batch: Buffer): number => crc32c(batch.subarray(BATCH_AT.attributes));

/** Makes a batch ready to be stored: its base offset, and its CRC over all the rest. Writes into it. */
export function sealBatch(batch: Buffer, baseOffset: number): void {
  setBaseOffset(batch, baseOffset);
  batch.writeUInt32BE(batchCrc(batch), BATCH_AT.crc);
}
