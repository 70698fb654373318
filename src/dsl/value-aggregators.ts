import { samePlainData } from '../serdes/plain-data.ts';
import { checkWhole } from './arguments.ts';
import type { FieldAggregator, InvertibleAggregator } from './aggregators.ts';
import { checkSameType, plain, unfit } from './function-result.ts';

// Aggregators that keep some of the values that came.

/**
 * The least of what `fn` returns: always numbers, always bigints or always strings (by UTF-16 code units, as `<` compares
 * them). It has no inverse, so that tables refuse it.
 *
 * @throws TypeError on another type, on NaN and infinities, and where types meet
 */
export function min<V, N extends Ordered>(fn: (value: V) => N): FieldAggregator<V, N> {
  return extreme('min', fn, (value, least) => value < least);
}

/** The greatest of what `fn` returns, with the rules of `min`. */
export function max<V, N extends Ordered>(fn: (value: V) => N): FieldAggregator<V, N> {
  return extreme('max', fn, (value, greatest) => value > greatest);
}

type Ordered = number | bigint | string;

function extreme<V, N extends Ordered>(
  kind: 'min' | 'max',
  fn: (value: V) => N,
  beats: (value: N, best: N) => boolean,
): FieldAggregator<V, N> {
  return {
    kind,
    init: () => null,
    add: (best: N | null, from): N => {
      const value = fn(from);
      if (typeof value !== 'string' && typeof value !== 'bigint' && !Number.isFinite(value))
        throw unfit(kind, 'numbers, bigints or strings', value);
      if (best === null) return value;
      checkSameType(kind, best, value);
      return beats(value, best) ? value : best;
    },
    merge: (earlier: N | null, later: N | null): N | null => {
      if (earlier === null || later === null) return earlier ?? later;
      checkSameType(kind, earlier, later);
      return beats(later, earlier) ? later : earlier;
    },
  };
}

/**
 * The first value that came, or what `fn` makes of it: plain data. Where that is null, a table of nothing else has no row. It has
 * no inverse, so that tables refuse it.
 *
 * @throws TypeError where it is undefined, or holds what is no plain data
 */
export function first<V>(): FieldAggregator<V, V>;
export function first<V, R>(fn: (value: V) => R): FieldAggregator<V, R>;
export function first<V>(fn: (value: V) => unknown = itself): FieldAggregator<V, unknown> {
  return {
    kind: 'first',
    init: () => [],
    // In an array, since it may be null itself.
    add: (state: readonly unknown[], value) => (state.length === 0 ? [plain('first', fn(value))] : state),
    merge: (earlier: readonly unknown[], later: readonly unknown[]) => (earlier.length === 0 ? later : earlier),
    result: ([value = null]: readonly unknown[]) => value,
  };
}

/** The value that came last, or what `fn` makes of it, with the rules of `first`. */
export function last<V>(): FieldAggregator<V, V>;
export function last<V, R>(fn: (value: V) => R): FieldAggregator<V, R>;
export function last<V>(fn: (value: V) => unknown = itself): FieldAggregator<V, unknown> {
  return {
    kind: 'last',
    init: () => [],
    add: (_: readonly unknown[], value) => [plain('last', fn(value))],
    merge: (earlier: readonly unknown[], later: readonly unknown[]) => (later.length === 0 ? earlier : later),
    result: ([value = null]: readonly unknown[]) => value,
  };
}

/**
 * How many different values `fn` returns: strings, numbers, bigints or booleans, different as `===` has it. Exact: it keeps each
 * of them and how often it came, and looks through them for each value, so that it is for hundreds a key, not for millions.
 *
 * @throws TypeError on another type, on NaN and infinities
 */
export function countDistinct<V>(fn: (value: V) => Distinct): InvertibleAggregator<V, number> {
  const distinct = (from: V): Distinct => {
    const value = fn(from);
    if (typeof value !== 'string' && typeof value !== 'bigint' && typeof value !== 'boolean' && !Number.isFinite(value))
      throw unfit('countDistinct', 'strings, numbers, bigints or booleans', value);
    return value;
  };
  return {
    kind: 'count-distinct',
    init: () => [],
    add: (tally: Tally, from) => {
      const value = distinct(from);
      const at = placeOf(tally, value);
      return at < 0 ? [...tally, value, 1] : tally.with(at + 1, (tally[at + 1] as number) + 1);
    },
    subtract: (tally: Tally, from) => {
      const at = placeOf(tally, distinct(from));
      if (at < 0) return tally;
      const times = tally[at + 1] as number;
      return times === 1 ? tally.toSpliced(at, 2) : tally.with(at + 1, times - 1);
    },
    merge: (earlier: Tally, later: Tally) => {
      const merged = [...earlier];
      for (let at = 0; at < later.length; at += 2) {
        const place = placeOf(merged, later[at]!);
        if (place < 0) merged.push(later[at]!, later[at + 1]!);
        else merged[place + 1] = (merged[place + 1] as number) + (later[at + 1] as number);
      }
      return merged;
    },
    result: (tally: Tally) => tally.length / 2,
  };
}

type Distinct = string | number | bigint | boolean;

/** Each value and, behind it, how often it came. */
type Tally = readonly Distinct[];

function placeOf(tally: Tally, value: Distinct): number {
  for (let at = 0; at < tally.length; at += 2) if (tally[at] === value) return at;
  return -1;
}

/**
 * The `n` values with the largest `by` (always numbers or always bigints), largest first; of equal ones the earlier stays, and
 * stays in front. Each is kept as what `fn` makes of it: plain data. It has no inverse, so that tables refuse it.
 *
 * @throws TopologyError `TOPO_GRAPH_INVALID` unless n is a whole number from 1 on; its functions' results TypeError as in `max`
 * and `first`
 */
export function topN<V>(n: number, by: (value: V) => Weight): FieldAggregator<V, V[]>;
export function topN<V, R>(n: number, by: (value: V) => Weight, fn: (value: V) => R): FieldAggregator<V, R[]>;
export function topN<V>(
  n: number,
  by: (value: V) => Weight,
  fn: (value: V) => unknown = itself,
): FieldAggregator<V, unknown[]> {
  checkWhole('topN: how many to keep', n, 1);
  return {
    kind: `top-${n}`,
    init: () => [],
    add: (ranks: readonly Rank[], value) => {
      const weight = by(value);
      if (typeof weight !== 'bigint' && !Number.isFinite(weight)) throw unfit('topN', 'numbers or bigints', weight);
      if (ranks.length > 0) checkSameType('topN', ranks[0]![0], weight);
      const place = placeAmong(ranks, weight);
      return place === n ? ranks : ranks.toSpliced(place, 0, [weight, plain('topN', fn(value))]).slice(0, n);
    },
    merge: (earlier: readonly Rank[], later: readonly Rank[]) => {
      if (earlier.length > 0 && later.length > 0) checkSameType('topN', earlier[0]![0], later[0]![0]);
      const ranks = [...earlier];
      for (const rank of later) ranks.splice(placeAmong(ranks, rank[0]), 0, rank);
      return ranks.slice(0, n);
    },
    result: (ranks: readonly Rank[]) => ranks.map(([, kept]) => kept),
  };
}

type Weight = number | bigint;
type Rank = readonly [by: Weight, kept: unknown];

/** Behind those that are equal. */
function placeAmong(ranks: readonly Rank[], weight: Weight): number {
  const beaten = ranks.findIndex(([other]) => other < weight);
  return beaten < 0 ? ranks.length : beaten;
}

/**
 * All values, or what `fn` makes of them, in the order they came: plain data. On a table a row that goes takes the first element
 * with it that equals its own. The state grows with each value, and a state that does not fit its changelog's record is a dead
 * letter: it is for dozens a key.
 *
 * @throws TypeError where one is undefined, or holds what is no plain data
 */
export function collect<V>(): InvertibleAggregator<V, V[]>;
export function collect<V, R>(fn: (value: V) => R): InvertibleAggregator<V, R[]>;
export function collect<V>(fn: (value: V) => unknown = itself): InvertibleAggregator<V, unknown[]> {
  return {
    kind: 'collect',
    init: () => [],
    add: (all: readonly unknown[], value) => [...all, plain('collect', fn(value))],
    subtract: (all: readonly unknown[], value) => {
      const gone = plain('collect', fn(value));
      const at = all.findIndex(one => samePlainData(one, gone));
      return at < 0 ? all : all.toSpliced(at, 1);
    },
    merge: (earlier: readonly unknown[], later: readonly unknown[]) => [...earlier, ...later],
  };
}

const itself = (value: unknown): unknown => value;
