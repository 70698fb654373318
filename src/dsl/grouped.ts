import { count, sum } from './aggregators.ts';
import type { FieldAggregator } from './aggregators.ts';
import { compose, single } from './composed-aggregator.ts';
import { custom, reducer } from './custom-aggregator.ts';
import type { CustomAggregator } from './custom-aggregator.ts';
import type { Aggregator } from '../graph/functions.ts';
import { checkFunction, checkName, checkOptions, checkSerde, placeOf, STORE_OPTIONS } from './arguments.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { processorStep, valueMissing } from './steps.ts';
import { windowedSpec } from './window-steps.ts';
import type { Window } from './window.ts';

// What grouped streams and grouped tables share, on untyped flows.

type AnyAggregator = Aggregator<unknown, unknown, unknown>;
type AnyField = FieldAggregator<unknown, unknown>;
type Fold = (state: never, value: never) => unknown;

export const counter = (): AnyAggregator => single(count());

export function summer(flow: Flow, name: string, fn: (value: never) => number | bigint): AnyAggregator {
  checkFunction(flow, name, fn);
  return single(sum(fn));
}

/** From what `aggregate` was given: one object of field aggregators, one alone, or the user's own. */
export function aggregatorOf(flow: Flow, name: string, given: unknown): AnyAggregator {
  checkName(flow, name);
  if (isField(given)) return single(given);
  const { add, init, serde } = (given ?? {}) as Partial<CustomAggregator<unknown, unknown>>;
  if (typeof add === 'function' && typeof init === 'function') {
    if (serde === undefined)
      throw flow.draft.error(
        'TOPO_SERDE_MISSING',
        `aggregate '${name}' keeps a state of its own making, and nothing says how it is written: give its aggregator a serde.`,
        name,
      );
    checkSerde(`the state of aggregate '${name}'`, serde, placeOf(flow, name));
    return custom(given as CustomAggregator<unknown, unknown>);
  }
  return compose(fieldsOf(flow, name, given));
}

/** @throws TopologyError where it is no object of field aggregators */
export function fieldsOf(flow: Flow, name: string, given: unknown): Readonly<Record<string, AnyField>> {
  const fields = Object.entries(given ?? {});
  const wrong = fields.find(([, field]) => !isField(field));
  if (wrong || fields.length === 0)
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `aggregate '${name}' takes an object of aggregators such as { claims: count() }, or { init, add, serde }` +
        (wrong ? `; '${wrong[0]}' is neither.` : '; it is empty.'),
      name,
    );
  return given as Readonly<Record<string, AnyField>>;
}

/** The same for a table. @throws TopologyError where a field has no inverse */
export function tableAggregatorOf(flow: Flow, name: string, given: unknown): AnyAggregator {
  const aggregator = aggregatorOf(flow, name, given);
  const fields = isField(given) ? [['', given] as const] : Object.entries(given as object);
  const [field, stuck] = fields.find(([, field]) => isField(field) && field.subtract === undefined) ?? [];
  if (stuck)
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `aggregate '${name}' is on a table, whose rows change and go${field === '' ? '' : `; its field '${field}'`}: ` +
        `${(stuck as FieldAggregator<unknown, unknown>).kind} has no inverse that takes a row out again. ` +
        `Keep the values with countDistinct or collect, or aggregate the table's stream.`,
      name,
    );
  return aggregator;
}

export function reducerOf(flow: Flow, name: string, folds: readonly [Fold, Fold?], given: unknown): AnyAggregator {
  for (const fold of folds) checkFunction(flow, name, fold);
  const serde = given ?? flow.value;
  if (serde === undefined) throw valueMissing(flow, name, `.as(serde) behind '${flow.step.label}'`);
  checkSerde(`the value of '${name}'`, serde, placeOf(flow, name));
  const [add, subtract] = folds as readonly [never, never];
  return reducer<unknown>(add, subtract, serde);
}

interface AggregateSpec {
  readonly aggregator: AnyAggregator;
  readonly table: boolean;
  readonly options: StoreOptions;
  readonly window?: Window | undefined;
  /** Further streams with the same keys; `adds`: what each stream adds, the first included. */
  readonly others?: readonly Flow[];
  readonly adds?: readonly AnyAggregator['add'][];
}

/** @throws TopologyError where a table's aggregator has no inverse, or that of sessions no `merge` */
export function aggregateStep(flow: Flow, name: string, spec: AggregateSpec): Flow {
  const { aggregator, table, options, window, others, adds } = spec;
  checkName(flow, name);
  checkOptions(`'${name}'`, options, STORE_OPTIONS, placeOf(flow, name));
  if (table && aggregator.subtract === undefined)
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `aggregate '${name}' is on a table, whose rows change and go: its aggregator needs a 'subtract' that takes a row out again.`,
      name,
    );
  const windows = window && windowedSpec(flow, name, window, aggregator);
  return processorStep(flow, name, {
    processor: table ? 'aggregateTable' : 'aggregate',
    what: 'an aggregate',
    table: true,
    slots: () => ({ aggregator, ...(adds && { adds }), ...(windows && { key: windows.key.serde }) }),
    stores: [{ value: aggregator.serde }],
    storeOptions: options,
    value: aggregator.resultSerde,
    // a window's row goes with its close, which no record says: what looked it up would find none, and an old result that never was
    readable: windows === undefined,
    ...(others && { others }),
    ...windows,
  });
}

/** An object of fields may have one that is called `kind`. */
const isField = (value: unknown): value is FieldAggregator<unknown, unknown> =>
  typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string' && 'init' in value;
