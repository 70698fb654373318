import { join } from 'node:path';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import { encodeHeaders } from '../../src/records/headers.ts';
import type { Headers } from '../../src/records/headers.ts';
import type { Broker } from '../../src/runtime/ports.ts';

export interface TestRecord {
  readonly partition?: number;
  readonly timestamp?: number;
  readonly key: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: Headers;
}

const bytes = (data: string | Uint8Array | null) => (typeof data === 'string' ? Buffer.from(data) : data);

/** The broker of a data folder, with holes in its offsets as Kafka has them. */
export async function openFolder(data: string, owner = 'a test'): Promise<Broker> {
  return openEmbeddedBroker({ disk: await nodeDisk(join(data, 'log')), owner, offsetGap: 1 });
}

/** Writes records into a topic, one commit each, so that batches are small. */
export async function fillTopic(
  data: string,
  topic: string,
  partitions: number,
  records: readonly TestRecord[],
): Promise<void> {
  const broker = await openFolder(data);
  await broker.createTopics([{ name: topic, partitions, config: {} }]);
  const nothing = async () => {};
  const membership = await broker.join('test', [{ id: 'fill', inputs: [] }], {
    assigned: nothing,
    revoked: nothing,
    lost: nothing,
  });
  const writer = await membership.open('fill');
  for (const { partition = 0, timestamp = 0, key, value, headers = [] } of records) {
    const batch = new BatchWriter(1_000_000);
    batch.append(timestamp, bytes(key), bytes(value), encodeHeaders(headers));
    await writer.commit({ appends: [{ topic, partition, batches: batch.finish() }], offsets: [] });
  }
  await membership.leave();
  await broker.close();
}
