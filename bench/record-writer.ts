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

/** A topic to be made; by its name alone one of `PARTITIONS` partitions. */
type TopicToWrite = string | { readonly name: string; readonly partitions: number };

/** Writes records to new topics: the same records, the same topics. Resolves to their number. */
export async function writeRecords(
  disk: Disk,
  topics: readonly TopicToWrite[],
  records: Iterable<NewRecord>,
): Promise<number> {
  const broker = await openEmbeddedBroker({ disk });
  const made = topics.map(topic => (typeof topic === 'string' ? { name: topic, partitions: PARTITIONS } : topic));
  await broker.createTopics(made.map(topic => ({ ...topic, config: {} })));
  const nothing = async () => {};
  const membership = await broker.join('backlog', [{ id: 'backlog', inputs: [] }], {
    assigned: nothing,
    revoked: nothing,
    lost: nothing,
  });
  const writer = await membership.open('backlog');
  const batches = new Map(
    made.map(({ name, partitions }) => [
      name,
      Array.from({ length: partitions }, () => new BatchWriter(LARGEST_BATCH, BATCH_BYTES)),
    ]),
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
    const ofTopic = batches.get(topic)!;
    ofTopic[partitionOf(bytes, ofTopic.length)]!.append(timestampMs, bytes, value, headers);
    if (++count % RECORDS_A_COMMIT === 0) await commit();
  }
  await commit();
  await membership.leave();
  await broker.close();
  return count;
}
