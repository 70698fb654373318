import type { RecordContext } from '../graph/functions.ts';
import type { ListStore, StoreDeclaration, StoreDeclarations } from '../graph/process.ts';
import { serdeName } from '../graph/serde-name.ts';
import { bytes } from '../serdes/bytes.ts';
import { identity } from '../serdes/identity.ts';
import type { Plain } from '../serdes/identity.ts';
import type { Serde } from '../serdes/serde.ts';
import { checkFunction, checkWhole, placeOf } from './arguments.ts';
import { positiveMilliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { returned } from './function-result.ts';
import { processStep, store } from './process.ts';
import type { ProcessDefinition, ProcessSpec } from './process.ts';
import { valueMissing } from './steps.ts';

// Durable twins of the RxJS operators that remember, each a small definition of a `process`, on untyped flows.

type AnySerde = Serde<unknown>;

interface TwinSpec<S extends StoreDeclarations, Timer extends string> extends Omit<ProcessSpec, 'definition'> {
  readonly processor: string;
  readonly definition: ProcessDefinition<unknown, unknown, unknown, S, Timer, never>;
}

/** Null values say nothing to these, so that null can stand for "none before". */
const twin = <S extends StoreDeclarations, Timer extends string = never>(
  flow: Flow,
  name: string,
  spec: TwinSpec<S, Timer>,
): Flow => processStep(flow, name, { ...spec, nullValues: false });

/** @throws TopologyError where nothing says how the stream's values are written */
function valueSerde(flow: Flow, name: string, operator: string): AnySerde {
  if (flow.value === undefined) throw valueMissing(flow, name, `.as(serde).${operator}('${name}', …)`);
  return flow.value;
}

const list = (value: AnySerde): StoreDeclaration<ListStore<unknown>> => ({ kind: 'list', value: value as never });

interface ScanSpec {
  readonly fn: (state: unknown, value: unknown, record: RecordContext) => unknown;
  readonly seed: unknown;
  readonly serde: AnySerde;
  readonly options: StoreOptions;
}

export function scanStep(flow: Flow, name: string, { fn, seed, serde, options }: ScanSpec): Flow {
  checkFunction(flow, name, fn);
  if (typeof (serde as Partial<AnySerde> | undefined)?.encode !== 'function')
    throw flow.draft.error(
      'TOPO_SERDE_MISSING',
      `scan '${name}' keeps a state of its own, and nothing says how it is written: give its serde as fourth argument.`,
      name,
    );
  // `fn` may change the state it is given: each key begins with a copy of its own
  const encoded = encodedSeed(flow, name, seed, serde);
  return twin(flow, name, {
    processor: 'scan',
    options,
    mainStore: 'state',
    definition: {
      stores: { state: store(serde) },
      forwards: serde,
      record(value, context) {
        const { stores, forward } = context;
        const state = returned(fn(stores.state.get() ?? serde.decode(encoded), value, context));
        stores.state.put(state);
        forward(state);
      },
    },
  });
}

function encodedSeed({ draft }: Flow, name: string, seed: unknown, serde: AnySerde): Uint8Array {
  try {
    return serde.encode(seed);
  } catch (error) {
    const problem = `the seed of '${name}' does not encode as ${serdeName(serde.description)}: ${(error as Error).message}`;
    throw draft.error('TOPO_GRAPH_INVALID', problem, name);
  }
}

type Compare = (previous: unknown, current: unknown) => boolean;

export type Distinction = Compare | { readonly by: (value: unknown, record: RecordContext) => Plain } | undefined;

export function distinctStep(flow: Flow, name: string, how: Distinction, options: StoreOptions): Flow {
  const operator = 'distinctUntilChanged';
  const common = { processor: operator, options, mainStore: 'last', value: flow.value };
  if (typeof how === 'function') {
    const last = store(valueSerde(flow, name, operator));
    return twin(flow, name, {
      ...common,
      definition: {
        stores: { last },
        record(value, { stores, forward }) {
          const previous = stores.last.get();
          if (previous !== null && how(previous, value)) return;
          stores.last.put(value);
          forward(value);
        },
      },
    });
  }
  if (how !== undefined) checkFunction(flow, name, how.by, 'by');
  const written = how === undefined ? valueSerde(flow, name, operator) : undefined;
  // what is compared is bytes: of the value as the stream writes it, or of what `by` selects
  const last = store(written === undefined ? bytes() : { ...bytes(), description: written.description });
  return twin(flow, name, {
    ...common,
    definition: {
      stores: { last },
      record(value, context) {
        const { stores, forward } = context;
        const current = written === undefined ? identity(how!.by(value, context)) : written.encode(value);
        const previous = stores.last.get();
        if (previous !== null && Buffer.compare(previous, current) === 0) return;
        stores.last.put(current);
        forward(value);
      },
    },
  });
}

export function pairwiseStep(flow: Flow, name: string, options: StoreOptions): Flow {
  return twin(flow, name, {
    processor: 'pairwise',
    options,
    mainStore: 'last',
    definition: {
      stores: { last: store(valueSerde(flow, name, 'pairwise')) },
      record(value, { stores, forward }) {
        const previous = stores.last.get();
        stores.last.put(value);
        if (previous !== null) forward([previous, value]);
      },
    },
  });
}

export function bufferCountStep(flow: Flow, name: string, count: number, options: StoreOptions): Flow {
  checkWhole(`bufferCount '${name}'`, count, 1, placeOf(flow, name));
  return twin(flow, name, {
    processor: 'bufferCount',
    options,
    mainStore: 'values',
    definition: {
      stores: { values: list(valueSerde(flow, name, 'bufferCount')) },
      record(value, { stores: { values }, forward }) {
        // not equal: the number may have been a larger one when the buffer began
        if (values.push(value) < count) return;
        const { timestamp } = values;
        forward(values.take(), { timestamp });
      },
    },
  });
}

export function bufferTimeStep(flow: Flow, name: string, duration: Duration, options: StoreOptions): Flow {
  const span = positiveMilliseconds(duration, `bufferTime '${name}'`, placeOf(flow, name));
  return twin(flow, name, {
    processor: 'bufferTime',
    options,
    mainStore: 'values',
    definition: {
      stores: { values: list(valueSerde(flow, name, 'bufferTime')) },
      record(value, { stores: { values }, timestamp, timers }) {
        if (values.push(value) === 1) timers.set('end', timestamp + span);
      },
      timers: {
        end({ stores: { values }, forward }) {
          const { timestamp } = values;
          forward(values.take(), { timestamp });
        },
      },
    },
    discards: {
      end(context) {
        const { stores } = context as { readonly stores: { readonly values: ListStore<unknown> } };
        return stores.values.takeBytes();
      },
    },
  });
}

export function debounceTimeStep(flow: Flow, name: string, duration: Duration, options: StoreOptions): Flow {
  const quiet = positiveMilliseconds(duration, `debounceTime '${name}'`, placeOf(flow, name));
  const serde = valueSerde(flow, name, 'debounceTime');
  const last = store(serde);
  return twin(flow, name, {
    processor: 'debounceTime',
    options,
    mainStore: 'last',
    value: flow.value,
    definition: {
      stores: { last },
      record(value, { stores, timestamp, timers }) {
        // one that comes late is no later value
        if (timestamp < stores.last.timestamp) return;
        stores.last.put(value);
        timers.set('quiet', timestamp + quiet);
      },
      timers: {
        quiet({ stores, forward }) {
          const { timestamp } = stores.last;
          const value = stores.last.get();
          stores.last.delete();
          forward(value, { timestamp });
        },
      },
    },
    discards: {
      quiet(context) {
        const { stores } = context as { readonly stores: { readonly last: NonNullable<(typeof last)['handle']> } };
        const value = serde.encode(stores.last.get());
        stores.last.delete();
        return [value];
      },
    },
  });
}

export function throttleTimeStep(flow: Flow, name: string, duration: Duration, options: StoreOptions): Flow {
  const pause = positiveMilliseconds(duration, `throttleTime '${name}'`, placeOf(flow, name));
  return twin(flow, name, {
    processor: 'throttleTime',
    options,
    value: flow.value,
    definition: {
      record(value, { timestamp, timers, forward }) {
        const end = timers.get('pause');
        if (end !== null && timestamp < end) return;
        timers.set('pause', timestamp + pause);
        forward(value);
      },
      timers: { pause() {} },
    },
  });
}
