import type { Duration } from './duration.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { positiveDuration } from './process.ts';
import { checkFunction, processorStep } from './steps.ts';

export interface DedupeSpec {
  readonly by: unknown;
  readonly within: Duration;
}

/** Ids are kept without a value. */
const IDS = { description: { type: 'custom', name: 'topo.id' } } as const;

export function dedupeStep(flow: Flow, name: string, spec: DedupeSpec & StoreOptions): Flow {
  // for callers without types
  const { by, within, ...options } = (spec as typeof spec | undefined) ?? ({} as typeof spec);
  checkFunction(flow, `by of ${String(name)}`, by);
  return processorStep(flow, name, {
    processor: 'dedupe',
    what: 'a dedupe',
    table: false,
    slots: { by },
    options: { withinMs: positiveDuration(flow, within, `'within' of '${name}'`, name) },
    stores: [{ value: IDS }],
    storeOptions: options,
    value: flow.value,
  });
}
