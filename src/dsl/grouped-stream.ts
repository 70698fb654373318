import type { Serde } from '../serdes/serde.ts';
import type { FieldAggregator, ResultOf } from './aggregators.ts';
import { CogroupedStream } from './cogrouped-stream.ts';
import type { Beside } from './cogrouped-stream.ts';
import type { CustomAggregator } from './custom-aggregator.ts';
import { CustomCogroupedStream } from './custom-cogrouped-stream.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { aggregateStep, aggregatorOf, counter, reducerOf, summer } from './grouped.ts';
import type { Table } from './table.ts';
import type { Window } from './window.ts';
import { WindowedStream } from './windowed-stream.ts';

/**
 * A stream whose records meet by key. Its aggregates give running results: a row a key, updated and handed on with each
 * record. Null keys and null values are counted and skipped. The aggregate's name is that of its store.
 */
export class GroupedStream<in out K, in out V> {
  /** Never there: first, so that the compiler names them first where those of two streams differ. */
  declare readonly keyType: K;
  readonly [FLOW]: Flow;

  constructor(flow: Flow) {
    this[FLOW] = flow;
  }

  count(name: string, options?: StoreOptions): Table<K, number> {
    return this.#aggregate(name, counter(), options);
  }

  /** As the aggregator `sum`: exact, of numbers or of bigints. */
  sum(name: string, fn: (value: V) => bigint, options?: StoreOptions): Table<K, bigint>;
  sum(name: string, fn: (value: V) => number, options?: StoreOptions): Table<K, number>;
  sum(name: string, fn: (value: V) => number | bigint, options?: StoreOptions): unknown {
    return this.#aggregate(name, summer(this[FLOW], name, fn), options);
  }

  /** Folds the values of a key into one of their type. A null result deletes the row. `serde` where the stream's is unknown. */
  reduce(name: string, add: (state: V, value: V) => V | null, serde?: Serde<V>, options?: StoreOptions): Table<K, V> {
    return this.#aggregate(name, reducerOf(this[FLOW], name, [add], serde), options);
  }

  /** Aggregators composed in one object, `{ open: count(isOpen), cents: sum(amount) }`, one alone, or one of your own. */
  aggregate<R, Fields extends Readonly<Record<string, FieldAggregator<V, unknown>>>>(
    name: string,
    aggregators: FieldAggregator<V, R> | Fields,
    options?: StoreOptions,
  ): Table<K, ResultOf<R, Fields>>;
  aggregate<State, Result = State>(
    name: string,
    aggregator: CustomAggregator<V, State, Result>,
    options?: StoreOptions,
  ): Table<K, Result>;
  aggregate(name: string, aggregator: unknown, options?: StoreOptions): unknown {
    return this.#aggregate(name, aggregatorOf(this[FLOW], name, aggregator), options);
  }

  /**
   * Aggregates several streams into one table, a row a key: `opened.groupByKey().cogroup({ opened: count() })
   * .and(paid.groupByKey(), { paidCents: sum(p => p.cents) }).aggregate('claim-file')`. Or with a state of one's own, to which
   * each stream's function adds: `.cogroup(addOpened).and(paid.groupByKey(), addPaid).aggregate('claim-file', { init, serde })`.
   */
  cogroup<Fields extends Readonly<Record<string, FieldAggregator<V, unknown>>>>(
    fields: Fields,
  ): CogroupedStream<K, Beside<Fields>>;
  cogroup<State>(add: (state: State, value: V) => State | null): CustomCogroupedStream<K, State>;
  cogroup(given: unknown): unknown {
    const part = { flow: this[FLOW], given };
    return typeof given === 'function' ? new CustomCogroupedStream([part]) : new CogroupedStream([part]);
  }

  /** Aggregates a key's records by window: `tumbling('1 h')`, `hopping`, `sliding` or `session`. */
  window<W extends Window>(window: W): WindowedStream<K, V, W> {
    return new WindowedStream(this[FLOW], window);
  }

  #aggregate<R>(name: string, aggregator: ReturnType<typeof counter>, options: StoreOptions = {}): Table<K, R> {
    return this[FLOW].draft.build.table(aggregateStep(this[FLOW], name, { aggregator, table: false, options }));
  }
}
