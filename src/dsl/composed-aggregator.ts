import type { Aggregator } from '../graph/functions.ts';
import { aggregateState, numericSize } from '../serdes/aggregate-state.ts';
import type { Serde } from '../serdes/serde.ts';
import type { FieldAggregator } from './aggregators.ts';

/** The aggregator of one field on its own; its result is the field's value. */
export function single<V, R>(field: FieldAggregator<V, R>): Aggregator<V, unknown, R> {
  const { kind, isBlind = false, isNumeric, init, add, subtract, merge, result } = field as StateUnseen<V, R>;
  const serde = alone(kind);
  return {
    isBlind,
    ...(isNumeric && { sizeOf: (state: unknown) => numericSize(state) ?? serde.encode(state).length }),
    init,
    add,
    ...(subtract && { subtract }),
    merge,
    result: result ?? (state => state as R),
    serde,
    resultSerde: (result ? alone(resultKind(kind)) : serde) as Serde<R>,
  };
}

/** Of a field aggregator, which gets back no states but its own. */
interface StateUnseen<V, R> extends FieldAggregator<V, R> {
  readonly add: Fold<V>;
  readonly subtract?: Fold<V>;
  readonly merge: (earlier: unknown, later: unknown) => unknown;
  readonly result?: Show<R>;
}

/** Of the record `{ value }`, the value. */
function alone(kind: string): Serde<unknown> {
  const record = aggregateState([['value', kind]]);
  return {
    encode: value => record.encode({ value }),
    decode: bytes => record.decode(bytes)['value'],
    description: record.description,
  };
}

/** What a result of another form than its state is called in the manifest. */
const resultKind = (kind: string): string => `result of ${kind}`;

/**
 * One aggregator of several fields: its state is an object of their states, its result one of their results. Each step makes a
 * new one of either, so that the old result stays what it was and nobody else has the state. Where all results are the states,
 * both have one format.
 */
export function compose<V>(
  fields: Readonly<Record<string, FieldAggregator<V, unknown>>>,
): Aggregator<V, States, States> {
  const entries = Object.entries(fields);
  const names = entries.map(([name]) => name);
  const aggregators = entries.map(([, field]) => field as StateUnseen<V, unknown>);
  const kinds = aggregators.map(({ kind }) => kind);
  const subtractors = aggregators.map(({ subtract }) => subtract).filter(subtract => subtract !== undefined);
  const shows = aggregators.map(({ result }) => result);
  const serde = stateOf(names, kinds);
  const isState = shows.every(show => show === undefined);
  const isNumeric = entries.every(([, field]) => field.isNumeric === true);
  return {
    ...(isNumeric && { sizeOf: (state: States) => numericSize(Object.values(state)) ?? serde.encode(state).length }),
    init: () => Object.fromEntries(entries.map(([name, { init }]) => [name, init()])),
    add: foldAll(
      names,
      aggregators.map(({ add }) => add),
    ),
    ...(subtractors.length === entries.length && { subtract: foldAll(names, subtractors) }),
    merge: (earlier, later) =>
      Object.fromEntries(names.map((name, index) => [name, aggregators[index]!.merge(earlier[name], later[name])])),
    result: showAll(names, shows),
    serde,
    resultSerde: isState
      ? serde
      : stateOf(
          names,
          kinds.map((kind, index) => (shows[index] ? resultKind(kind) : kind)),
        ),
  };
}

/**
 * One aggregator of fields over several streams: each adds to its own and leaves the others' as they are, which may have seen no
 * value yet.
 */
export function composeBeside(parts: readonly Readonly<Record<string, FieldAggregator<never, unknown>>>[]): {
  readonly aggregator: Aggregator<unknown, States, States>;
  /** By stream. */
  readonly adds: readonly Fold<unknown>[];
} {
  const fields = Object.fromEntries(
    parts.flatMap(part => Object.entries(part).map(([name, field]) => [name, showingNothing(field)])),
  );
  const names = Object.keys(fields);
  const folds = (part: object) =>
    names.map(name => (Object.hasOwn(part, name) ? (fields[name] as StateUnseen<unknown, unknown>).add : undefined));
  return { aggregator: compose(fields), adds: parts.map(part => foldAll(names, folds(part)) as Fold<unknown>) };
}

function showingNothing(field: FieldAggregator<never, unknown>): FieldAggregator<unknown, unknown> {
  const { overNothing } = field;
  const shown = field as StateUnseen<unknown, unknown>;
  return overNothing === undefined ? shown : { ...shown, result: (state: unknown) => state ?? overNothing };
}

const stateOf = (names: readonly string[], kinds: readonly string[]): Serde<States> =>
  aggregateState(names.map((name, index) => [name, kinds[index]!] as const));

type States = Record<string, unknown>;
type Fold<V> = (state: unknown, value: V) => unknown;
type Show<R> = (state: unknown) => R;

/**
 * `(state, value) => ({ open: folds[0](state.open, value), … })` as source text: named properties of one hidden class and one
 * function a call site, where a loop over names costs several times as much a record. A field without a fold stays as it is.
 */
function foldAll<V>(
  names: readonly string[],
  folds: readonly (Fold<V> | undefined)[],
): (state: States, value: V) => States {
  const locals = folds.map((_, i) => `const fold${i} = folds[${i}];`).join(' ');
  const properties = names.map((name, i) => {
    const state = `state[${JSON.stringify(name)}]`;
    return `${property(name)}: ${folds[i] ? `fold${i}(${state}, value)` : state}`;
  });
  const source = `${locals} return (state, value) => ({ ${properties.join(', ')} });`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- names are quoted as JSON, the rest is ours
  return (new Function('folds', source) as (folds: readonly unknown[]) => (state: States, value: V) => States)(folds);
}

/** The same for results: `state => ({ open: state.open, mean: shows[1](state.mean) })`. */
function showAll(names: readonly string[], shows: readonly (Show<unknown> | undefined)[]): (state: States) => States {
  const locals = shows.map((_, i) => `const show${i} = shows[${i}];`).join(' ');
  const properties = names.map((name, i) => {
    const state = `state[${JSON.stringify(name)}]`;
    return `${property(name)}: ${shows[i] ? `show${i}(${state})` : state}`;
  });
  const source = `${locals} return state => ({ ${properties.join(', ')} });`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- names are quoted as JSON, the rest is ours
  return (new Function('shows', source) as (shows: readonly unknown[]) => (state: States) => States)(shows);
}

/** In a literal, `__proto__` would set the prototype; computed it is a property like any other. */
const property = (name: string): string => (name === '__proto__' ? `['__proto__']` : JSON.stringify(name));
