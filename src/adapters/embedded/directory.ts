import { readInt64, writeInt64 } from '../../records/batch.ts';

/** One batch of a commit; `lastDelta` from its first offset to its last. */
export interface BatchEntry {
  readonly baseOffset: number;
  readonly lastDelta: number;
  readonly length: number;
  readonly crc: number;
}

/**
 * Batches of one partition. Topics go by their number in the log. `endOffset` may leave a gap behind the last batch. `records` are
 * those in the batches, `maxTimestamp` the largest among them.
 */
export interface AppendEntry {
  readonly topic: number;
  readonly partition: number;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly records: number;
  readonly maxTimestamp: number;
  readonly batches: readonly BatchEntry[];
}

export interface OffsetEntry {
  readonly group: string;
  readonly topic: number;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

/** What a commit frame's directory says. Its body holds the batches in the same order, one behind the other. */
export interface CommitDirectory {
  readonly appends: readonly AppendEntry[];
  readonly offsets: readonly OffsetEntry[];
}

const APPEND_BYTES = 4 + 4 + 8 + 8 + 8 + 4 + 4;
const BATCH_BYTES = 16;
const OFFSET_BYTES = 4 + 4 + 8;

export function directorySize(directory: CommitDirectory): number {
  let size = 8;
  for (const append of directory.appends) size += APPEND_BYTES + append.batches.length * BATCH_BYTES;
  for (const offset of directory.offsets)
    size += OFFSET_BYTES + 4 + Buffer.byteLength(offset.group) + 4 + Buffer.byteLength(offset.metadata);
  return size;
}

/** Writes `directorySize` bytes from `at` on. */
export function writeDirectory(buffer: Buffer, at: number, directory: CommitDirectory): void {
  at = buffer.writeUInt32BE(directory.appends.length, at);
  for (const append of directory.appends) {
    at = buffer.writeUInt32BE(append.topic, at);
    at = buffer.writeUInt32BE(append.partition, at);
    writeInt64(buffer, at, append.baseOffset);
    writeInt64(buffer, at + 8, append.endOffset);
    writeInt64(buffer, at + 16, append.maxTimestamp);
    at = buffer.writeUInt32BE(append.records, at + 24);
    at = buffer.writeUInt32BE(append.batches.length, at);
    for (const batch of append.batches) {
      at = buffer.writeUInt32BE(batch.baseOffset - append.baseOffset, at);
      at = buffer.writeUInt32BE(batch.lastDelta, at);
      at = buffer.writeUInt32BE(batch.length, at);
      at = buffer.writeUInt32BE(batch.crc, at);
    }
  }
  at = buffer.writeUInt32BE(directory.offsets.length, at);
  for (const offset of directory.offsets) {
    at = writeText(buffer, at, offset.group);
    at = buffer.writeUInt32BE(offset.topic, at);
    at = buffer.writeUInt32BE(offset.partition, at);
    writeInt64(buffer, at, offset.offset);
    at = writeText(buffer, at + 8, offset.metadata);
  }
}

/** Reads a directory whose CRC matched. */
export function readDirectory(buffer: Buffer): CommitDirectory {
  let at = 4;
  const appends: AppendEntry[] = [];
  for (let left = buffer.readUInt32BE(0); left > 0; left--) {
    const baseOffset = readInt64(buffer, at + 8);
    const batches: BatchEntry[] = [];
    const append = {
      topic: buffer.readUInt32BE(at),
      partition: buffer.readUInt32BE(at + 4),
      baseOffset,
      endOffset: readInt64(buffer, at + 16),
      maxTimestamp: readInt64(buffer, at + 24),
      records: buffer.readUInt32BE(at + 32),
      batches,
    };
    let batchesLeft = buffer.readUInt32BE(at + 36);
    for (at += APPEND_BYTES; batchesLeft > 0; batchesLeft--, at += BATCH_BYTES)
      batches.push({
        baseOffset: baseOffset + buffer.readUInt32BE(at),
        lastDelta: buffer.readUInt32BE(at + 4),
        length: buffer.readUInt32BE(at + 8),
        crc: buffer.readUInt32BE(at + 12),
      });
    appends.push(append);
  }
  const offsets: OffsetEntry[] = [];
  let left = buffer.readUInt32BE(at);
  for (at += 4; left > 0; left--) {
    const group = readText(buffer, at);
    at += 4 + buffer.readUInt32BE(at);
    const metadata = readText(buffer, at + OFFSET_BYTES);
    offsets.push({
      group,
      topic: buffer.readUInt32BE(at),
      partition: buffer.readUInt32BE(at + 4),
      offset: readInt64(buffer, at + 8),
      metadata,
    });
    at += OFFSET_BYTES + 4 + buffer.readUInt32BE(at + OFFSET_BYTES);
  }
  return { appends, offsets };
}

function writeText(buffer: Buffer, at: number, text: string): number {
  const length = buffer.write(text, at + 4);
  buffer.writeUInt32BE(length, at);
  return at + 4 + length;
}

function readText(buffer: Buffer, at: number): string {
  return buffer.toString('utf8', at + 4, at + 4 + buffer.readUInt32BE(at));
}
