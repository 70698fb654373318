import type { LogIndex } from './log-index.ts';
import type { LogState } from './log-state.ts';
import type { Slice } from './slice.ts';
import type { StateChange } from './state-change.ts';
import { cleaningOf, type CleaningConfig } from './topic-config.ts';

/**
 * Where partitions must begin by `retention.ms` and `retention.bytes`. As Kafka deletes whole segments, this deletes a partition's
 * whole slices, from the oldest on: while the slice's newest record is too old, or without it there are still bytes enough.
 */
export function retentionStarts(state: LogState, index: LogIndex, nowMs: number): NonNullable<StateChange['starts']> {
  const starts: [topic: number, partition: number, start: number][] = [];
  for (const { number, config, partitions } of state.topics.values()) {
    const cleaning = cleaningOf(config);
    if (!cleaning.deletes || (cleaning.retentionMs === Infinity && cleaning.retentionBytes === Infinity)) continue;
    partitions.forEach(({ start }, partition) => {
      const kept = startOf(index.slices(number, partition), start, cleaning, nowMs);
      if (kept > start) starts.push([number, partition, kept]);
    });
  }
  return starts;
}

function startOf(
  slices: readonly Slice[],
  start: number,
  { retentionMs, retentionBytes }: CleaningConfig,
  nowMs: number,
): number {
  let bytes = slices.reduce((sum, slice) => sum + slice.bytes, 0);
  for (const slice of slices) {
    bytes -= slice.bytes;
    if (slice.maxTimestamp >= nowMs - retentionMs && bytes < retentionBytes) return start;
    start = slice.endOffset;
  }
  return start;
}
