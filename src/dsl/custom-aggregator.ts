import type { Aggregator } from '../graph/functions.ts';
import type { Serde } from '../serdes/serde.ts';

/** What keeps and shows a state of the user's own. */
export interface CustomState<in out State, out Result = State> {
  readonly init: () => State;
  /** Two states as one, the earlier first: needed on session windows, where a record can join two sessions. */
  readonly merge?: (earlier: State, later: State) => State | null;
  /** What the table shows of a state. Left out: the state itself. */
  readonly result?: (state: State) => Result;
  readonly serde: Serde<State>;
  /** Needed where the resulting table is grouped again or kept. Without `result`, the state's. */
  readonly resultSerde?: Serde<Result>;
}

/** An aggregator of the user's own. */
export interface CustomAggregator<in V, in out State, out Result = State> extends CustomState<State, Result> {
  /** May change and return the state it was given. Null deletes the row. */
  readonly add: (state: State, value: V) => State | null;
  /** The inverse of `add`: needed on tables. */
  readonly subtract?: (state: State, value: V) => State | null;
}

/** With the inverse that tables need. */
export interface CustomTableAggregator<in V, in out State, out Result = State> extends CustomAggregator<
  V,
  State,
  Result
> {
  readonly subtract: (state: State, value: V) => State | null;
}

/** With what sessions need that become one. */
export interface CustomSessionAggregator<in V, in out State, out Result = State> extends CustomAggregator<
  V,
  State,
  Result
> {
  readonly merge: (earlier: State, later: State) => State | null;
}

export function custom<V, State, Result>(own: CustomAggregator<V, State, Result>): Aggregator<V, State, Result> {
  const resultSerde = own.resultSerde ?? (own.result ? undefined : (own.serde as unknown as Serde<Result>));
  return {
    init: () => own.init(),
    add: (state, value) => own.add(state, value),
    ...(own.subtract && { subtract: (state: State, value: V) => own.subtract!(state, value) }),
    ...(own.merge && { merge: (earlier: State, later: State) => own.merge!(earlier, later) }),
    result: own.result ? state => own.result!(state) : state => state as unknown as Result,
    showsState: own.result === undefined,
    serde: own.serde,
    ...(resultSerde && { resultSerde }),
  };
}

/** No value yet. */
const NOTHING = Symbol('nothing');

/** An aggregator that folds values into one of their own type; the first value is the first state. */
export function reducer<V>(
  add: (state: V, value: V) => V | null,
  subtract: ((state: V, value: V) => V | null) | undefined,
  serde: Serde<V>,
): Aggregator<V, V, V> {
  return {
    init: () => NOTHING as V,
    add: (state, value) => (state === NOTHING ? value : add(state, value)),
    ...(subtract && {
      subtract: (state: V, value: V) => (state === NOTHING ? null : subtract(state, value)),
    }),
    merge: (earlier, later) => add(earlier, later),
    result: state => state,
    showsState: true,
    serde,
    resultSerde: serde,
  };
}
