import type { RowSlot, TopicSlot } from '../graph/functions.ts';
import { checkTopicName } from '../graph/names.ts';
import type { TopicReference } from '../graph/topology.ts';
import type { Serde } from '../serdes/serde.ts';
import { kindOf } from '../serdes/refusal.ts';
import { checkOptions, checkSerde, checkWhole } from './arguments.ts';
import { refusal } from './refusal.ts';

export interface TopicOptions<V> {
  /** Made with as many, if it does not exist. Left out: the run's default, or what the topic has. */
  readonly partitions?: number;
  /** Kafka's names, such as `{ 'cleanup.policy': 'compact' }`; used when the topic is made. */
  readonly config?: Readonly<Record<string, string>>;
  /** Event time in ms since 1970, from the value. Left out: the record's own timestamp. */
  readonly timestamp?: (value: V) => number;
}

/** What a stream or table of keys `K` and values `V` can be written to. */
export abstract class Sink<in K, in V> {
  /** Never there: it tells the compiler that a sink for wider types takes narrower ones, and not the other way round. */
  declare readonly accepts: (key: K, value: V) => void;
  readonly reference: TopicReference;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the types stand in `accepts`
  readonly slot: TopicSlot<any, any>;

  constructor(reference: TopicReference, slot: TopicSlot) {
    this.reference = Object.freeze(reference);
    this.slot = Object.freeze(slot);
  }
}

/**
 * A topic as topologies name it: a stream of it has values `V`, a table of it has rows `Row`. They differ where the topic
 * carries changes (see `debezium`).
 */
export class Topic<in out K, in out V, in out Row = V> extends Sink<K, V> {
  /** Never there: holds the types. */
  declare readonly carries: (key: K, value: V, row: Row) => [K, V, Row];
  /** How rows follow from values; `undefined`: the value is the row. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the types stand in `carries`
  readonly row: RowSlot<any, any> | undefined;

  constructor(reference: TopicReference, slot: TopicSlot, row?: RowSlot) {
    super(reference, slot);
    this.row = row;
  }

  /** Its key serde: what is written under the same key with the same serde lies in the same partition, in the same order. */
  get key(): Serde<K> {
    return this.slot.key as Serde<K>;
  }
}

/** A topic to read from or to write to. @throws TopologyError `TOPO_NAME_INVALID` */
export function topic<K, V>(name: string, key: Serde<K>, value: Serde<V>, options: TopicOptions<V> = {}): Topic<K, V> {
  checkOptions(`topic '${name}'`, options, ['partitions', 'config', 'timestamp'], { topic: name });
  const { timestamp } = options;
  if (timestamp !== undefined && typeof timestamp !== 'function')
    throw refusal(
      'TOPO_GRAPH_INVALID',
      `the timestamp of topic '${name}' is a function of the value that returns ms since 1970, not ${kindOf(timestamp)}.`,
      { topic: name },
    );
  const slot: TopicSlot<K, V> = { key, value, ...(timestamp && { timestamp }) };
  return new Topic<K, V>(referenceOf(name, key, value, options), slot as TopicSlot);
}

/** @throws TopologyError where a topic cannot be as it is declared */
export function referenceOf(
  name: string,
  key: Serde<unknown>,
  value: Serde<unknown>,
  { partitions, config }: Pick<TopicOptions<never>, 'partitions' | 'config'>,
): TopicReference {
  checkTopicName(name, { topic: name });
  checkSerde(`the key of topic '${name}'`, key, { topic: name });
  checkSerde(`the value of topic '${name}'`, value, { topic: name });
  if (partitions !== undefined) checkWhole(`partitions of topic '${name}'`, partitions, 1, { topic: name });
  return {
    name,
    ...(partitions !== undefined && { partitions }),
    ...(config && { config }),
    key: key.description,
    value: value.description,
  };
}
