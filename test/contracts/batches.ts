import { BatchReader } from '../../src/records/batch-reader.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';

/** One unsealed batch with these values, each its own key. */
export function batchOf(...values: string[]): Buffer {
  const writer = new BatchWriter(16 * 1024 * 1024);
  for (const value of values) writer.append(1_600_000_000_000, Buffer.from(value), Buffer.from(value));
  return writer.finish()[0]!;
}

/** The values of the records from `offset` on, in order. */
export const valuesOf = (batches: readonly Buffer[], offset = 0): string[] =>
  recordsOf(batches, offset, reader => String(reader.valueBytes()));

export const offsetsOf = (batches: readonly Buffer[], offset = 0): number[] =>
  recordsOf(batches, offset, reader => reader.offset);

function recordsOf<T>(batches: readonly Buffer[], offset: number, pick: (reader: BatchReader) => T): T[] {
  const reader = new BatchReader();
  const picked: T[] = [];
  for (const batch of batches) {
    reader.load(batch, { topic: 'test', partition: 0 });
    while (reader.next()) if (reader.offset >= offset) picked.push(pick(reader));
  }
  return picked;
}
