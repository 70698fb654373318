import type { Headers } from '../records/headers.ts';
import type { Serde } from '../serdes/serde.ts';

/** What a function of a topology sees of a record besides its value. Valid during the call only: copy what you keep. */
export interface RecordContext<K = unknown> {
  /** The key as this step sees it. Null only where a topic has records without keys. */
  readonly key: K;
  readonly headers: Headers;
  /** Event time, ms since 1970. */
  readonly timestamp: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The `topic` slot of sources and sinks. */
export interface TopicSlot<K = unknown, V = unknown> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Event time in ms, from the value. Default: the record's own. */
  readonly timestamp?: (value: V) => number;
}

/** The `row` slot of a `table` processor: how a row follows from what the topic carries. Absent: the value is the row. */
export interface RowSlot<V = unknown, Row = unknown> {
  readonly serde: Serde<Row>;
  /**
   * The row after `value`, null when it is gone, `undefined` when this value says nothing of the row (a message, say).
   * `previous` reads the row before, to fill in what the change left out. @throws RecordError `TOPO_TRUNCATE` where a single row does not follow.
   */
  readonly toRow: (value: V, previous: () => Row | null) => Row | null | undefined;
}

/** The `kept` slot of a table whose store keeps something else than its rows: how they follow from that. */
export interface KeptSlot<State = unknown, Row = unknown> {
  readonly serde: Serde<State>;
  readonly result: (state: State) => Row;
}

/**
 * Running aggregation of values into a state and its result. Without `sizeOf` the state is encoded whenever it is put, so a
 * function may change and return the state it was given.
 */
export interface Aggregator<V = unknown, State = unknown, Result = unknown> {
  init(): State;
  add(state: State, value: V): State | null;
  /** The inverse of `add`, for tables. A null state deletes the row. */
  subtract?(state: State, value: V): State | null;
  /** Two states as one, the earlier first: session windows that meet. */
  merge?(earlier: State, later: State): State | null;
  result(state: State): Result;
  /** `add` does not look at its value. */
  readonly isBlind?: boolean;
  /** The result is the state itself, and in the same format. */
  readonly showsState?: boolean;
  readonly serde: Serde<State>;
  /**
   * How many bytes `serde` makes of a state, at most. Only where its functions leave states as they are and no result gives one
   * away: such states stay in memory between records. @throws RecordError where it makes none
   */
  sizeOf?(state: State): number;
  /** The result's serde where it is known, so that the table can be joined or grouped again. */
  readonly resultSerde?: Serde<Result>;
}
