import { BatchReader } from '../src/records/batch-reader.ts';
import { BatchWriter } from '../src/records/batch-writer.ts';
import { decodeHeaders, encodeHeaders } from '../src/records/headers.ts';
import { partitionOf } from '../src/records/murmur2.ts';
import type { Append, Broker, BrokerReader } from '../src/runtime/ports.ts';

/** A record as its topic holds it; key and value in latin1, so that no byte is lost. */
export interface TopicRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

export interface NewRecord {
  readonly key: string | null;
  readonly value: string | Uint8Array | null;
  readonly timestamp: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Default: by the key. */
  readonly partition?: number;
}

const FETCH_BYTES = 1024 * 1024;
const BATCH_BYTES = 2 ** 31 - 1;
const TARGET_BYTES = 64 * 1024;
const PRODUCER = 'test-producer';

/** All records of a topic, by partition and offset. */
export async function readTopic(
  broker: Pick<BrokerReader, 'topics' | 'offsets' | 'reader'>,
  topic: string,
): Promise<TopicRecord[]> {
  const info = (await broker.topics()).find(({ name }) => name === topic);
  if (!info) throw new Error(`there is no topic ${topic}`);
  const reader = broker.reader();
  const cursor = new BatchReader();
  const found: TopicRecord[] = [];
  try {
    for (let partition = 0; partition < info.partitions; partition++) {
      const [range] = await broker.offsets([{ topic, partition }]);
      for (let offset = range!.start; offset < range!.end;) {
        const [fetched] = await reader.fetch([{ topic, partition, offset, maxBytes: FETCH_BYTES }], 0);
        for (const batch of fetched!.batches) {
          cursor.load(batch, { topic, partition });
          while (cursor.next()) if (cursor.offset >= offset) found.push(recordAt(cursor, partition));
        }
        offset = fetched!.nextOffset;
      }
    }
  } finally {
    await reader.close();
  }
  return found;
}

/** Appends records to a topic that exists, in one commit. */
export async function writeTopic(broker: Broker, topic: string, records: readonly NewRecord[]): Promise<void> {
  const { partitions } = (await broker.topics()).find(({ name }) => name === topic)!;
  const writers = Array.from({ length: partitions }, () => new BatchWriter(BATCH_BYTES, TARGET_BYTES));
  for (const { key, value, timestamp, headers = [], partition } of records) {
    const keyBytes = key === null ? null : Buffer.from(key);
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    const packed = encodeHeaders(headers.map(([name, text]) => [name, Buffer.from(text)]));
    const to = partition ?? (keyBytes === null ? 0 : partitionOf(keyBytes, partitions));
    writers[to]!.append(timestamp, keyBytes, bytes, packed);
  }
  const appends = writers.flatMap((writer, partition): Append[] =>
    writer.total > 0 ? [{ topic, partition, batches: writer.finish() }] : [],
  );
  const nothing = async () => {};
  const membership = await broker.join(PRODUCER, [{ id: PRODUCER, inputs: [] }], {
    assigned: nothing,
    revoked: nothing,
    lost: nothing,
  });
  const writer = await membership.open(PRODUCER);
  const outcome = await writer.commit({ appends, offsets: [] });
  await writer.close();
  await membership.leave();
  if (outcome.kind !== 'committed') throw new Error(`the records of ${topic} were not committed: ${outcome.kind}`);
}

function recordAt(cursor: BatchReader, partition: number): TopicRecord {
  const { offset, timestamp } = cursor;
  return {
    partition,
    offset,
    timestamp,
    key: text(cursor.keyBytes()),
    value: text(cursor.valueBytes()),
    headers: decodeHeaders(cursor.headerBytes()).map(([name, value]) => [name, text(value)] as const),
  };
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
