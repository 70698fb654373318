import { checkFunction, checkOptions, placeOf, sameDraft, STEP_OPTIONS, STORE_OPTIONS } from './arguments.ts';
import { milliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import type { ErrorOptions } from './on-error.ts';
import { mustBeReadable, processorStep, valueMissing } from './steps.ts';
import type { ProcessorSpec } from './steps.ts';

/** What a join of a stream with a versioned table takes, where its records wait for the table. */
export interface GraceOptions<K = unknown, V = unknown, R = never>
  extends Omit<StoreOptions, 'onError'>, ErrorOptions<K, V, R> {
  /**
   * How much later than a record the table's values for its time may come: so long, by the stream's time, the record waits in
   * the step's store. No longer than the table's history.
   */
  readonly grace: Duration;
}

interface StreamTableJoinSpec {
  readonly table: { readonly [FLOW]: Flow };
  readonly fn: unknown;
  readonly left: boolean;
  readonly options: Partial<GraceOptions<never, never, unknown>>;
}

/** A join of a stream's records with the rows of a table. */
export function streamTableJoinStep(flow: Flow, name: string, spec: StreamTableJoinSpec): Flow {
  const { draft } = flow;
  const { fn, left, options } = spec;
  const rows = spec.table[FLOW];
  checkFunction(flow, name, fn);
  const isWaiting = options.grace !== undefined;
  checkOptions(
    `'${name}'`,
    options,
    isWaiting ? ['grace', ...STORE_OPTIONS] : [...STEP_OPTIONS, 'grace'],
    placeOf(flow, name),
  );
  sameDraft(flow, rows, `join '${name}'`);
  mustBeReadable(rows, name);
  const joined = processorStep(flow, name, {
    what: 'a join',
    table: false,
    tables: [rows.step],
    storeOptions: options,
    ...(options.grace === undefined
      ? { processor: 'join', slots: { fn }, options: { left } }
      : waiting(flow, name, { ...spec, grace: options.grace, historyMs: rows.versionedMs })),
  });
  rows.key.need(name, draft.name);
  flow.key.unite(rows.key, name, draft.name);
  return joined;
}

interface WaitingSpec extends StreamTableJoinSpec {
  readonly grace: Duration;
  /** Undefined: the table has none. */
  readonly historyMs: number | undefined;
}

/** The records wait in a store of the step, so it must be known how they are written. */
function waiting(
  flow: Flow,
  name: string,
  { fn, left, grace, historyMs }: WaitingSpec,
): Pick<ProcessorSpec, 'processor' | 'slots' | 'options' | 'stores'> {
  const { draft, value } = flow;
  if (historyMs === undefined)
    throw draft.error(
      'TOPO_GRAPH_INVALID',
      `join '${name}' has a grace, and its table keeps no versions to look up as of a record's time. Give the table a history, ` +
        `t.table(name, topic, { versioned: '5 min' }), or leave out the grace.`,
      name,
    );
  const graceMs = milliseconds(grace, `the grace of join '${name}'`, placeOf(flow, name));
  if (graceMs > historyMs)
    throw draft.error(
      'TOPO_GRAPH_INVALID',
      `join '${name}' has a grace of ${graceMs} ms, and its table's history of ${historyMs} ms is shorter: what a record waited ` +
        `for would be gone. Give the table a history of at least the grace.`,
      name,
    );
  if (value === undefined) throw valueMissing(flow, name, `.as(serde) in front of '${name}'`);
  return {
    processor: 'graceJoin',
    slots: () => ({ fn, key: flow.key.serde, value }),
    options: { left, graceMs },
    stores: [{ value: { description: { type: 'waiting', of: value.description } } }],
  };
}
