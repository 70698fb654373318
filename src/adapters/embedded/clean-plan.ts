import type { CommitLog } from './commit-log.ts';
import { dirtySlices, type ToCompact } from './compaction.ts';
import type { SealedSegment } from './state-change.ts';
import { isSegment, segmentName } from './segment.ts';
import { cleaningOf } from './topic-config.ts';

/** Partitions in one pass, at most: each has a file open. */
const MOST_PARTITIONS = 64;
/** Segments that are written into one, at most. */
const MOST_SEGMENTS = 64;

export interface PlanOptions {
  readonly segmentBytes: number;
  /** What the keys of a compaction pass may take in memory. */
  readonly keyBytes: number;
  /** Files that are damaged: what has a part in one of them is left as it is. */
  readonly bad: ReadonlySet<string>;
}

/** Whether records of a topic that is cleaned have been in the open segment for as long, or are as many, as `segment.ms` and `segment.bytes` allow. */
export function mustRoll({ state, index, open }: CommitLog, nowMs: number): boolean {
  const file = segmentName(...open);
  for (const { number, config, partitions } of state.topics.values()) {
    const { compacts, deletes, retentionMs, retentionBytes, segmentMs, segmentBytes } = cleaningOf(config);
    if (!compacts && !(deletes && Math.min(retentionMs, retentionBytes) < Infinity)) continue;
    for (let partition = 0; partition < partitions.length; partition++) {
      const slice = index.slices(number, partition).at(-1);
      if (slice?.file !== file) continue;
      if (nowMs - state.begunMs >= segmentMs || slice.bytes >= segmentBytes) return true;
    }
  }
  return false;
}

/** What to compact next: the dirtiest partitions, as many as the keys of one pass have room for. */
export function dirtiest({ state, index }: CommitLog, { segmentBytes, keyBytes, bad }: PlanOptions): ToCompact[] {
  const found: (ToCompact & { readonly ratio: number; readonly records: number })[] = [];
  for (const { number: topic, config, partitions } of state.topics.values()) {
    const cleaning = cleaningOf(config);
    if (!cleaning.compacts) continue;
    for (const [partition, { compacted }] of partitions.entries()) {
      const slices = index.slices(topic, partition);
      if (slices.some(({ file }) => bad.has(file))) continue;
      const dirty = dirtySlices(slices, compacted?.through ?? 0);
      const bytes = dirty.reduce((sum, slice) => sum + slice.bytes, 0);
      const clean = slices.reduce((sum, slice) => sum + (isSegment(slice.file) ? 0 : slice.bytes), 0);
      const ratio = bytes / (bytes + clean);
      // a file of its own for less is not worth its while
      if (bytes < segmentBytes / 64 || ratio < cleaning.minDirtyRatio) continue;
      const records = dirty.reduce((sum, slice) => sum + slice.records, 0);
      found.push({ topic, partition, config: cleaning, ratio, records });
    }
  }
  found.sort((a, b) => b.ratio - a.ratio);
  // a short key and its entry
  let room = keyBytes / 64;
  const fits = found.findIndex(({ records }, i) => i === MOST_PARTITIONS || (i > 0 && (room -= records) < 0));
  return fits < 0 ? found : found.slice(0, fits);
}

/** Neighbouring sealed segments that take twice the bytes of what they would take as one, the first such ones. */
export function wasteful(
  sealed: readonly SealedSegment[],
  bytesOf: (file: string) => number,
  { state, index }: CommitLog,
  { segmentBytes, bad }: PlanOptions,
): readonly SealedSegment[] {
  const needed = index.neededBytes();
  // in front of the records, and with what groups committed behind them
  const stateBytes = 3 * state.encode().length;
  for (let from = 0; from < sealed.length; from++) {
    let size = 0;
    let needs = stateBytes;
    for (let to = from; to < Math.min(sealed.length, from + MOST_SEGMENTS); to++) {
      const file = segmentName(...sealed[to]!);
      if (bad.has(file)) break;
      size += bytesOf(file);
      needs += needed.get(file) ?? 0;
      if (to > from && needs > segmentBytes) break;
      if (size >= 2 * needs) return sealed.slice(from, to + 1);
    }
  }
  return [];
}

/** Sealed segments that hold nothing any more, from the first one on. */
export function emptyFirst({ state, index }: CommitLog): readonly SealedSegment[] {
  const needed = index.neededBytes();
  const kept = state.sealed.findIndex(sealed => needed.has(segmentName(...sealed)));
  return kept < 0 ? state.sealed : state.sealed.slice(0, kept);
}
