import { BatchIndex } from './batch-index.ts';
import type { AppendEntry, BatchEntry } from './directory.ts';
import type { FooterEntry } from './footer.ts';

/** What a stretch of a partition comes to: its batches' bytes, their records, and the largest timestamp among these. */
export interface Totals {
  bytes: number;
  records: number;
  maxTimestamp: number;
}

/** One partition's part of one file. */
export interface Slice extends Totals {
  readonly file: string;
  readonly firstOffset: number;
  endOffset: number;
  /** Where its index stands in the file's footer; unknown until the file is sealed. */
  stored?: FooterEntry;
  loaded?: BatchIndex;
  /** The index has taken it out. */
  isGone?: true;
}

/** A batch, and where it lies. */
export interface BatchPlace extends BatchEntry {
  readonly file: string;
  readonly position: number;
}

/** One that is being added to. */
export interface OpenSlice extends Slice {
  loaded: BatchIndex;
}

/** A partition's slice of a file. */
export interface PlacedSlice {
  readonly topic: number;
  readonly partition: number;
  readonly slice: OpenSlice;
}

export function beginSlice(file: string, firstOffset: number): OpenSlice {
  return {
    file,
    firstOffset,
    endOffset: firstOffset,
    bytes: 0,
    records: 0,
    maxTimestamp: -Infinity,
    loaded: new BatchIndex(firstOffset),
  };
}

/** Adds an append whose batches begin at `position`. Returns where they end. */
export function extendSlice(slice: OpenSlice, position: number, append: AppendEntry): number {
  for (const batch of append.batches) {
    slice.loaded.push(batch, position);
    slice.bytes += batch.length;
    position += batch.length;
  }
  slice.endOffset = append.endOffset;
  slice.records += append.records;
  slice.maxTimestamp = Math.max(slice.maxTimestamp, append.maxTimestamp);
  return position;
}

export function storedSlice(file: string, stored: FooterEntry): Slice {
  const { firstOffset, endOffset, bytes, records, maxTimestamp } = stored;
  return { file, firstOffset, endOffset, bytes, records, maxTimestamp, stored };
}
