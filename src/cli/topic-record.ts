import type { BatchReader } from '../records/batch-reader.ts';
import { decodeHeaders } from '../records/headers.ts';
import type { Headers } from '../records/headers.ts';
import type { TopicPartition } from '../runtime/ports.ts';

/** A record with bytes of its own: it outlives the batch that it was read from. */
export interface TopicRecord extends TopicPartition {
  readonly offset: number;
  /** ms since 1970 */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** The record that the reader stands on. */
export function recordAt(reader: BatchReader, { topic, partition }: TopicPartition): TopicRecord {
  const { offset, timestamp } = reader;
  const headers = decodeHeaders(Buffer.from(reader.headerBytes()));
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: copy(reader.keyBytes()),
    value: copy(reader.valueBytes()),
    headers,
  };
}

const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
