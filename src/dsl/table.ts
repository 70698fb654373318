import type { RecordContext } from '../graph/functions.ts';
import type { TransformNode } from '../graph/topology.ts';
import type { Serde } from '../serdes/serde.ts';
import { FLOW } from './flow.ts';
import type { Flow, SerdeFor, ValueFunction } from './flow.ts';
import type { GroupedTable } from './grouped-table.ts';
import { keyStep, redeclare, sinkStep, transformStep } from './steps.ts';
import type { Stream } from './stream.ts';
import type { Sink } from './topic.ts';

/**
 * The last value of each key, kept up to date. What travels are changes, each with the row before and after it, so that
 * aggregates behind it can take the old one out again.
 */
export class Table<in out K, in out V> {
  readonly [FLOW]: Flow;

  constructor(flow: Flow) {
    this[FLOW] = flow;
  }

  /** Keeps the rows that pass; a row that no longer passes is deleted. */
  filter<W extends V>(predicate: (row: V, record: RecordContext<K>) => row is W): Table<K, W>;
  filter(predicate: ValueFunction<K, V, boolean>): Table<K, V>;
  filter(predicate: ValueFunction<K, V, boolean>): Table<K, V> {
    return this.#transform('filter', predicate);
  }

  /** Another row under the same key. `fn` sees the old row and the new one, so it depends on nothing but its arguments. */
  map<R>(fn: ValueFunction<K, V, R>): Table<K, R> {
    return this.#transform('map', fn);
  }

  /** The same rows with declared serdes, for the steps behind that write them down. */
  as<W>(value: SerdeFor<V, W>): Table<K, W>;
  as<W = V>(serdes: { readonly key?: SerdeFor<K, K>; readonly value?: SerdeFor<V, W> }): Table<K, W>;
  as<W>(serdes: unknown): Table<K, W> {
    return this[FLOW].draft.build.table(redeclare(this[FLOW], serdes));
  }

  /** The table's changes as a stream: each new row, null for a deleted one. */
  toStream(): Stream<K, V | null> {
    const { build } = this[FLOW].draft;
    return build.stream(transformStep(this[FLOW], 'toStream', { slots: {}, table: false }));
  }

  /**
   * Groups the rows by what `fn` returns. When a row changes group, its old group loses it and its new one gains it. Rows
   * pass, old and new, through the topic `<topology>-<name>-repartition`.
   */
  groupBy<K2>(name: string, fn: ValueFunction<K, V, K2>, key?: Serde<K2>): GroupedTable<K2, V> {
    return this[FLOW].draft.build.groupedTable(keyStep(this[FLOW], name, { fn, key, what: 'a groupBy', table: true }));
  }

  /** Writes each change to a topic: the new row, a tombstone for a deleted one. */
  to(sink: Sink<K, V>): void {
    sinkStep(transformStep(this[FLOW], 'toStream', { slots: {}, table: false }), sink);
  }

  #transform<R>(op: TransformNode['op'], fn: unknown): Table<K, R> {
    return this[FLOW].draft.build.table(transformStep(this[FLOW], op, { slots: { fn }, table: true }));
  }
}
