import { BatchReader } from '../../records/batch-reader.ts';
import { maxTimestampOf } from '../../records/batch.ts';
import type { TopicPartition } from '../../runtime/ports.ts';
import { fetchNow, rangeOf, type LogView } from './fetch.ts';

const FETCH_BYTES = 1024 * 1024;

/** The first offset whose record has the timestamp or a later one; the end where there is none. Slices that are older are not read. */
export async function offsetAt(view: LogView, at: TopicPartition, timestampMs: number): Promise<number> {
  const { start, end } = rangeOf(view.state, at);
  const { number } = view.state.topics.get(at.topic)!;
  const records = new BatchReader();
  for (const { firstOffset, endOffset, maxTimestamp } of view.index.slices(number, at.partition)) {
    if (maxTimestamp < timestampMs) continue;
    for (let offset = Math.max(firstOffset, start); offset < Math.min(endOffset, end);) {
      const [fetched] = await fetchNow(view, [{ ...at, offset, maxBytes: FETCH_BYTES }]);
      for (const batch of fetched!.batches) {
        if (maxTimestampOf(batch) < timestampMs) continue;
        records.load(batch, at);
        while (records.next()) if (records.offset >= offset && records.timestamp >= timestampMs) return records.offset;
      }
      if (fetched!.nextOffset <= offset) return end;
      offset = fetched!.nextOffset;
    }
  }
  return end;
}
