import type { Aggregator } from '../graph/functions.ts';
import { aggregateState } from '../serdes/aggregate-state.ts';
import type { Serde } from '../serdes/serde.ts';

type Total = number | bigint;

/**
 * A declarative aggregator: one field of a composed aggregate, or a whole one. It knows its state's serde. Its function
 * depends on nothing but the value: a table hands it each value twice, when it comes and when it goes.
 */
export interface FieldAggregator<in V, out R> {
  /** Its name in the manifest, where a field whose aggregator changed is refused. */
  readonly kind: string;
  /** The state before the first value. A row exists only after one, so it is never written. */
  readonly init: () => Total | null;
  readonly add: (state: Total | null, value: V) => Total;
  /** The inverse of `add`. Absent: it cannot be used on a table. */
  readonly subtract?: (state: Total | null, value: V) => Total;
  /** Never there: holds the type of the result. */
  readonly gives?: R;
}

/** A field aggregator with an inverse, as tables need it. */
export interface InvertibleAggregator<in V, out R> extends FieldAggregator<V, R> {
  readonly subtract: (state: Total | null, value: V) => Total;
}

/** The result of one field aggregator (`R`), or of several composed in one object (then `R` is unknown). */
export type ResultOf<R, Fields> = unknown extends R
  ? { -readonly [Name in keyof Fields]: Fields[Name] extends FieldAggregator<never, infer F> ? F : never }
  : R;

/** How many values there are, or how many of them pass. */
export function count<V = unknown>(predicate?: (value: V) => boolean): InvertibleAggregator<V, number> {
  const passes = predicate ?? (() => true);
  return {
    kind: 'count',
    init: () => 0,
    add: (state, value) => (passes(value) ? (state as number) + 1 : (state as number)),
    subtract: (state, value) => (passes(value) ? (state as number) - 1 : (state as number)),
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
    init: () => null,
    add: (state, value) => plus(state, fn(value), 1),
    subtract: (state, value) => plus(state, fn(value), -1),
  };
}

type Widened<N> = N extends bigint ? bigint : number;

function plus(state: Total | null, value: Total, sign: 1 | -1): Total {
  if (typeof value === 'bigint') {
    if (typeof state === 'number') throw mixed();
    if (state === null) return sign === 1 ? value : -value;
    return sign === 1 ? state + value : state - value;
  }
  if (typeof state === 'bigint' && typeof value === 'number') throw mixed();
  if (!Number.isFinite(value))
    throw new TypeError(`a sum takes numbers or bigints: its function returned ${describe(value)}`);
  const total = ((state as number | null) ?? 0) + sign * value;
  if (total > Number.MAX_SAFE_INTEGER || total < Number.MIN_SAFE_INTEGER)
    throw new RangeError(
      'a sum of numbers passed 2^53, beyond which they are not exact: return a bigint from its function',
    );
  return total;
}

const describe = (value: unknown): string =>
  typeof value === 'number' ? String(value) : value === null ? 'null' : `a value of type ${typeof value}`;

const mixed = (): TypeError =>
  new TypeError('a sum adds numbers to bigints: its function must return the one or the other, always');

/** The aggregator of one field on its own; its result is the field's value. */
export function single<V, R>(field: FieldAggregator<V, R>): Aggregator<V, Total | null, R> {
  const record = aggregateState([['value', field.kind]]);
  const serde: Serde<Total | null> = {
    encode: value => record.encode({ value: value! }),
    decode: bytes => record.decode(bytes)['value']!,
    description: record.description,
  };
  const { init, add, subtract } = field;
  const result = (state: Total | null) => state as R;
  return { init, add, ...(subtract && { subtract }), result, serde, resultSerde: serde as Serde<unknown> as Serde<R> };
}

/**
 * One aggregator of several fields: its state, and its result, is an object of their values. Each step makes a new one, so
 * that the old result stays what it was.
 */
export function compose<V>(
  fields: Readonly<Record<string, FieldAggregator<V, unknown>>>,
): Aggregator<V, Totals, Totals> {
  const entries = Object.entries(fields);
  const names = entries.map(([name]) => name);
  const aggregators = entries.map(([, field]) => field);
  const serde = aggregateState(
    entries.map(([name, { kind }]) => [name, kind] as const),
  ) as Serde<unknown> as Serde<Totals>;
  const subtractors = aggregators.map(({ subtract }) => subtract).filter(subtract => subtract !== undefined);
  const folded = (folds: readonly Fold<V>[]) => foldAll(names, folds);
  return {
    init: () => Object.fromEntries(entries.map(([name, { init }]) => [name, init()])),
    add: folded(aggregators.map(({ add }) => add)),
    ...(subtractors.length === entries.length && { subtract: folded(subtractors) }),
    result: state => state,
    serde,
    resultSerde: serde,
  };
}

type Totals = Record<string, Total | null>;
type Fold<V> = (state: Total | null, value: V) => Total;

/**
 * `(state, value) => ({ open: folds[0](state.open, value), … })` as source text: named properties of one hidden class and one
 * function a call site, where a loop over names costs several times as much a record.
 */
function foldAll<V>(names: readonly string[], folds: readonly Fold<V>[]): (state: Totals, value: V) => Totals {
  const locals = folds.map((_, i) => `const fold${i} = folds[${i}];`).join(' ');
  const properties = names.map((name, i) => `${JSON.stringify(name)}: fold${i}(state[${JSON.stringify(name)}], value)`);
  const source = `${locals} return (state, value) => ({ ${properties.join(', ')} });`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- names are quoted as JSON, the rest is ours
  return (new Function('folds', source) as (folds: readonly Fold<V>[]) => (state: Totals, value: V) => Totals)(folds);
}
