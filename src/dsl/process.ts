import { hasTiming } from '../graph/process.ts';
import type {
  IntervalContext,
  KeyValueStore,
  ProcessContext,
  ProcessSlot,
  StoreDeclaration,
  StoreDeclarations,
  TimerContext,
  TimingSlot,
  ValueStore,
} from '../graph/process.ts';
import type { Serde } from '../serdes/serde.ts';
import { kindOf } from '../serdes/refusal.ts';
import { checkFunction, checkOptions, checkSerde, placeOf, STORE_OPTIONS } from './arguments.ts';
import { positiveMilliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { processorStep } from './steps.ts';
import type { StoreSpec } from './steps.ts';

/**
 * A store of a `process` step. With one serde, a value for each key of the stream: `get()`, `put(value)`, `delete()` are about the
 * key of the record or timer under way. With two, values by any keys: `get(key)`, `put(key, value)`, `delete(key)`.
 *
 * Stores are read by key alone. What has to be found later without its key is set a timer for.
 */
export function store<V>(value: Serde<V>): StoreDeclaration<ValueStore<V>>;
export function store<K, V>(key: Serde<K>, value: Serde<V>): StoreDeclaration<KeyValueStore<K, V>>;
export function store(...serdes: readonly unknown[]): unknown {
  const [key, value] = serdes;
  return value === undefined ? { kind: 'value', value: key } : { kind: 'keyValue', key, value };
}

/** Something done again and again, for all keys of a partition together. */
export interface Interval<R, S extends StoreDeclarations> {
  readonly every: Duration;
  /** Called once, however many times `every` has passed since the last call. */
  readonly run: (context: IntervalContext<R, S>) => void;
}

/** A step of the user's own, for `Stream.process`. Its functions are synchronous. */
export interface ProcessDefinition<
  K,
  V,
  R,
  S extends StoreDeclarations,
  Timer extends string,
  ClockTimer extends string,
> {
  /** Its stores, made by `store`. The changelog of `open` is `<topology>-<step>-open-changelog`. */
  readonly stores?: S;
  /** How what it forwards is written, which also says what type that is. Left out: values of the type it takes. */
  readonly forwards?: Serde<R>;
  /** Called with each record that has a key. */
  readonly record: (value: V, context: ProcessContext<K, R, S, Timer | ClockTimer>) => void;
  /**
   * What happens when a key's timer falls due by stream time: before the step takes the record that moved stream time there; in
   * order of time, then name, then key.
   */
  readonly timers?: { readonly [Name in Timer]: (context: TimerContext<K, R, S, Timer | ClockTimer>) => void };
  /** The same by the clock, between records. A moment on the clock is no part of the input, so it may come elsewhere next time. */
  readonly clockTimers?: {
    readonly [Name in ClockTimer]: (context: TimerContext<K, R, S, Timer | ClockTimer>) => void;
  };
  /** By the step's stream time, in step with 1970: with `every: '1 h'`, the first record of each full hour makes it run. */
  readonly intervals?: Readonly<Record<string, Interval<R, S>>>;
  /** By the clock, counted from the first start. */
  readonly clockIntervals?: Readonly<Record<string, Interval<R, S>>>;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- `Stream` has checked the types
export type AnyDefinition = ProcessDefinition<any, any, any, any, any, any>;

/** What the library's own steps say besides. */
export interface ProcessSpec {
  readonly definition: AnyDefinition;
  readonly options: StoreOptions;
  /** The node's processor. Default `process`. */
  readonly processor?: string;
  /** The one store that bears the step's name alone. */
  readonly mainStore?: string;
  readonly discards?: TimingSlot['discards'];
  /** Whether `record` takes null values. Default true. */
  readonly nullValues?: boolean;
  /** How what it forwards is written, where `forwards` does not say. */
  readonly value?: Serde<unknown> | undefined;
}

const NAME = /^[\w.-]+$/;
/** Serdes of timer stores: the runtime writes them. */
const TIMERS = { description: { type: 'custom', name: 'topo.timer' } } as const;

export function processStep(flow: Flow, name: string, spec: ProcessSpec): Flow {
  const { definition, options, processor = 'process', mainStore, discards, nullValues = true } = spec;
  checkDefinition(flow, name, definition);
  checkOptions(`'${name}'`, options, STORE_OPTIONS, placeOf(flow, name));
  const streamTime = timingOf(flow, name, definition.timers, definition.intervals);
  const wallClock = timingOf(flow, name, definition.clockTimers, definition.clockIntervals);
  checkNames(flow, name, [streamTime, wallClock]);
  const stores = Object.entries((definition.stores ?? {}) as StoreDeclarations);
  const slot = (): ProcessSlot => ({
    stores,
    key: flow.key.serde!,
    record: definition.record as ProcessSlot['record'],
    streamTime: { ...streamTime, ...(discards && { discards }) },
    wallClock,
  });
  return processorStep(flow, name, {
    processor,
    what: `a ${processor}`,
    table: false,
    slots: () => ({ process: slot() }),
    stores: [
      ...stores.map(([store, { key, value }]): StoreSpec => ({
        ...(store !== mainStore && { suffix: `-${store}` }),
        value,
        ...(key && { key: () => key }),
      })),
      ...(hasTiming(streamTime) ? [{ suffix: '-timers', value: TIMERS }] : []),
      ...(hasTiming(wallClock) ? [{ suffix: '-clock-timers', value: TIMERS }] : []),
    ],
    storeOptions: options,
    ...(!nullValues && { options: { nullValues } }),
    value: (definition.forwards as Serde<unknown> | undefined) ?? spec.value,
  });
}

const DEFINITION = [
  'stores',
  'forwards',
  'record',
  'timers',
  'clockTimers',
  'intervals',
  'clockIntervals',
] as const satisfies (keyof AnyDefinition)[];

/** For callers without types. */
function checkDefinition(flow: Flow, name: string, definition: AnyDefinition): void {
  const place = placeOf(flow, name);
  checkFunction(flow, name, (definition as Partial<AnyDefinition> | undefined)?.record, 'record');
  checkOptions(`'${name}'`, definition, DEFINITION, place);
  if (definition.forwards !== undefined) checkSerde(`what '${name}' forwards`, definition.forwards, place);
  for (const [store, declared] of Object.entries((definition.stores ?? {}) as Partial<StoreDeclarations>)) {
    const what = `store '${store}' of '${name}'`;
    if (declared?.kind === undefined)
      throw flow.draft.error(
        'TOPO_GRAPH_INVALID',
        `${what} is declared by ${kindOf(declared)}: write stores: { ${store}: store(serde) }, or store(keySerde, serde).`,
        name,
      );
    checkSerde(what, declared.value, place);
    if (declared.key !== undefined) checkSerde(`the key of ${what}`, declared.key, place);
  }
}

function timingOf(
  flow: Flow,
  step: string,
  timers: Readonly<Record<string, unknown>> = {},
  intervals: AnyDefinition['intervals'] = {},
): TimingSlot {
  for (const [name, fn] of Object.entries(timers)) checkFunction(flow, step, fn, `timer '${name}'`);
  return {
    timers: timers as TimingSlot['timers'],
    intervals: Object.fromEntries(
      Object.entries(intervals).map(([name, interval]) => {
        const what = `interval '${name}' of '${step}'`;
        const place = placeOf(flow, step);
        checkOptions(what, interval ?? null, ['every', 'run'], place);
        const { every, run } = interval;
        checkFunction(flow, step, run, `interval '${name}'`);
        return [name, { everyMs: positiveMilliseconds(every, what, place), run: run as () => void }];
      }),
    ),
  };
}

/** Timers and intervals are kept under their names, and one is called by its name whatever clock it goes by. */
function checkNames({ draft }: Flow, step: string, timings: readonly TimingSlot[]): void {
  const names = timings.flatMap(({ timers, intervals }) => [...Object.keys(timers), ...Object.keys(intervals)]);
  for (const name of names) {
    if (!NAME.test(name))
      throw draft.error(
        'TOPO_NAME_INVALID',
        `timer '${name}' of '${step}' may hold only the letters a-z and A-Z, digits, dot, underscore and hyphen.`,
        step,
      );
    if (names.indexOf(name) !== names.lastIndexOf(name))
      throw draft.error('TOPO_NAME_TAKEN', `'${step}' has two timers or intervals named '${name}'.`, step);
  }
}
