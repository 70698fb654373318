import type { RecordContext } from '../graph/functions.ts';
import type { TransformNode } from '../graph/topology.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StoreDeclarations } from '../graph/process.ts';
import type { Plain } from '../serdes/identity.ts';
import { checkName, unfitting } from './arguments.ts';
import { dedupeStep } from './dedupe.ts';
import type { Duration } from './duration.ts';
import { FLOW } from './flow.ts';
import type { Flow, JoinsAsStream, JoinsAsTable, SerdeFor, StepOptions, StoreOptions, ValueFunction } from './flow.ts';
import { GlobalTable, globalJoin } from './global-table.ts';
import type { GroupedStream } from './grouped-stream.ts';
import { mapAsyncStep } from './map-async.ts';
import type { CallContext, MapAsyncOptions } from './map-async.ts';
import type { AnyErrorOptions, ErrorOptions } from './on-error.ts';
import { pipeStep } from './pipe.ts';
import type { Pipe } from './pipe.ts';
import type { JoinWindow } from './join-window.ts';
import { processStep } from './process.ts';
import type { ProcessDefinition } from './process.ts';
import { keyStep, mergeStep, redeclare, repartitionStep, splitStep, toTableStep, transformStep } from './steps.ts';
import type { AnyStoreOptions, RepartitionOptions } from './steps.ts';
import { streamJoinStep } from './stream-join.ts';
import { streamTableJoinStep } from './stream-table-join.ts';
import type { GraceOptions } from './stream-table-join.ts';
import { sinkStep } from './sink.ts';
import { Table } from './table.ts';
import type { Sink } from './topic.ts';
import {
  bufferCountStep,
  bufferTimeStep,
  debounceTimeStep,
  distinctStep,
  pairwiseStep,
  scanStep,
  throttleTimeStep,
} from './twins.ts';
import type { Distinction } from './twins.ts';
import type { VersionedTable } from './versioned-table.ts';

/** Null values say nothing to joins and aggregates: they never reach their functions. */
type Present<V> = Exclude<V, null>;

/** The branches of a `split`: a predicate that is a type guard narrows its branch. */
export type Branches<K, V, P> = {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a predicate's type must fit its parameter's
  [Name in keyof P]: P[Name] extends (value: any, ...rest: never[]) => value is infer W ? Stream<K, W> : Stream<K, V>;
};

/**
 * Records of one or more topics on their way. Each method adds a step to the topology and returns the stream behind it; a
 * stream can be read by several steps. Functions get `(value, record)` and see one record at a time, in order per partition.
 *
 * A function that throws, or returns `undefined` where a value is due, fails its record alone: the step's error policy
 * decides, a dead letter by default.
 */
export class Stream<in out K, in out V> {
  /** Never there: first, so that the compiler names them first where those of two streams differ. */
  declare readonly keyType: K;
  declare readonly valueType: V;
  declare readonly joins: JoinsAsStream['joins'];
  readonly [FLOW]: Flow;

  constructor(flow: Flow) {
    this[FLOW] = flow;
  }

  /** Keeps the records whose value passes. A predicate that narrows narrows the stream. */
  filter<W extends V>(
    predicate: (value: V, record: RecordContext<K>) => value is W,
    options?: ErrorOptions<K, V, boolean>,
  ): Stream<K, W>;
  filter(predicate: ValueFunction<K, V, boolean>, options?: ErrorOptions<K, V, boolean>): Stream<K, V>;
  filter(predicate: ValueFunction<K, V, boolean>, options?: ErrorOptions<K, V, boolean>): Stream<K, V> {
    return this.#transform('filter', { fn: predicate }, options);
  }

  /** Another value under the same key. A repartition or store behind it needs the new type's serde: `.as(serde)`. */
  map<R>(fn: ValueFunction<K, V, R>, options?: ErrorOptions<K, V, NoInfer<R>>): Stream<K, R> {
    return this.#transform('map', { fn }, options);
  }

  /** Any number of values under the same key, in the iterable's order. */
  flatMap<R>(fn: ValueFunction<K, V, Iterable<R>>, options?: ErrorOptions<K, V, Iterable<NoInfer<R>>>): Stream<K, R> {
    return this.#transform('flatMap', { fn }, options);
  }

  /** Looks at each record and hands it on. An effect on the outside may happen again after a crash. */
  peek(fn: ValueFunction<K, V, void>, options?: ErrorOptions<K, V, never>): Stream<K, V> {
    return this.#transform('peek', { fn }, options);
  }

  /**
   * The result of an asynchronous function, under the same key, timestamp and headers: for I/O. Calls are kept in the step's
   * store until their results are handed on; commits do not wait for them. A call may be made again after a crash, its result is
   * handed on once. One that has failed for good dead-letters the value it was made for.
   *
   * Where more than 4 × `concurrency` records wait, the task takes no further ones.
   */
  mapAsync<R>(
    name: string,
    fn: (value: V, call: CallContext<K>) => Promise<R>,
    options: MapAsyncOptions<K, V, NoInfer<R>> = {},
  ): Stream<K, R> {
    return this[FLOW].draft.build.stream(mapAsyncStep(this[FLOW], name, fn, options));
  }

  /**
   * Gives each record the key that `fn` returns. Where a step behind it needs equal keys together (a join, an aggregate), the
   * records pass through the topic `<topology>-<name>-repartition`, one for all such steps. A join brings the key's serde;
   * where none does, `key` gives it.
   */
  keyBy<K2>(
    name: string,
    fn: ValueFunction<K, V, K2>,
    key?: Serde<K2>,
    options?: StepOptions<K, V, NoInfer<K2>>,
  ): Stream<K2, V> {
    return this[FLOW].draft.build.stream(
      keyStep(this[FLOW], name, { fn, key, what: 'a keyBy', table: false, options }),
    );
  }

  /**
   * The same records by way of the topic `<topology>-<name>-repartition`: with its own partition count, so that what follows runs
   * in as many tasks; or partitioned by key again, where the topic in front is not.
   */
  repartition(name: string, options?: RepartitionOptions): Stream<K, V> {
    return this[FLOW].draft.build.stream(repartitionStep(this[FLOW], name, options));
  }

  /** The records of both, each side in its own order, without an order between them. */
  merge(...others: readonly Stream<K, V>[]): Stream<K, V> {
    for (const other of others) if (!(other instanceof Stream)) throw unfitting(this[FLOW], 'merge', 'streams', other);
    const flows = others.map(other => other[FLOW]);
    return this[FLOW].draft.build.stream(mergeStep(this[FLOW], flows));
  }

  /**
   * Hands each record to the first branch whose predicate holds, in the object's order; to none where none does.
   * `const { open, closed } = stream.split({ open: isOpen, closed: () => true })`
   */
  split<P extends Record<string, ValueFunction<K, V, boolean>>>(
    predicates: P,
    options?: ErrorOptions<K, V, never>,
  ): Branches<K, V, P> {
    const { build } = this[FLOW].draft;
    const branches = splitStep(this[FLOW], predicates, options).map(([name, flow]) => [name, build.stream<K, V>(flow)]);
    return Object.fromEntries(branches) as Branches<K, V, P>;
  }

  /**
   * The same records with declared serdes, for the steps behind that write them down. Directly behind `keyBy`, the values of
   * its repartition are written so too.
   */
  as<W>(value: SerdeFor<Present<V>, W>): Stream<K, W | Extract<V, null>>;
  as<W = V>(serdes: {
    readonly key?: SerdeFor<K, K>;
    readonly value?: SerdeFor<Present<V>, W>;
  }): Stream<K, W | Extract<V, null>>;
  as<W>(serdes: unknown): Stream<K, W> {
    return this[FLOW].draft.build.stream(redeclare(this[FLOW], serdes));
  }

  /**
   * Real RxJS operators over `{ key, value, timestamp, headers }`, one subscription a task. They may drop, change, merge or delay
   * records, and emit under any key of the stream's type; what they emit stays in its task, so that a step behind them that needs
   * equal keys together (a join, an aggregate) takes a `.repartition('a-name')` or a `keyBy` in front.
   *
   * At each commit the source completes, so that what the operators hold comes out, and they start afresh with the next record:
   * buffers and windows end at a commit, and state does not last. `({ scheduler }) => bufferTime(1000, scheduler)` gives an
   * operator the task's clock. Records that come out later than the one that led to them are in the order they come out in; each
   * is written once, also after a crash. An error in the operators or behind them fails the record that led to it, alone.
   */
  get pipe(): Pipe<K, V> {
    const { build } = this[FLOW].draft;
    return <W>(...operators: readonly unknown[]) => build.stream<K, W>(pipeStep(this[FLOW], operators));
  }

  /**
   * Joins each record with the row that the table has for its key at that moment, or had at the record's time where the table is
   * versioned; a record without one gives no result. Changes of the table alone give no output.
   */
  join<T, R>(
    name: string,
    table: JoinsAsTable & Table<K, T>,
    fn: (value: Present<V>, row: T, record: RecordContext<K>) => R,
    options?: StepOptions<K, Present<V>, NoInfer<R>>,
  ): Stream<K, R>;
  /**
   * Joins each record with the row that a versioned table had for its key at the record's time. It waits for that in the step's
   * store until the stream's time has passed it by the grace; records go on in order of their time. One that comes later than
   * that is joined at once.
   */
  join<T, R>(
    name: string,
    table: VersionedTable<K, T>,
    fn: (value: Present<V>, row: T, record: RecordContext<K>) => R,
    options: GraceOptions<K, Present<V>, NoInfer<R>>,
  ): Stream<K, R>;
  /**
   * Joins each record with the row of a global table whose key `keyOf` returns: `claims.join('with-country', countries, claim =>
   * claim.country, (claim, country) => …)`. Nothing is repartitioned. A record that names no row (null) is counted and dropped.
   */
  join<K2, T, R>(
    name: string,
    table: GlobalTable<K2, T>,
    keyOf: (value: Present<V>, record: RecordContext<K>) => NoInfer<K2> | null,
    fn: (value: Present<V>, row: T, record: RecordContext<K>) => R,
    options?: StepOptions<K, Present<V>, NoInfer<R>>,
  ): Stream<K, R>;
  /**
   * Joins each record with those of another stream that have its key and lie near it in time, whichever comes first:
   * `opened.join('pairs', paid, within('10 s', { grace: '1 s' }), (open, pay) => …)`. Both wait in stores. A result has the later
   * timestamp and the left record's headers. A record later than window and grace allow is counted and dropped.
   */
  join<W, R>(
    name: string,
    right: JoinsAsStream & Stream<K, W>,
    window: JoinWindow,
    fn: (left: Present<V>, right: Present<W>, record: RecordContext<K>) => R,
    options?: StoreOptions & ErrorOptions<K, unknown, NoInfer<R>>,
  ): Stream<K, R>;
  join<R>(name: string, other: { readonly [FLOW]: Flow }, ...rest: readonly unknown[]): Stream<K, R> {
    return this.#join('join', name, other, rest);
  }

  /** As `join`, but a record without a row is handed to `fn` with null. */
  leftJoin<T, R>(
    name: string,
    table: JoinsAsTable & Table<K, T>,
    fn: (value: Present<V>, row: T | null, record: RecordContext<K>) => R,
    options?: StepOptions<K, Present<V>, NoInfer<R>>,
  ): Stream<K, R>;
  /** As `join` with a grace, but a record without a row is handed to `fn` with null; one without a key at once. */
  leftJoin<T, R>(
    name: string,
    table: VersionedTable<K, T>,
    fn: (value: Present<V>, row: T | null, record: RecordContext<K>) => R,
    options: GraceOptions<K, Present<V>, NoInfer<R>>,
  ): Stream<K, R>;
  /** As `join` with a global table, but where there is no row, or the record names none, `fn` is handed null. */
  leftJoin<K2, T, R>(
    name: string,
    table: GlobalTable<K2, T>,
    keyOf: (value: Present<V>, record: RecordContext<K>) => NoInfer<K2> | null,
    fn: (value: Present<V>, row: T | null, record: RecordContext<K>) => R,
    options?: StepOptions<K, Present<V>, NoInfer<R>>,
  ): Stream<K, R>;
  /** As `join`, but a left record that found no partner is handed to `fn` with null when window and grace are over. */
  leftJoin<W, R>(
    name: string,
    right: JoinsAsStream & Stream<K, W>,
    window: JoinWindow,
    fn: (left: Present<V>, right: Present<W> | null, record: RecordContext<K>) => R,
    options?: StoreOptions & ErrorOptions<K, unknown, NoInfer<R>>,
  ): Stream<K, R>;
  leftJoin<R>(name: string, other: { readonly [FLOW]: Flow }, ...rest: readonly unknown[]): Stream<K, R> {
    return this.#join('leftJoin', name, other, rest);
  }

  /** As `leftJoin`, and right records that found no partner are handed to `fn` too: never both sides are null. */
  outerJoin<W, R>(
    name: string,
    right: Stream<K, W>,
    window: JoinWindow,
    fn: (left: Present<V> | null, right: Present<W> | null, record: RecordContext<K>) => R,
    options: StoreOptions = {},
  ): Stream<K, R> {
    checkName(this[FLOW], name);
    if (!(right instanceof Stream)) throw unfitting(this[FLOW], `outerJoin '${name}' of a stream`, 'a stream', right);
    return this[FLOW].draft.build.stream(
      streamJoinStep(this[FLOW], name, { method: 'outerJoin', right, window, fn, options }),
    );
  }

  /**
   * A step of your own, with stores and timers that survive commits and crashes:
   *
   * ```ts
   * t.stream(claims).process('overdue', {
   *   stores: { open: store(protobuf(Claim)) },
   *   forwards: protobuf(Reminder),
   *   record(claim, { stores, timers, timestamp }) {
   *     if (claim.status === 'CLOSED') return timers.cancel('remind');
   *     stores.open.put(claim);
   *     timers.set('remind', timestamp + 14 * DAY);
   *   },
   *   timers: {
   *     remind({ key, stores, forward }) {
   *       forward({ claimId: key, status: stores.open.get()!.status });
   *     },
   *   },
   * });
   * ```
   *
   * Stores are read by key alone: what has to be found later without its key is set a timer for. What is forwarded keeps the key,
   * since records of one key must stay in one partition; another key is what a `keyBy` behind the step gives. A record without a
   * key is dropped. Each timer that fires, and each interval, is a unit of its own: one that throws is removed, and its key and
   * name are dead-lettered.
   */
  process<
    R = V,
    S extends StoreDeclarations = Record<never, never>,
    Timer extends string = never,
    ClockTimer extends string = never,
  >(
    name: string,
    definition: ProcessDefinition<K, V, R, S, Timer, ClockTimer>,
    options: StoreOptions = {},
  ): Stream<K, R> {
    return this[FLOW].draft.build.stream(processStep(this[FLOW], name, { definition, options }));
  }

  /**
   * Drops a record (reason `duplicate`) whose id its key has had before: `.dedupe('once', { by: event => event.id, within: '1 h' })`.
   * An id is remembered until stream time reaches the timestamp of the record that brought it first plus `within`; a duplicate does
   * not prolong that.
   */
  dedupe(
    name: string,
    options: StoreOptions & {
      readonly by: ValueFunction<K, Present<V>, string | number | bigint>;
      readonly within: Duration;
    },
  ): Stream<K, Present<V>> {
    return this[FLOW].draft.build.stream(dedupeStep(this[FLOW], name, options));
  }

  /**
   * RxJS `scan` for each key, with a state that lasts: every value is folded into the key's state, which is handed on. A key
   * begins with `seed`. `fn` may change and return the state it is given.
   */
  scan<A>(
    name: string,
    fn: (state: A, value: Present<V>, record: RecordContext<K>) => A,
    seed: NoInfer<A>,
    serde: Serde<A>,
    options: StoreOptions = {},
  ): Stream<K, A> {
    const spec = { fn: fn as never, seed, serde: serde as Serde<unknown>, options };
    return this[FLOW].draft.build.stream(scanStep(this[FLOW], name, spec));
  }

  /**
   * RxJS `distinctUntilChanged` for each key: drops a value that is the same as the key's last one that was handed on. Left out,
   * `how` compares their bytes; a function gets both and tells whether they are the same; `{ by }` compares what it selects with
   * `===`, and keeps nothing else.
   */
  distinctUntilChanged(
    name: string,
    how?:
      ((previous: Present<V>, current: Present<V>) => boolean) | { readonly by: ValueFunction<K, Present<V>, Plain> },
    options: StoreOptions = {},
  ): Stream<K, Present<V>> {
    return this[FLOW].draft.build.stream(distinctStep(this[FLOW], name, how as Distinction, options));
  }

  /** RxJS `pairwise` for each key: its value before and the current one, from the second on. */
  pairwise(name: string, options: StoreOptions = {}): Stream<K, [previous: Present<V>, current: Present<V>]> {
    return this[FLOW].draft.build.stream(pairwiseStep(this[FLOW], name, options));
  }

  /**
   * RxJS `bufferCount` for each key: every `count` of its values as one array, with the largest of their timestamps. What is in a
   * buffer waits for the rest, across restarts too.
   */
  bufferCount(name: string, count: number, options: StoreOptions = {}): Stream<K, Present<V>[]> {
    return this[FLOW].draft.build.stream(bufferCountStep(this[FLOW], name, count, options));
  }

  /**
   * RxJS `bufferTime` for each key, in event time: an array of its values from the first on, handed on when stream time reaches
   * that one's timestamp plus `span`, with the largest of their timestamps and the headers of the first. The next value begins
   * another buffer: none is empty, and they are not aligned as windows are.
   */
  bufferTime(name: string, span: Duration, options: StoreOptions = {}): Stream<K, Present<V>[]> {
    return this[FLOW].draft.build.stream(bufferTimeStep(this[FLOW], name, span, options));
  }

  /**
   * RxJS `debounceTime` for each key, in event time: hands a value on, with its own timestamp and headers, when stream time reaches
   * `quiet` past it and the key had no later one. One with an earlier timestamp than the value that waits is passed over.
   */
  debounceTime(name: string, quiet: Duration, options: StoreOptions = {}): Stream<K, Present<V>> {
    return this[FLOW].draft.build.stream(debounceTimeStep(this[FLOW], name, quiet, options));
  }

  /**
   * RxJS `throttleTime` for each key, in event time: hands a value on, then passes over those that come before its timestamp plus
   * `pause`.
   */
  throttleTime(name: string, pause: Duration, options: StoreOptions = {}): Stream<K, Present<V>> {
    return this[FLOW].draft.build.stream(throttleTimeStep(this[FLOW], name, pause, options));
  }

  /** Groups by the key the records have. Aggregates skip null keys and null values. */
  groupByKey(): GroupedStream<K, Present<V>> {
    return this[FLOW].draft.build.groupedStream(this[FLOW]);
  }

  /** `keyBy(name, fn, key, options).groupByKey()` */
  groupBy<K2>(
    name: string,
    fn: ValueFunction<K, V, K2>,
    key?: Serde<K2>,
    options?: StepOptions<K, V, NoInfer<K2>>,
  ): GroupedStream<K2, Present<V>> {
    return this[FLOW].draft.build.groupedStream(
      keyStep(this[FLOW], name, { fn, key, what: 'a groupBy', table: false, options }),
    );
  }

  /** The last value of each key, as a table with its own store. A null value deletes the row. */
  toTable(name: string, value?: SerdeFor<Present<V>, Present<V>>, options: StoreOptions = {}): Table<K, Present<V>> {
    return this[FLOW].draft.build.table(toTableStep(this[FLOW], name, value, options));
  }

  /** Writes the records to a topic. A null value is a tombstone. */
  to(sink: Sink<K, Present<V>>, options?: ErrorOptions<K, V, never>): void {
    sinkStep(this[FLOW], sink, options);
  }

  #join<R>(method: 'join' | 'leftJoin', name: string, other: unknown, rest: readonly unknown[]): Stream<K, R> {
    const { build } = this[FLOW].draft;
    checkName(this[FLOW], name);
    if (other instanceof Stream) {
      const [window, fn, options = {}] = rest as [JoinWindow, unknown, AnyStoreOptions?];
      return build.stream(streamJoinStep(this[FLOW], name, { method, right: other, window, fn, options }));
    }
    if (other instanceof GlobalTable) {
      const [keyOf, fn, options] = rest as [unknown, unknown, AnyStoreOptions?];
      return build.stream(globalJoin(this[FLOW], name, other, { keyOf, fn, left: method === 'leftJoin', options }));
    }
    if (!(other instanceof Table))
      throw unfitting(this[FLOW], `${method} '${name}' of a stream`, 'a stream, a table or a global table', other);
    const [fn, options = {}] = rest as [unknown, Partial<GraceOptions<never, never, unknown>>?];
    const spec = { table: other, fn, left: method === 'leftJoin', options };
    return build.stream(streamTableJoinStep(this[FLOW], name, spec));
  }

  #transform<R>(
    op: TransformNode['op'],
    slots: Readonly<Record<string, unknown>>,
    options: AnyErrorOptions | undefined,
  ): Stream<K, R> {
    return this[FLOW].draft.build.stream(transformStep(this[FLOW], op, { slots, table: false, options }));
  }
}
