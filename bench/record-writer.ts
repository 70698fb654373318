import { openEmbeddedBroker } from '../src/adapters/embedded/embedded-broker.ts';
import type { Disk } from '../src/adapters/embedded/disk.ts';
import { BatchWriter } from '../src/records/batch-writer.ts';
import { partitionOf } from '../src/records/murmur2.ts';
import { PARTITIONS } from './lines/line.ts';

/** A record before it has a partition. The bytes are copied before the next one is asked for. */
export interface NewRecord {
  readonly topic: string;
  readonly timestampMs: number;
  readonly key: string | Uint8Array;
  /** Null: a tombstone. */
  readonly value: Uint8Array | null;
  /** Packed, as `BatchWriter.append` takes them. */
  readonly headers?: Uint8Array;
}

/** As a producer under load sends them: about 1,000 records of 150 bytes. */
const BATCH_BYTES = 150_000;
const LARGEST_BATCH = 1_000_000;
const RECORDS_A_COMMIT = 20_000;

/** Writes records to new topics of `PARTITIONS` partitions each: the same records, the same topics. Resolves to their number. */
export async function writeRecords(
  disk: Disk,
  topics: readonly string[],
  records: Iterable<NewRecord>,
): Promise<number> {
  const broker = await openEmbeddedBroker({ disk });
  await broker.createTopics(topics.map(name => ({ name, partitions: PARTITIONS, config: {} })));
  const nothing = async () => {};
  const membership = await broker.join('backlog', [{ id: 'backlog', inputs: [] }], {
    assigned: nothing,
    revoked: nothing,
    lost: nothing,
  });
  const writer = await membership.open('backlog');
  const batches = new Map(
    topics.map(topic => [topic, Array.from({ length: PARTITIONS }, () => new BatchWriter(LARGEST_BATCH, BATCH_BYTES))]),
  );
  const commit = async () => {
    const appends = [...batches]
      .flatMap(([topic, ofTopic]) => ofTopic.map((batch, partition) => ({ topic, partition, batches: batch.finish() })))
      .filter(append => append.batches.length > 0);
    if (appends.length > 0) await writer.commit({ appends, offsets: [] });
  };

  let count = 0;
  for (const { topic, timestampMs, key, value, headers } of records) {
    const bytes = typeof key === 'string' ? Buffer.from(key) : key;
    batches.get(topic)![partitionOf(bytes, PARTITIONS)]!.append(timestampMs, bytes, value, headers);
    if (++count % RECORDS_A_COMMIT === 0) await commit();
  }
  await commit();
  await membership.leave();
  await broker.close();
  return count;
}
