import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { openEmbeddedBroker } from '../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../src/adapters/embedded/node-disk.ts';
import { BatchReader } from '../src/records/batch-reader.ts';
import type { Broker } from '../src/runtime/ports.ts';
import { OUT, PARTITIONS } from './lines/line.ts';

/** What is compared of a run. */
export interface Digested {
  /** Behind a repartition the order between its writers is free, and so are the timestamps of running results. */
  readonly isOrdered: boolean;
  /** The last values by key of this topic are compared too. */
  readonly changelog?: string | undefined;
}

const FETCH_BYTES = 4 * 1024 * 1024;

/** What a run left behind, as text to compare: records and a hash for each partition. */
export async function digestOf(folder: string, { isOrdered, changelog }: Digested): Promise<string> {
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
  const parts = await outputs(broker, isOrdered);
  if (changelog !== undefined) parts.push(await lastValues(broker, changelog));
  await broker.close();
  return parts.join(' ');
}

/** Ordered: keys, values, timestamps and headers in their order. Else keys and values in any order. */
async function outputs(broker: Broker, isOrdered: boolean): Promise<string[]> {
  const parts = Array.from({ length: PARTITIONS }, () => ({ count: 0, hash: 0 }));
  await forEachRecord(broker, OUT, (record, partition) => {
    const part = parts[partition]!;
    const body = record.buffer.subarray(record.bodyStart, record.recordEnd);
    part.count++;
    part.hash = isOrdered
      ? (crc32c(body, part.hash) ^ (record.timestamp % 0x40000000)) >>> 0
      : (part.hash + crc32c(body)) >>> 0;
  });
  return parts.map(({ count, hash }) => `${count}:${hash.toString(16)}`);
}

async function lastValues(broker: Broker, topic: string): Promise<string> {
  const values = new Map<string, number>();
  await forEachRecord(broker, topic, record => {
    values.set(record.keyText(), crc32c(record.buffer.subarray(record.keyStart, record.valueEnd)));
  });
  let hash = 0;
  for (const value of values.values()) hash = (hash + value) >>> 0;
  return `${values.size}:${hash.toString(16)}`;
}

/** Visits the records of a topic by partition and offset. */
export async function forEachRecord(
  broker: Broker,
  topic: string,
  visit: (record: BatchReader, partition: number) => void,
): Promise<void> {
  const { partitions } = (await broker.topics()).find(({ name }) => name === topic)!;
  const reader = broker.reader();
  const records = new BatchReader();
  for (let partition = 0; partition < partitions; partition++) {
    for (let offset = 0, end = 1; offset < end;) {
      const [fetched] = await reader.fetch([{ topic, partition, offset, maxBytes: FETCH_BYTES }], 0);
      for (const batch of fetched!.batches) {
        records.load(batch, { topic, partition });
        while (records.next()) visit(records, partition);
      }
      ({ nextOffset: offset, end } = fetched!);
    }
  }
  await reader.close();
}
