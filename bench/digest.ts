import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { openEmbeddedBroker } from '../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../src/adapters/embedded/node-disk.ts';
import { BatchReader } from '../src/records/batch-reader.ts';
import type { Broker } from '../src/runtime/ports.ts';
import { OUT, PARTITIONS } from './lines/line.ts';
import type { Line } from './lines/line.ts';

const FETCH_BYTES = 4 * 1024 * 1024;

/** What a run left behind, as text to compare: records and a hash for each partition. */
export async function digestOf(folder: string, line: Line): Promise<string> {
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
  const parts: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    parts.push(await output(broker, partition, line.isOrdered));
    if (line.changelog !== undefined) parts.push(await lastValues(broker, line.changelog, partition));
  }
  await broker.close();
  return parts.join(' ');
}

/** Ordered: keys, values, timestamps and headers in their order. Else keys and values in any order. */
async function output(broker: Broker, partition: number, isOrdered: boolean): Promise<string> {
  let count = 0;
  let hash = 0;
  await forEachRecord(broker, OUT, partition, record => {
    count++;
    const body = record.buffer.subarray(record.bodyStart, record.recordEnd);
    hash = isOrdered ? (crc32c(body, hash) ^ (record.timestamp % 0x40000000)) >>> 0 : (hash + crc32c(body)) >>> 0;
  });
  return `${count}:${hash.toString(16)}`;
}

async function lastValues(broker: Broker, topic: string, partition: number): Promise<string> {
  const values = new Map<string, number>();
  await forEachRecord(broker, topic, partition, record => {
    values.set(record.keyText(), crc32c(record.buffer.subarray(record.keyStart, record.valueEnd)));
  });
  let hash = 0;
  for (const value of values.values()) hash = (hash + value) >>> 0;
  return `${values.size}:${hash.toString(16)}`;
}

/** Visits the records of a partition by offset. */
export async function forEachRecord(
  broker: Broker,
  topic: string,
  partition: number,
  visit: (record: BatchReader) => void,
): Promise<void> {
  const reader = broker.reader();
  const records = new BatchReader();
  for (let offset = 0, end = 1; offset < end;) {
    const [fetched] = await reader.fetch([{ topic, partition, offset, maxBytes: FETCH_BYTES }], 0);
    for (const batch of fetched!.batches) {
      records.load(batch);
      while (records.next()) visit(records);
    }
    ({ nextOffset: offset, end } = fetched!);
  }
  await reader.close();
}
