import type { TopicSlot } from '../graph/functions.ts';
import type { SinkNode, SourceNode, Topology } from '../graph/topology.ts';
import { BatchReader } from '../records/batch-reader.ts';
import { decodeHeaders } from '../records/headers.ts';
import type { LiveRecord } from '../runtime/live-topic.ts';
import type { BrokerReader } from '../runtime/ports.ts';

/** A record that the topology wrote. */
export type OutputRecord<K = unknown, V = unknown> = LiveRecord<K, V>;

const FETCH_BYTES = 1024 * 1024;

/** The serdes of a topic that a topology reads or writes; none of its dead letters, say: those are bytes. */
export function slotOf(topology: Topology, topic: string): TopicSlot | undefined {
  const node = topology.nodes.find(
    (one): one is SourceNode | SinkNode => (one.kind === 'sink' || one.kind === 'source') && one.topic.name === topic,
  );
  return node && (topology.functions[node.id]!['topic'] as TopicSlot);
}

/** The committed records of a partition from an offset on, and where to go on. Without serdes, keys and values are bytes. */
export async function readPartition(
  broker: Pick<BrokerReader, 'offsets' | 'reader'>,
  { topic, partition, from = 0 }: { readonly topic: string; readonly partition: number; readonly from?: number },
  slot: TopicSlot | undefined,
): Promise<{ readonly records: OutputRecord[]; readonly next: number }> {
  const records: OutputRecord[] = [];
  const reader = broker.reader();
  const cursor = new BatchReader();
  const [range] = await broker.offsets([{ topic, partition }]);
  let offset = Math.max(from, range!.start);
  while (offset < range!.end) {
    const [fetched] = await reader.fetch([{ topic, partition, offset, maxBytes: FETCH_BYTES }], 0);
    for (const batch of fetched!.batches) {
      cursor.load(batch, fetched!);
      while (cursor.next()) if (cursor.offset >= offset) records.push(recordAt(cursor, topic, partition, slot));
    }
    offset = fetched!.nextOffset;
  }
  await reader.close();
  return { records, next: offset };
}

function recordAt(cursor: BatchReader, topic: string, partition: number, slot: TopicSlot | undefined): OutputRecord {
  const key = cursor.keyBytes();
  const value = cursor.valueBytes();
  return {
    topic,
    partition,
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    key: key === null || !slot ? key : slot.key.decode(key),
    value: value === null || !slot ? value : slot.value.decode(value),
    headers: decodeHeaders(cursor.headerBytes()),
  };
}
