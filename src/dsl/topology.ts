import { sameSerde } from '../graph/serde-name.ts';
import type { RowSlot } from '../graph/functions.ts';
import type { Topology } from '../graph/topology.ts';
import { Draft } from './draft.ts';
import type { Step } from './draft.ts';
import { checkOptions, isTopic, STORE_OPTIONS } from './arguments.ts';
import { positiveMilliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import type { Builders, StoreOptions } from './flow.ts';
import { GlobalTable } from './global-table.ts';
import { GroupedStream } from './grouped-stream.ts';
import { GroupedTable } from './grouped-table.ts';
import { errorPolicy } from './on-error.ts';
import type { OnError } from './on-error.ts';
import { processorStep, transformStep } from './steps.ts';
import { refusal } from './refusal.ts';
import { StreamKey } from './stream-key.ts';
import { Stream } from './stream.ts';
import { Table } from './table.ts';
import type { Topic } from './topic.ts';
import { versions } from './versions.ts';
import { VersionedTable } from './versioned-table.ts';

/**
 * Writes a topology: `build` declares its steps on `t`. The name is the consumer group and the front of its topics' names, so
 * it is for good; a topology by another name starts from nothing.
 *
 * @throws TopologyError where the graph cannot run: before a record is read
 */
export function topology(name: string, options: TopologyOptions, build: (t: TopologyBuilder) => void): Topology;
export function topology(name: string, build: (t: TopologyBuilder) => void): Topology;
export function topology(name: string, ...rest: readonly unknown[]): Topology {
  const [options, build] = (rest.length > 1 ? rest : [{}, ...rest]) as [TopologyOptions, (t: TopologyBuilder) => void];
  checkOptions(`topology '${name}'`, options, ['onError'], { topology: name });
  const draft = new Draft(name, builders, options.onError);
  const returned: unknown = build(new TopologyBuilder(draft));
  if (returned instanceof Promise)
    throw refusal(
      'TOPO_GRAPH_INVALID',
      `topology '${name}' is built by an async function: load what it needs first, then declare its steps at once.`,
      { topology: name },
    );
  return draft.finish();
}

export interface TopologyOptions {
  /** What happens to records that steps without an `onError` of their own cannot process. Default `dead-letter`. */
  readonly onError?: OnError;
}

const builders: Builders = {
  stream: flow => new Stream(flow),
  table: flow => (flow.versionedMs === undefined ? new Table(flow) : new VersionedTable(flow)),
  groupedStream: flow => new GroupedStream(flow),
  groupedTable: flow => new GroupedTable(flow),
};

export interface StreamOptions {
  /** What happens to a record of the topic that cannot be read. Default: what the run says, else the topology. */
  readonly onError?: OnError;
}

export interface TableOptions extends StoreOptions {
  /**
   * Read the table to the end seen at the topology's first start before a stream record is taken. Snapshots carry the time of
   * their capture, so without it the first records of a stream find nothing to join.
   */
  readonly readFirst?: boolean;
  /**
   * For how long the table knows what its rows were before: it is a `VersionedTable` then. Its last value by timestamp wins; what
   * is older than its stream time by more than this is dropped as late.
   */
  readonly versioned?: Duration;
}

/** A topic that the topology reads, once, whatever reads it. */
interface Source {
  readonly step: Step;
  readonly key: StreamKey;
  readonly topic: Topic<never, never, never>;
  readonly streams: Map<boolean, Stream<never, never>>;
  readFirst: boolean;
  onError: unknown;
}

/** Where a topology starts: the `t` of `topology(name, t => …)`. */
export class TopologyBuilder {
  readonly #draft: Draft;
  readonly #sources = new Map<string, Source>();

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** A topic's values as they come. Null values are counted and skipped, unless `tombstones` asks for them. */
  stream<K, V, Row>(topic: Topic<K, V, Row>, options?: StreamOptions & { readonly tombstones?: false }): Stream<K, V>;
  stream<K, V, Row>(
    topic: Topic<K, V, Row>,
    options: StreamOptions & { readonly tombstones: boolean },
  ): Stream<K, V | null>;
  stream<K, V, Row>(
    topic: Topic<K, V, Row>,
    options: StreamOptions & { readonly tombstones?: boolean } = {},
  ): Stream<K, V | null> {
    this.#checkTopic('stream', topic);
    checkOptions(`stream of topic ${topic.reference.name}`, options, ['tombstones', 'onError'], {
      topology: this.#draft.name,
    });
    const { tombstones = false, onError } = options;
    const source = this.#source(topic, onError);
    const known = source.streams.get(tombstones);
    if (known) return known as unknown as Stream<K, V | null>;
    const { step, key } = source;
    const flow = { draft: this.#draft, step, key, value: topic.slot.value };
    const node = tombstones ? { tombstones } : {};
    const stream = new Stream<K, V | null>(transformStep(flow, 'values', { slots: {}, table: false, node }));
    source.streams.set(tombstones, stream as unknown as Stream<never, never>);
    this.#checkReading(source);
    return stream;
  }

  /** A topic's last row for each key, in a store by this name. A null value deletes the row. */
  table<K, V, Row>(
    name: string,
    topic: Topic<K, V, Row>,
    options: TableOptions & { readonly versioned: Duration },
  ): VersionedTable<K, Row>;
  table<K, V, Row>(name: string, topic: Topic<K, V, Row>, options?: TableOptions): Table<K, Row>;
  table<K, V, Row>(name: string, topic: Topic<K, V, Row>, options: TableOptions = {}): Table<K, Row> {
    this.#checkTopic('table', topic, name);
    const place = { topology: this.#draft.name, step: name };
    checkOptions(`'${name}'`, options, ['readFirst', 'versioned', ...STORE_OPTIONS], place);
    const source = this.#source(topic, options.onError);
    source.readFirst ||= options.readFirst ?? false;
    this.#checkReading(source, name);
    const { step, key } = source;
    const row = rowOf(topic);
    const spec = {
      what: 'a table',
      table: true,
      slots: { row },
      storeOptions: options,
      value: row.serde,
      readable: true,
    };
    const flow = { draft: this.#draft, step, key, value: undefined };
    if (options.versioned === undefined)
      return new Table(processorStep(flow, name, { ...spec, processor: 'table', stores: [{ value: row.serde }] }));
    const versionedMs = positiveMilliseconds(options.versioned, `the history of table '${name}'`, place);
    const kept = versions(row.serde, key, versionedMs);
    return new VersionedTable({
      ...processorStep(flow, name, { ...spec, ...kept, processor: 'versionedTable' }),
      versionedMs,
    });
  }

  /**
   * A topic's last row for each key, of all its partitions, in every task: for what is small and joined by many. Streams join it
   * by whatever their records name (`stream.join(name, table, keyOf, fn)`); its changes alone give no output. It is read to its
   * end before the first record of a stream is taken, and kept up to date since, without regard to timestamps.
   *
   * A record of it that cannot be read leaves the row as it was, and is counted as `unreadable` and logged; with `onError: 'stop'`
   * it ends the run. The topology uses the topic for nothing else.
   */
  globalTable<K, V, Row>(name: string, topic: Topic<K, V, Row>): GlobalTable<K, Row> {
    this.#checkTopic('globalTable', topic, name);
    const { reference, slot } = topic;
    const row = rowOf(topic);
    const step = this.#draft.add({
      name,
      durable: true,
      what: 'a globalTable',
      inputs: [],
      node: common => ({ ...common, kind: 'global', topic: reference }),
      slots: () => ({ topic: slot, row }),
    });
    const key = new StreamKey(`topic ${reference.name}`, slot.key);
    return new GlobalTable({ draft: this.#draft, step, key, value: row.serde });
  }

  /** For callers without types. */
  #checkTopic(method: 'stream' | 'table' | 'globalTable', topic: unknown, name?: string): void {
    if (isTopic(topic) && (method === 'stream' || typeof name === 'string')) return;
    const example = method === 'stream' ? 't.stream(claims)' : `t.${method}('claims', claims)`;
    throw this.#draft.error(
      'TOPO_GRAPH_INVALID',
      `${method} takes ${method === 'stream' ? '' : 'its name, then '}a topic: ${example}, where claims = topic('claims', string(), json()).`,
    );
  }

  #source<K, V, Row>(topic: Topic<K, V, Row>, onError: unknown): Source {
    const { reference, slot } = topic;
    const known = this.#sources.get(reference.name);
    if (known) {
      this.#checkSame(known, topic as unknown as Source['topic'], onError);
      if (onError !== undefined && known.onError === undefined) {
        known.onError = onError;
        known.step.onError = errorPolicy(`'${reference.name}'`, onError, { topology: this.#draft.name });
      }
      return known;
    }
    const step = this.#draft.add({
      name: reference.name,
      durable: false,
      what: 'a source',
      inputs: [],
      node: common => ({ ...common, kind: 'source', topic: reference, readFirst: source.readFirst }),
      slots: () => ({ topic: slot }),
      onError,
    });
    const key = new StreamKey(`topic ${reference.name}`, slot.key);
    const source: Source = {
      step,
      key,
      topic: topic as unknown as Source['topic'],
      streams: new Map(),
      readFirst: false,
      onError,
    };
    this.#sources.set(reference.name, source);
    return source;
  }

  /** One source reads a topic, so all declarations of it must agree in what the source does. */
  #checkSame(known: Source, topic: Source['topic'], onError: unknown): void {
    if (onError !== undefined && known.onError !== undefined && known.onError !== onError)
      throw this.#draft.error(
        'TOPO_TOPIC_CONFLICT',
        `topic ${topic.reference.name} is read with two different onError: it is read once, so give both the same.`,
      );
    if (known.topic === topic) return;
    const [a, b] = [known.topic, topic];
    const differs =
      !sameSerde(a.reference.key, b.reference.key) || !sameSerde(a.reference.value, b.reference.value)
        ? 'serdes'
        : a.reference.partitions !== b.reference.partitions
          ? 'partition counts'
          : a.slot.timestamp !== b.slot.timestamp || a.row?.toRow !== b.row?.toRow
            ? 'timestamps or rows'
            : null;
    if (differs === null) return;
    throw this.#draft.error(
      'TOPO_TOPIC_CONFLICT',
      `topic ${a.reference.name} is declared twice, with different ${differs}. Declare it once and use that.`,
    );
  }

  #checkReading({ topic, streams, readFirst }: Source, table?: string): void {
    if (!readFirst || streams.size === 0) return;
    throw this.#draft.error(
      'TOPO_TOPIC_CONFLICT',
      `topic ${topic.reference.name} is read both as a stream and as a table with readFirst: it is read once, so its stream ` +
        `could not wait for its table. Leave out readFirst, or derive the stream from the table with toStream().`,
      table,
    );
  }
}

function rowOf<K, V, Row>(topic: Topic<K, V, Row>): RowSlot {
  return (topic.row as RowSlot | undefined) ?? { serde: topic.slot.value, toRow: (value: unknown) => value };
}
