import type { RecordContext } from '../graph/functions.ts';
import type { Serde } from '../serdes/serde.ts';
import type { Draft, Step } from './draft.ts';
import type { GroupedStream } from './grouped-stream.ts';
import type { GroupedTable } from './grouped-table.ts';
import type { ErrorOptions, OnError } from './on-error.ts';
import type { StreamKey } from './stream-key.ts';
import type { Stream } from './stream.ts';
import type { Table } from './table.ts';

/** Where a stream or table keeps its flow: for the library's own steps. */
export const FLOW = Symbol('flow');

/** What stands behind a stream or table while the topology is written: untyped, since the classes around it carry the types. */
export interface Flow {
  readonly draft: Draft;
  readonly step: Step;
  readonly key: StreamKey;
  /** How its values are written, until a step changes their type. */
  readonly value: Serde<unknown> | undefined;
  /** Of a table: others can look up its rows. */
  readonly readable?: boolean;
  /** Of a table: for how long it knows what its rows were before, ms. */
  readonly versionedMs?: number;
}

/** Makes the classes around a flow. Handed in by `topology`, so that they need not import one another in a circle. */
export interface Builders {
  stream<K, V>(flow: Flow): Stream<K, V>;
  table<K, V>(flow: Flow): Table<K, V>;
  groupedStream<K, V>(flow: Flow): GroupedStream<K, V>;
  groupedTable<K, V>(flow: Flow): GroupedTable<K, V>;
}

/**
 * What joins say of themselves to the compiler, which compares these first: where a table is given in place of a stream, say, its
 * message is made of them. Streams and tables have `joins` and `keyType` in the compiler's eyes only.
 */
export interface JoinsAsStream {
  readonly joins: 'as a stream: within a window';
}
export interface JoinsAsTable {
  readonly joins: 'as a table: without a window; with { onDrop, onError } and, if it is versioned, { grace }';
}
export interface JoinsAsGlobalTable {
  readonly joins: 'as a global table: by the key that a function returns';
}

/** A function of one value. `record` shows its key, headers, timestamp and origin; it is valid during the call only. */
export type ValueFunction<K, V, R> = (value: V, record: RecordContext<K>) => R;

/** A serde that can write every `V`. Stricter than `Serde<V>`, whose methods TypeScript compares in both directions. */
export interface SerdeFor<in V, W> {
  readonly encode: (value: V) => Uint8Array;
  decode(bytes: Uint8Array): W;
  readonly description: Serde<W>['description'];
}

/** What every step with a store takes. */
export interface StoreOptions {
  /** The name it had in an earlier version of the topology: its state is taken over. */
  readonly renamedFrom?: string;
  /**
   * What happens to records that the step drops (late, without a key or value), besides being counted. Default: what the run says,
   * and that is `count`.
   */
  readonly onDrop?: 'count' | 'dead-letter';
  /** What happens to a record that the step cannot process. Default: what the run says, else the topology, and that is `dead-letter`. */
  readonly onError?: OnError;
}

/** What a step without a store takes whose function gives a result of type `R`. */
export interface StepOptions<K, V, R> extends Pick<StoreOptions, 'onDrop'>, ErrorOptions<K, V, R> {}
