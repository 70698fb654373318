import type { Windowed } from '../serdes/windowed.ts';
import type { Serde } from '../serdes/serde.ts';
import type { FieldAggregator, ResultOf } from './aggregators.ts';
import type { CustomAggregator, CustomSessionAggregator } from './custom-aggregator.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { aggregateStep, aggregatorOf, counter, reducerOf, summer } from './grouped.ts';
import type { Table } from './table.ts';
import { checkWindow } from './window-steps.ts';
import type { SessionWindow, Window } from './window.ts';

/** An aggregator of the user's own, for these windows. */
export type CustomAggregatorFor<W extends Window, V, State, Result> = W extends SessionWindow
  ? CustomSessionAggregator<V, State, Result>
  : CustomAggregator<V, State, Result>;

/**
 * A stream whose records meet by key and window. Its aggregates are tables of a row a key and window, under a windowed key
 * (`{ key, start, end }`, written by `windowed(key)`). A row is removed from the table's store when its window is closed, which
 * no record says: a table that keeps the rows is `….toStream().toTable('kept')`.
 *
 * Null keys and null values are counted and skipped; so are late records, once for each window that was closed.
 */
export class WindowedStream<in out K, in out V, W extends Window = Window> {
  readonly [FLOW]: Flow;
  readonly #window: W;

  constructor(flow: Flow, window: W) {
    this[FLOW] = flow;
    this.#window = checkWindow(flow, window);
  }

  count(name: string, options?: StoreOptions): Table<Windowed<K>, number> {
    return this.#aggregate(name, counter(), options);
  }

  /** As the aggregator `sum`: exact, of numbers or of bigints. */
  sum(name: string, fn: (value: V) => bigint, options?: StoreOptions): Table<Windowed<K>, bigint>;
  sum(name: string, fn: (value: V) => number, options?: StoreOptions): Table<Windowed<K>, number>;
  sum(name: string, fn: (value: V) => number | bigint, options?: StoreOptions): unknown {
    return this.#aggregate(name, summer(this[FLOW], name, fn), options);
  }

  /**
   * Folds the values of a key and window into one of their type; sessions that become one fold the later result into the earlier.
   * A null result deletes the row. `serde` where the stream's is unknown.
   */
  reduce(
    name: string,
    add: (state: V, value: V) => V | null,
    serde?: Serde<V>,
    options?: StoreOptions,
  ): Table<Windowed<K>, V> {
    return this.#aggregate(name, reducerOf(this[FLOW], name, [add], serde), options);
  }

  /**
   * Aggregators composed in one object, `{ open: count(isOpen), cents: sum(amount) }`, one alone, or one of your own. One of your
   * own on sessions has a `merge`.
   */
  aggregate<R, Fields extends Readonly<Record<string, FieldAggregator<V, unknown>>>>(
    name: string,
    aggregators: FieldAggregator<V, R> | Fields,
    options?: StoreOptions,
  ): Table<Windowed<K>, ResultOf<R, Fields>>;
  aggregate<State, Result = State>(
    name: string,
    aggregator: CustomAggregatorFor<W, V, State, Result>,
    options?: StoreOptions,
  ): Table<Windowed<K>, Result>;
  aggregate(name: string, aggregator: unknown, options?: StoreOptions): unknown {
    return this.#aggregate(name, aggregatorOf(this[FLOW], name, aggregator), options);
  }

  #aggregate<R>(
    name: string,
    aggregator: ReturnType<typeof counter>,
    options: StoreOptions = {},
  ): Table<Windowed<K>, R> {
    const step = aggregateStep(this[FLOW], name, { aggregator, table: false, window: this.#window, options });
    return this[FLOW].draft.build.table(step);
  }
}
