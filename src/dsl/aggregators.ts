import { unfit } from './function-result.ts';

type Total = number | bigint;

/**
 * A declarative aggregator: one field of a composed aggregate, or a whole one. Its state is plain data (null, booleans, numbers,
 * bigints, strings, bytes, arrays and plain objects of them), so that it needs no serde. Its function depends on nothing but the
 * value: a table hands it each value twice, when it comes and when it goes.
 */
export interface FieldAggregator<in V, out R> {
  /** Its name in the manifest, where a field whose aggregator changed is refused. Says all that the state's meaning hangs on. */
  readonly kind: string;
  /** The state before the first value. A row exists only after one, so it is never written. */
  readonly init: () => unknown;
  /** Leaves the state it is given as it is. The types of states do not show here: each aggregator is given back its own. */
  readonly add: (state: never, value: V) => unknown;
  /** The inverse of `add`. Absent: it cannot be used on a table. */
  readonly subtract?: (state: never, value: V) => unknown;
  /** The states of two sessions that became one, the earlier first. */
  readonly merge: (earlier: never, later: never) => unknown;
  /** What the table shows of a state. Absent: the state itself. */
  readonly result?: (state: never) => R;
  /** What it shows where no value came, if not the result of its first state: beside fields of other streams (`cogroup`). */
  readonly overNothing?: unknown;
  /** `add` does not look at its value. */
  readonly isBlind?: boolean;
  /** Its states are numbers, bigints, null or arrays of them, and its results give none of those arrays away. */
  readonly isNumeric?: true;
  /** Never there: holds the type of the result. */
  readonly gives?: R;
}

/** A field aggregator with an inverse, as tables need it. */
export interface InvertibleAggregator<in V, out R> extends FieldAggregator<V, R> {
  readonly subtract: (state: never, value: V) => unknown;
}

/**
 * The result of one field aggregator (`R`; null deletes its row), or of several composed in one object (then `R` is unknown).
 */
export type ResultOf<R, Fields> = unknown extends R
  ? { -readonly [Name in keyof Fields]: Fields[Name] extends FieldAggregator<never, infer F> ? F : never }
  : Exclude<R, null>;

/** How many values there are, or how many of them pass. */
export function count<V = unknown>(predicate?: (value: V) => boolean): InvertibleAggregator<V, number> {
  const passes = predicate ?? (() => true);
  return {
    kind: 'count',
    isBlind: predicate === undefined,
    isNumeric: true,
    init: () => 0,
    add: (state: number, value) => (passes(value) ? state + 1 : state),
    subtract: (state: number, value) => (passes(value) ? state - 1 : state),
    merge: (earlier: number, later: number) => earlier + later,
  };
}

/**
 * The sum of what `fn` returns: always numbers or always bigints. The first value says which; no row exists before it, and a
 * sum of bigints that goes back to nothing is 0n. Numbers are exact up to 2^53 and refused beyond (use bigint); fractions are
 * rounded as JavaScript rounds them, so that money belongs in whole cents.
 *
 * @throws TypeError on another type, on NaN and infinities, and where numbers and bigints meet; RangeError past 2^53
 */
export function sum<V, N extends Total>(fn: (value: V) => N): InvertibleAggregator<V, Widened<N>> {
  return {
    kind: 'sum',
    isNumeric: true,
    init: () => null,
    add: (state: Total | null, value) => plus('sum', state, fn(value), 1),
    subtract: (state: Total | null, value) => plus('sum', state, fn(value), -1),
    merge: (earlier: Total | null, later: Total | null) => both('sum', earlier, later),
    overNothing: 0,
  };
}

type Widened<N> = N extends bigint ? bigint : number;

/**
 * The mean of what `fn` returns, a number. It keeps their sum, with the rules of `sum`, and how many there are. Where a table's
 * group has no rows left it is null.
 *
 * @throws TypeError, RangeError as `sum`
 */
export function avg<V>(fn: (value: V) => Total): InvertibleAggregator<V, number | null> {
  return {
    kind: 'avg',
    isNumeric: true,
    init: () => EMPTY,
    add: ([total, n]: Mean, value): Mean => [plus('avg', total, fn(value), 1), n + 1],
    // What rounding left of fractions goes with the last of them.
    subtract: ([total, n]: Mean, value): Mean => (n <= 1 ? EMPTY : [plus('avg', total, fn(value), -1), n - 1]),
    merge: ([earlier, n]: Mean, [later, m]: Mean): Mean => [both('avg', earlier, later), n + m],
    result: ([total, n]: Mean) => (n === 0 ? null : Number(total) / n),
  };
}

type Mean = readonly [sum: Total | null, count: number];

const EMPTY: Mean = [null, 0];

const both = (name: 'sum' | 'avg', earlier: Total | null, later: Total | null): Total | null =>
  later === null ? earlier : plus(name, earlier, later, 1);

function plus(name: 'sum' | 'avg', state: Total | null, value: Total, sign: 1 | -1): Total {
  if (typeof value === 'bigint') {
    if (typeof state === 'number') throw mixed(name);
    if (state === null) return sign === 1 ? value : -value;
    return sign === 1 ? state + value : state - value;
  }
  if (typeof state === 'bigint' && typeof value === 'number') throw mixed(name);
  if (!Number.isFinite(value)) throw unfit(name, 'numbers or bigints', value);
  const total = ((state as number | null) ?? 0) + sign * value;
  if (total > Number.MAX_SAFE_INTEGER || total < Number.MIN_SAFE_INTEGER)
    throw new RangeError(
      `${name}: a sum of numbers passed 2^53, beyond which they are not exact: return a bigint from its function`,
    );
  return total;
}

const mixed = (name: string): TypeError =>
  new TypeError(`${name} adds numbers to bigints: its function must return the one or the other, always`);
