import { RecordError, TopologyError } from '../errors.ts';
import type { TopicSlot } from '../graph/functions.ts';
import { changelogTopic } from '../graph/names.ts';
import type { Topology } from '../graph/topology.ts';
import type { BatchReader } from '../records/batch-reader.ts';
import { decodeHeaders } from '../records/headers.ts';
import type { Headers } from '../records/headers.ts';
import { follow } from './live-log.ts';
import type { Live, LiveOptions, LiveSource } from './live-log.ts';
import { findStore } from './read-only-store.ts';
import type { Task } from './task.ts';
import { decode } from './values.ts';

/** A record as its topic has it. */
export interface LiveRecord<K = unknown, V = unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: K | null;
  readonly value: V | null;
  readonly headers: Headers;
}

/** A change of a store. */
export interface StoreChange<K = unknown, V = unknown> {
  readonly key: K;
  /** Null: the entry is gone. */
  readonly value: V | null;
  readonly timestamp: number;
}

/** The records of a source or sink. @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
export function liveRecords<K, V>(
  source: LiveSource,
  topology: Topology,
  topic: string,
  options: LiveOptions,
): Live<LiveRecord<K, V>> {
  const nodes = topology.nodes.flatMap(node => (node.kind === 'source' || node.kind === 'sink' ? node : []));
  const node = nodes.find(one => one.topic.name === topic);
  if (!node) {
    const known = [...new Set(nodes.map(one => one.topic.name))].join(', ');
    throw new TopologyError('TOPO_TOPIC_UNKNOWN', `'${topology.name}' has no topic ${topic}; it has ${known}.`, {
      topology: topology.name,
      topic,
    });
  }
  const slot = topology.functions[node.id]!['topic'] as TopicSlot<K, V>;
  return follow(source, topic, options, (cursor, partition) => ({
    topic,
    partition,
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    ...placed(topology, topic, partition, cursor, (key, value) => ({
      key: key === null ? null : decode(slot.key, key, 'key'),
      value: value === null ? null : decode(slot.value, value, 'value'),
    })),
    headers: decodeHeaders(cursor.headerBytes()),
  }));
}

/** The changes of a store that keeps one row an entry: the last one of each key and commit. @throws TopologyError `TOPO_USAGE` */
export function liveChanges<K, V>(
  source: LiveSource,
  topology: Topology,
  tasks: readonly Task[],
  name: string,
  options: LiveOptions,
): Live<StoreChange<K, V>> {
  const { reference, keySerde, reading } = findStore(topology, tasks, name);
  const { key: keys = keySerde, place, rows } = reading;
  if (place !== undefined)
    throw new TopologyError(
      'TOPO_USAGE',
      `store '${name}' of '${topology.name}' keeps several rows in one entry: its changes are the records of its step's stream.`,
      { topology: topology.name },
    );
  const topic = changelogTopic(topology.name, reference);
  return follow(source, topic, options, (cursor, partition) =>
    placed(topology, topic, partition, cursor, (key, value) => {
      const text = cursor.keyText();
      const [row] = value === null ? [[text, null] as const] : rows(text, value);
      // an entry that is no row keeps the step's own time
      if (row === undefined) return undefined;
      return { key: keys.decode(key!) as K, value: row[1] as V | null, timestamp: cursor.timestamp };
    }),
  );
}

/** @throws RecordError naming where the bytes lie that do not decode */
function placed<T>(
  topology: Topology,
  topic: string,
  partition: number,
  cursor: BatchReader,
  read: (key: Uint8Array | null, value: Uint8Array | null) => T,
): T {
  try {
    return read(cursor.keyBytes(), cursor.valueBytes());
  } catch (cause) {
    const { offset } = cursor;
    throw new RecordError(
      'TOPO_DECODE',
      `${topic}-${partition} at offset ${offset}: ${(cause as Error).message}`,
      { topology: topology.name, topic, partition, offset },
      { cause },
    );
  }
}
