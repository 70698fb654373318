import { checkFunction, checkOptions, placeOf, sameDraft, STEP_OPTIONS } from './arguments.ts';
import { FLOW } from './flow.ts';
import type { Flow, JoinsAsGlobalTable } from './flow.ts';
import { processorStep } from './steps.ts';
import type { AnyStoreOptions } from './steps.ts';

/**
 * A topic's last rows, all of them in every task: a stream joins it by whatever its records name, without a repartition. See
 * `t.globalTable`.
 */
export class GlobalTable<in out K, in out V> {
  /** Never there: holds the types, and what the compiler says where it does not fit. */
  declare readonly joins: JoinsAsGlobalTable['joins'];
  declare readonly holds: (key: K, row: V) => [K, V];
  readonly [FLOW]: Flow;

  constructor(flow: Flow) {
    this[FLOW] = flow;
  }
}

export interface GlobalJoinSpec {
  /** The key of the row that a value names. */
  readonly keyOf: unknown;
  readonly fn: unknown;
  readonly left: boolean;
  readonly options: AnyStoreOptions | undefined;
}

export function globalJoin(flow: Flow, name: string, table: { readonly [FLOW]: Flow }, spec: GlobalJoinSpec): Flow {
  const { keyOf, fn, left, options } = spec;
  const rows = table[FLOW];
  checkFunction(flow, name, keyOf, 'keyOf');
  checkFunction(flow, name, fn);
  checkOptions(`'${name}'`, options, STEP_OPTIONS, placeOf(flow, name));
  sameDraft(flow, rows, `join '${name}'`);
  return processorStep(flow, name, {
    processor: 'globalJoin',
    what: 'a join',
    table: false,
    anyPartition: true,
    tables: [rows.step],
    slots: () => ({ keyOf, fn, key: rows.key.serde! }),
    options: { left },
    ...(options && { storeOptions: options }),
  });
}
