import type { Serde } from '../serdes/serde.ts';
import type { InvertibleAggregator, ResultOf } from './aggregators.ts';
import type { CustomTableAggregator } from './custom-aggregator.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { aggregateStep, counter, reducerOf, summer, tableAggregatorOf } from './grouped.ts';
import type { Table } from './table.ts';

/**
 * A table whose rows meet by group. An aggregate over it holds what the rows that are there now come to: a changed row is
 * taken out as it was and put in as it is, so every aggregator needs its inverse. A group that lost its last row keeps its
 * aggregate: zeros of `count` and `sum`, an empty array of `collect`; an aggregator that returns null deletes it.
 */
export class GroupedTable<in out K, in out V> {
  readonly [FLOW]: Flow;

  constructor(flow: Flow) {
    this[FLOW] = flow;
  }

  count(name: string, options?: StoreOptions): Table<K, number> {
    return this.#aggregate(name, counter(), options);
  }

  /** As the aggregator `sum`: exact, of numbers or of bigints. */
  sum(name: string, fn: (row: V) => bigint, options?: StoreOptions): Table<K, bigint>;
  sum(name: string, fn: (row: V) => number, options?: StoreOptions): Table<K, number>;
  sum(name: string, fn: (row: V) => number | bigint, options?: StoreOptions): unknown {
    return this.#aggregate(name, summer(this[FLOW], name, fn), options);
  }

  /** Folds the rows of a group into one of their type; `subtract` takes a row out again. A null result deletes the group. */
  reduce(
    name: string,
    add: (state: V, row: V) => V | null,
    subtract: (state: V, row: V) => V | null,
    serde?: Serde<V>,
    options?: StoreOptions,
  ): Table<K, V> {
    return this.#aggregate(name, reducerOf(this[FLOW], name, [add, subtract], serde), options);
  }

  /** Aggregators composed in one object, `{ open: count(isOpen), cents: sum(amount) }`, one alone, or one of your own. */
  aggregate<R, Fields extends Readonly<Record<string, InvertibleAggregator<V, unknown>>>>(
    name: string,
    aggregators: InvertibleAggregator<V, R> | Fields,
    options?: StoreOptions,
  ): Table<K, ResultOf<R, Fields>>;
  aggregate<State, Result = State>(
    name: string,
    aggregator: CustomTableAggregator<V, State, Result>,
    options?: StoreOptions,
  ): Table<K, Result>;
  aggregate(name: string, aggregator: unknown, options?: StoreOptions): unknown {
    return this.#aggregate(name, tableAggregatorOf(this[FLOW], name, aggregator), options);
  }

  #aggregate<R>(name: string, aggregator: ReturnType<typeof counter>, options: StoreOptions = {}): Table<K, R> {
    return this[FLOW].draft.build.table(aggregateStep(this[FLOW], name, { aggregator, table: true, options }));
  }
}
