import type { RecordContext } from '../graph/functions.ts';
import type { TransformNode } from '../graph/topology.ts';
import type { Serde } from '../serdes/serde.ts';
import { checkName, unfitting } from './arguments.ts';
import { FLOW } from './flow.ts';
import type { Flow, JoinsAsTable, SerdeFor, StepOptions, StoreOptions, ValueFunction } from './flow.ts';
import { foreignKeyJoin } from './foreign-key-join.ts';
import type { GroupedTable } from './grouped-table.ts';
import type { AnyErrorOptions, ErrorOptions } from './on-error.ts';
import { sinkStep } from './sink.ts';
import { keyStep, redeclare, transformStep } from './steps.ts';
import type { Stream } from './stream.ts';
import { tableJoinStep } from './table-join.ts';
import { suppressStep } from './suppress.ts';
import type { SuppressOptions } from './suppress.ts';
import type { Sink } from './topic.ts';

/**
 * The last value of each key, kept up to date. What travels are changes, each with the row before and after it, so that
 * aggregates behind it can take the old one out again.
 */
export class Table<in out K, in out V> {
  /** Never there: first, so that the compiler names them first where those of two tables differ. */
  declare readonly keyType: K;
  declare readonly rowType: V;
  declare readonly joins: JoinsAsTable['joins'];
  readonly [FLOW]: Flow;

  constructor(flow: Flow) {
    this[FLOW] = flow;
  }

  /** Keeps the rows that pass; a row that no longer passes is deleted. */
  filter<W extends V>(
    predicate: (row: V, record: RecordContext<K>) => row is W,
    options?: ErrorOptions<K, V, boolean>,
  ): Table<K, W>;
  filter(predicate: ValueFunction<K, V, boolean>, options?: ErrorOptions<K, V, boolean>): Table<K, V>;
  filter(predicate: ValueFunction<K, V, boolean>, options?: ErrorOptions<K, V, boolean>): Table<K, V> {
    return this.#transform('filter', predicate, options);
  }

  /** Another row under the same key. `fn` sees the old row and the new one, so it depends on nothing but its arguments. */
  map<R>(fn: ValueFunction<K, V, R>, options?: ErrorOptions<K, V, NoInfer<R>>): Table<K, R> {
    return this.#transform('map', fn, options);
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
  groupBy<K2>(
    name: string,
    fn: ValueFunction<K, V, K2>,
    key?: Serde<K2>,
    options?: StepOptions<K, V, NoInfer<K2>>,
  ): GroupedTable<K2, V> {
    return this[FLOW].draft.build.groupedTable(
      keyStep(this[FLOW], name, { fn, key, what: 'a groupBy', table: true, options }),
    );
  }

  /**
   * Joins each row with the row of `other` that it refers to: `claims.join('with-policy', policies, claim => claim.policyId,
   * (claim, policy) => …)`. The result has this table's keys, and changes with either side; it has no row where there is no
   * other row (KIP-213). Both functions depend on nothing but their arguments. A null foreign key is counted and dropped.
   *
   * Rows pass through two topics, `<topology>-<name>-subscription-repartition` to where the other rows lie and
   * `…-response-repartition` back; the tables need not have one partition count. A change that is overtaken by the next one
   * of its row on that way gives no result of its own. A failing `fn` fails the answer, and the result stays as it was.
   */
  join<K2, T, R>(
    name: string,
    other: JoinsAsTable & Table<K2, T>,
    foreignKey: ValueFunction<K, V, NoInfer<K2> | null>,
    fn: (row: V, other: T) => R,
    options?: Pick<StoreOptions, 'onDrop' | 'onError'>,
  ): Table<K, R>;
  /**
   * Joins each row with the row of `other` under the same key. A change of either changes the result, which has the later of their
   * timestamps. The result is not stored: its rows are made again where they are looked up, so `fn` depends on nothing but its
   * arguments. One change that reaches both sides, as where a table is joined with itself, gives one change of the result.
   */
  join<T, R>(
    name: string,
    other: JoinsAsTable & Table<K, T>,
    fn: (row: V, other: T) => R,
    options?: ErrorOptions<K, unknown, NoInfer<R>>,
  ): Table<K, R>;
  join<R>(name: string, other: { readonly [FLOW]: Flow }, ...rest: readonly unknown[]): Table<K, R> {
    return this.#join(name, other, rest, { left: false, right: false });
  }

  /** As `join`, but a row whose other row is not there, or that refers to none, is handed to `fn` with null. */
  leftJoin<K2, T, R>(
    name: string,
    other: JoinsAsTable & Table<K2, T>,
    foreignKey: ValueFunction<K, V, NoInfer<K2> | null>,
    fn: (row: V, other: T | null) => R,
    options?: Pick<StoreOptions, 'onDrop' | 'onError'>,
  ): Table<K, R>;
  /** As `join` by the same key, but a row without another is handed to `fn` with null. */
  leftJoin<T, R>(
    name: string,
    other: JoinsAsTable & Table<K, T>,
    fn: (row: V, other: T | null) => R,
    options?: ErrorOptions<K, unknown, NoInfer<R>>,
  ): Table<K, R>;
  leftJoin<R>(name: string, other: { readonly [FLOW]: Flow }, ...rest: readonly unknown[]): Table<K, R> {
    return this.#join(name, other, rest, { left: true, right: false });
  }

  /** As `leftJoin`, and rows of `other` that meet none are handed to `fn` too: never both are null. */
  outerJoin<T, R>(
    name: string,
    other: JoinsAsTable & Table<K, T>,
    fn: (row: V | null, other: T | null) => R,
    options?: ErrorOptions<K, unknown, NoInfer<R>>,
  ): Table<K, R> {
    return this.#join(name, other, [fn, options], { left: true, right: true });
  }

  /**
   * Holds the changes of a row back for a time and hands on the last of them: fewer changes, the same rows in the end. To wait for
   * the close of windows, give those `emit: 'final'`.
   */
  suppress(name: string, options: SuppressOptions): Table<K, V> {
    return this[FLOW].draft.build.table(suppressStep(this[FLOW], name, options));
  }

  /** Writes each change to a topic: the new row, a tombstone for a deleted one. */
  to(sink: Sink<K, V>, options?: ErrorOptions<K, V | null, never>): void {
    sinkStep(transformStep(this[FLOW], 'toStream', { slots: {}, table: false }), sink, options);
  }

  #join<R>(
    name: string,
    other: unknown,
    rest: readonly unknown[],
    keeps: { readonly left: boolean; readonly right: boolean },
  ): Table<K, R> {
    const { build } = this[FLOW].draft;
    checkName(this[FLOW], name);
    if (!(other instanceof Table)) throw unfitting(this[FLOW], `join '${name}' of a table`, 'a table', other);
    if (typeof rest[1] !== 'function') {
      const [fn, options] = rest as [unknown, AnyErrorOptions?];
      return build.table(tableJoinStep(this[FLOW], name, { other, fn, options, ...keeps }));
    }
    if (keeps.right)
      throw this[FLOW].draft.error(
        'TOPO_GRAPH_INVALID',
        `outerJoin '${name}' takes no foreign key: it joins rows under the same key. join and leftJoin take one.`,
      );
    const [foreignKey, fn, options] = rest as [unknown, unknown, Pick<StoreOptions, 'onDrop' | 'onError'>?];
    return build.table(foreignKeyJoin(this[FLOW], name, other, { foreignKey, fn, left: keeps.left, options }));
  }

  #transform<R>(op: TransformNode['op'], fn: unknown, options: AnyErrorOptions | undefined): Table<K, R> {
    return this[FLOW].draft.build.table(transformStep(this[FLOW], op, { slots: { fn }, table: true, options }));
  }
}
