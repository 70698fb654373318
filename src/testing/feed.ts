import { FatalError, RecordError, TopologyError } from '../errors.ts';
import type { TopicSlot } from '../graph/functions.ts';
import { isRead } from '../graph/edges.ts';
import type { Topology } from '../graph/topology.ts';
import { BatchWriter } from '../records/batch-writer.ts';
import { encodeHeaders } from '../records/headers.ts';
import type { Headers } from '../records/headers.ts';
import type { Broker, Membership, TaskWriter } from '../runtime/ports.ts';
import { partitionOfKey } from '../runtime/partitioning.ts';
import { encode } from '../runtime/values.ts';

/** A record for one of the topology's source topics. Bytes are taken as they are, everything else goes through the topic's serdes. */
export interface InputRecord {
  readonly topic: string;
  readonly key?: unknown;
  readonly value?: unknown;
  /** Ms since 1970; -1: the record has none, as Kafka has it. Default: one ms after the record before. */
  readonly timestamp?: number;
  readonly headers?: Headers;
  /** Default: by the key, as Kafka's clients do. */
  readonly partition?: number;
}

const GROUP = 'topology-test-driver';
const LARGEST = 2 ** 31 - 1;

/** Writes a test's records to the source topics of a topology, as a producer would. */
export class Feed {
  readonly #topology: Topology;
  readonly #partitions: ReadonlyMap<string, number>;
  readonly #membership: Membership;
  readonly #writer: TaskWriter;
  #timestamp = 0;
  #writes: number;

  private constructor(
    topology: Topology,
    partitions: ReadonlyMap<string, number>,
    membership: Membership,
    writer: TaskWriter,
  ) {
    this.#topology = topology;
    this.#partitions = partitions;
    this.#membership = membership;
    this.#writer = writer;
    this.#writes = writer.committed[0]?.offset ?? 0;
  }

  /** Creates those of the source topics that are not there. */
  static async open(topology: Topology, broker: Broker, defaultPartitions: number): Promise<Feed> {
    const topics = topology.nodes
      .filter(isRead)
      .map(({ topic: { name, partitions = defaultPartitions, config = {} } }) => ({ name, partitions, config }));
    const known = new Set((await broker.topics()).map(({ name }) => name));
    await broker.createTopics(topics.filter(({ name }) => !known.has(name)));
    const nothing = async () => {};
    const membership = await broker.join(GROUP, [{ id: GROUP, inputs: [{ topic: topics[0]!.name, partition: 0 }] }], {
      assigned: nothing,
      revoked: nothing,
      lost: nothing,
    });
    const partitions = new Map(topics.map(topic => [topic.name, topic.partitions]));
    return new Feed(topology, partitions, membership, await membership.open(GROUP));
  }

  /** How many writes were committed, by feeds before this one too. */
  get writes(): number {
    return this.#writes;
  }

  /** Appends all records in one commit. @throws TopologyError for a topic that is no source, RecordError for what it cannot hold */
  async write(records: readonly InputRecord[]): Promise<void> {
    const batches = new Map<string, { topic: string; partition: number; batch: BatchWriter }>();
    for (const record of records) {
      const { topic, headers = [] } = record;
      const slot = sourceSlot(this.#topology, topic);
      const { key, value } = encodeInput(slot, record);
      const timestamp = record.timestamp ?? this.#timestamp + 1;
      if (!Number.isInteger(timestamp))
        throw new RecordError(
          'TOPO_TIMESTAMP_INVALID',
          `topic ${topic} was fed a record whose timestamp is no whole number`,
          {
            topic,
          },
        );
      this.#timestamp = timestamp;
      const partition =
        record.partition ?? (key === null ? 0 : partitionOfKey(slot.key, key, this.#partitions.get(topic)!));
      const id = `${topic}-${partition}`;
      const known = batches.get(id) ?? { topic, partition, batch: new BatchWriter(LARGEST, 1_000_000) };
      batches.set(id, known);
      known.batch.append(timestamp, key, value, encodeHeaders(headers));
    }
    const appends = [...batches.values()].map(({ topic, partition, batch }) => ({
      topic,
      partition,
      batches: batch.finish(),
    }));
    const writes = this.#writes + 1;
    const place = { topic: [...this.#partitions.keys()][0]!, partition: 0 };
    const outcome = await this.#writer.commit({ appends, offsets: [{ ...place, offset: writes, metadata: '' }] });
    if (outcome.kind !== 'committed')
      throw new FatalError('TOPO_COMMIT_FAILED', `the records that were fed are not committed: ${outcome.kind}.`);
    this.#writes = writes;
  }

  async close(): Promise<void> {
    await this.#membership.leave();
  }
}

/** @throws TopologyError for a topic that is no source */
export function sourceSlot(topology: Topology, topic: string): TopicSlot {
  const sources = topology.nodes.filter(isRead);
  const source = sources.find(node => node.topic.name === topic);
  if (!source) throw unknownTopic(topology, topic, [...new Set(sources.map(node => node.topic.name))]);
  return topology.functions[source.id]!['topic'] as TopicSlot;
}

/** A record's key and value as its topic holds them. */
export const encodeInput = (slot: TopicSlot, { topic, key = null, value = null }: InputRecord) => ({
  key: bytesOf(slot.key, key, `key of a record fed to topic ${topic}`),
  value: bytesOf(slot.value, value, `value of a record fed to topic ${topic}`),
});

function bytesOf(serde: TopicSlot['key'], value: unknown, what: string): Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  return encode(serde, value, what);
}

export function unknownTopic(topology: Topology, topic: string, known: readonly string[]): TopologyError {
  return new TopologyError(
    'TOPO_TOPIC_UNKNOWN',
    `'${topology.name}' has no topic ${topic} here; it has ${known.join(', ')}.`,
    {
      topology: topology.name,
      topic,
    },
  );
}
