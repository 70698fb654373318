import type { SerdeDescription } from '../serdes/serde.ts';
import type { ErrorPolicy } from './error-policy.ts';

/**
 * A topology as plain data: `nodes` is JSON, in declaration order, inputs before the nodes that read them.
 * `functions` holds what JSON cannot: the user's code and the serdes, by node and slot. Every node may have an `onError`
 * (`ErrorPolicy`).
 */
export interface Topology {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly functions: Functions;
  /** What happens to units that cannot be processed, of steps whose `onError` slot says nothing. */
  readonly onError?: ErrorPolicy;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the builders have checked the types; the runtime only calls
export type Slots = Readonly<Record<string, any>>;
export type Functions = Readonly<Record<string, Slots>>;

export type Node = SourceNode | GlobalNode | TransformNode | KeyNode | ProcessorNode | SinkNode | RxNode;
export type NodeKind = Node['kind'];

/** A topic as a topology names it. */
export interface TopicReference {
  readonly name: string;
  /** Only where the file says so; else the broker's count, or the run's default when the topic is created. */
  readonly partitions?: number;
  readonly config?: Readonly<Record<string, string>>;
  readonly key: SerdeDescription;
  readonly value: SerdeDescription;
}

interface NodeCommon {
  /** Unique in the topology. The user's name for a durable step; `filter`, `filter-2` … for the others. */
  readonly id: string;
  /** Ids of the nodes this one reads, in order. */
  readonly inputs: readonly string[];
  /** What happens to records that the step drops, besides being counted. Default: what the run says. */
  readonly onDrop?: 'count' | 'dead-letter';
  /** The step that it is a part of: to people the two are one. */
  readonly partOf?: string;
}

/**
 * One topic, read once, whatever reads it: its stream and its table are branches of this node. Its id is the topic's name.
 * Slots: `topic` (`TopicSlot`).
 */
export interface SourceNode extends NodeCommon {
  readonly kind: 'source';
  readonly topic: TopicReference;
  /** A table that is read to the end seen at the first start before any stream record of its tasks is taken. */
  readonly readFirst: boolean;
}

/**
 * A topic that every task sees whole: its rows are looked up by any key, wherever they lie. Its id is the table's name. No record
 * of it reaches another node. Slots: `topic` (`TopicSlot`), `row` (`RowSlot`).
 */
export interface GlobalNode extends NodeCommon {
  readonly kind: 'global';
  readonly topic: TopicReference;
}

/**
 * A stateless step. On a table (`table: true`) it works on the old and the new value alike.
 *
 * | op | slots | what it does |
 * |---|---|---|
 * | values | | the stream of a source: counts null values as `tombstone` and skips them (not with `tombstones: true`) |
 * | filter | fn | |
 * | map | fn | the value; never the key |
 * | flatMap | fn | an iterable of values |
 * | peek | fn | |
 * | merge | | several inputs |
 * | split | fns: predicates in order of `branches` | hands a record to the first `branch` whose predicate holds |
 * | branch | | one output of its `split` input |
 * | toStream | | the changes of a table, as a stream; a deleted row is null |
 */
export interface TransformNode extends NodeCommon {
  readonly kind: 'transform';
  readonly op: 'values' | 'filter' | 'map' | 'flatMap' | 'peek' | 'merge' | 'split' | 'branch' | 'toStream';
  readonly table: boolean;
  /** op `values`: null values are handed on. */
  readonly tombstones?: boolean;
  /** op `split`: the branches' names. */
  readonly branches?: readonly string[];
  /** op `branch`: which one. */
  readonly branch?: string;
}

/**
 * Changes the key: `keyBy` and `groupBy`. Slots: `fn`, and `key`, `value` (serdes) where they are known.
 * A topic `<topology>-<id>-repartition` is made behind it if a consumer needs the key's partitioning; all consumers read that one.
 */
export interface KeyNode extends NodeCommon {
  readonly kind: 'key';
  /** Carries a table's changes, old and new value. */
  readonly table: boolean;
  readonly key?: SerdeDescription;
  readonly value?: SerdeDescription;
  readonly partitions?: number;
  /** The topic is made whether a consumer needs it or not (`repartition`). */
  readonly always?: boolean;
}

/** A store of a processor. Its changelog is `<topology>-<name>-changelog`; its name is the step's unless the step has several. */
export interface StoreReference {
  readonly name: string;
  readonly key: SerdeDescription;
  readonly value: SerdeDescription;
  /** The name it had in an earlier version of the topology. */
  readonly renamedFrom?: string;
}

/**
 * A step that reads or keeps state. All inputs and looked-up tables must be partitioned by its key.
 *
 * | processor | inputs | slots | store |
 * |---|---|---|---|
 * | table | a source | row (`RowSlot`) | rows |
 * | toTable | a stream | row (`RowSlot`, its `toRow` the identity) | rows |
 * | versionedTable | a source | row (`RowSlot`); options `retentionMs`, `sliceMs` | rows, their history |
 * | join | a stream | fn(value, tableValue, record); `tables`: one id; options `left` | none: it looks up that table |
 * | mapAsync | a stream | fn(value, call), key, value (serdes); options `concurrency`, `order`, `timeoutMs` (0: none), `retries`, `backoffMs` | records whose calls are to be made or under way |
 * | graceJoin | a stream | as join, its table versioned; key, value (serdes); options `left`, `graceMs` | waiting records |
 * | tableJoin | two tables, its `tables` too | fn(left, right), key (serde); options `left`, `right` (a row without the other is kept) | none |
 * | streamJoin | left and right stream | fn(left, right, record), left, right and key (serdes); options `left`, `right` (reported without a partner), `beforeMs`, `afterMs`, `graceMs`, `bucketMs` | waiting records of the left, of the right |
 * | globalJoin | a stream | keyOf(value, record), fn(value, row, record), key (serde of the row's key); `tables`: a `global` node; options `left` | none |
 * | aggregate | streams | aggregator (`Aggregator`); adds (its `add` by input) where there are several | the aggregator's state |
 * | timeWindow | streams | as aggregate, key (serde of the windowed key); options `sizeMs`, `everyMs`, `graceMs`, `emit` | the state by windowed key |
 * | slidingWindow | streams | the same; options `differenceMs`, `graceMs`, `emit` | windows that start in one stretch of time |
 * | sessionWindow | streams | the same, the aggregator with `merge`; options `gapMs`, `graceMs`, `emit` | open sessions of a key |
 * | suppress | a table | row, key (serdes); options `limitMs`, `maxRecords`? | changes that wait, how many there are |
 * | aggregateTable | changes of a `key` node with `table` | aggregator (`Aggregator`) with `subtract` | the aggregator's state |
 * | foreignKey | a table | fn(value, record), key (serde of the foreign key), left (serde) | version and foreign key of each row |
 * | foreignKeySubscribers | subscriptions by foreign key, a table (also in `tables`) | right (serde); options `left` | the left rows of each foreign key |
 * | foreignKeyJoin | answers, what `foreignKey` hands on; `tables`: that node | fn(left, right), kept (`KeptSlot` of `Answer`s); options `left` | both values of each row |
 * | process, scan, distinctUntilChanged, pairwise, bufferCount, bufferTime, debounceTime, throttleTime | a stream | process (`ProcessSlot`); options `nullValues` (false: they are dropped) | its own; timers by stream time; timers by the clock |
 * | dedupe | a stream | by(value, record); options `withinMs` | ids that keys had, without values |
 */
export interface ProcessorNode extends NodeCommon {
  readonly kind: 'processor';
  readonly processor: string;
  /** Its output is a table: old and new values are handed on. */
  readonly table: boolean;
  readonly stores: readonly StoreReference[];
  /** Tables it looks up, by node id; their nodes run in the same tasks, unless they are `global`. */
  readonly tables: readonly string[];
  /** It does with each record what it does, in whichever partition that lies: equal keys need not be together. */
  readonly anyPartition?: true;
  /** What the processor needs to know besides, e.g. `{ left: true }`. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

/** Slots: `topic` (`TopicSlot`). */
export interface SinkNode extends NodeCommon {
  readonly kind: 'sink';
  readonly topic: TopicReference;
}

/** Real RxJS operators, subscribed from commit to commit. Slots: `operators`, and `key` (serde) where it is known. */
export interface RxNode extends NodeCommon {
  readonly kind: 'rx';
}
