import {
  BATCH_AT,
  BATCH_HEADER_BYTES,
  lastOffsetOf,
  maxTimestampOf,
  recordCountOf,
  sealBatch,
} from '../../records/batch.ts';
import type { Commit } from '../../runtime/ports.ts';
import { directorySize, writeDirectory, type AppendEntry, type OffsetEntry } from './directory.ts';
import { HEAD_BYTES, writeHead, type FrameHead } from './frame.ts';
import type { LogState } from './log-state.ts';

/** Batches below this size are copied behind one another, larger ones are written where they lie. */
const COPIED_BYTES = 16 * 1024;

/** A commit and the group whose offsets it moves. */
export interface GroupCommit {
  readonly group: string;
  readonly commit: Commit;
}

/** A frame to be written, and what it will mean once it is durable. */
export interface PackedFrame {
  readonly buffers: readonly Buffer[];
  readonly length: number;
  readonly crc: number;
  readonly bodyOffset: number;
  readonly appends: readonly AppendEntry[];
  readonly offsets: readonly OffsetEntry[];
  /** In the order of the body, each with its place in the frame. */
  readonly batches: readonly (readonly [offset: number, batch: Buffer])[];
  /** For each commit: the offset of each batch's first record. */
  readonly baseOffsets: readonly (readonly (readonly number[])[])[];
}

/**
 * Packs commits into one frame, so that they become durable together: gives out offsets behind the partitions' ends, seals the
 * batches in place and writes head and directory. `gap`: offsets left free behind each append.
 */
export function packCommits(
  commits: readonly GroupCommit[],
  state: LogState,
  head: Omit<FrameHead, 'kind' | 'directoryBytes' | 'bodyBytes'>,
  gap: number,
): PackedFrame {
  const ends = new Map<string, number>();
  const appends: AppendEntry[] = [];
  const offsets: OffsetEntry[] = [];
  const sealed: Buffer[] = [];
  const baseOffsets = commits.map(({ group, commit }) => {
    for (const { topic, partition, offset, metadata } of commit.offsets)
      offsets.push({ group, topic: state.topics.get(topic)!.number, partition, offset, metadata });
    return commit.appends.map(({ topic: name, partition, batches }) => {
      const topic = state.topics.get(name)!;
      const key = `${topic.number}/${partition}`;
      const baseOffset = ends.get(key) ?? topic.partitions[partition]!.end;
      let next = baseOffset;
      let records = 0;
      let maxTimestamp = -Infinity;
      const entries = batches.map(batch => {
        const base = next;
        batch.writeInt32BE(-1, BATCH_AT.leaderEpoch);
        sealBatch(batch, base);
        sealed.push(batch);
        next = lastOffsetOf(batch) + 1;
        records += recordCountOf(batch);
        maxTimestamp = Math.max(maxTimestamp, maxTimestampOf(batch));
        return {
          baseOffset: base,
          lastDelta: next - 1 - base,
          length: batch.length,
          crc: batch.readUInt32BE(BATCH_AT.crc),
        };
      });
      const endOffset = next + (batches.length > 0 ? gap : 0);
      ends.set(key, endOffset);
      if (batches.length > 0)
        appends.push({
          topic: topic.number,
          partition,
          baseOffset,
          endOffset,
          records,
          maxTimestamp,
          batches: entries,
        });
      return entries.map(entry => entry.baseOffset);
    });
  });
  const directory = { appends, offsets };
  const directoryBytes = directorySize(directory);
  const front = HEAD_BYTES + directoryBytes;
  const copied = sealed.reduce((sum, batch) => sum + (batch.length < COPIED_BYTES ? batch.length : 0), 0);
  const block = Buffer.allocUnsafeSlow(front + copied);
  const { buffers, batches, length } = layOut(block, front, sealed);
  writeDirectory(block, HEAD_BYTES, directory);
  const crc = writeHead(block, { ...head, kind: 'commit', directoryBytes, bodyBytes: length - front });
  return { buffers, length, crc, bodyOffset: front, appends, offsets, batches, baseOffsets };
}

/** Copies small batches into `block` behind `front`, and lists what is to be written in order. */
function layOut(block: Buffer, front: number, sealed: readonly Buffer[]) {
  const buffers: Buffer[] = [];
  const batches: [offset: number, batch: Buffer][] = [];
  let written = 0;
  let at = front;
  let length = front;
  for (const batch of sealed) {
    if (batch.length < COPIED_BYTES) {
      batch.copy(block, at);
      batches.push([length, block.subarray(at, at + batch.length)]);
      at += batch.length;
    } else {
      if (at > written) buffers.push(block.subarray(written, at));
      written = at;
      buffers.push(batch);
      batches.push([length, batch]);
    }
    length += batch.length;
  }
  if (at > written) buffers.push(block.subarray(written, at));
  return { buffers, batches, length };
}

/** What makes these bytes no batch that the log takes; undefined when nothing does. */
export function unsealedFault(batch: Buffer): string | undefined {
  if (batch.length < BATCH_HEADER_BYTES) return `only ${batch.length} bytes`;
  if (batch[BATCH_AT.magic] !== 2) return `magic ${batch[BATCH_AT.magic]} instead of 2`;
  if (batch.readInt32BE(BATCH_AT.batchLength) + 12 !== batch.length) return 'a length that is not its own';
  if ((batch.readInt16BE(BATCH_AT.attributes) & 0x7) !== 0) return 'it is compressed';
  if (batch.readInt32BE(BATCH_AT.lastOffsetDelta) < 0) return 'no records';
  return undefined;
}
