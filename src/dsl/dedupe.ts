import { checkFunction, checkOptions, placeOf, STORE_OPTIONS } from './arguments.ts';
import { positiveMilliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { processorStep } from './steps.ts';

export interface DedupeSpec {
  readonly by: unknown;
  readonly within: Duration;
}

/** Ids are kept without a value. */
const IDS = { description: { type: 'custom', name: 'topo.id' } } as const;

export function dedupeStep(flow: Flow, name: string, spec: DedupeSpec & StoreOptions): Flow {
  // for callers without types
  const { by, within, ...options } = (spec as typeof spec | undefined) ?? ({} as typeof spec);
  checkFunction(flow, name, by, 'by');
  checkOptions(`'${name}'`, spec, ['by', 'within', ...STORE_OPTIONS], placeOf(flow, name));
  return processorStep(flow, name, {
    processor: 'dedupe',
    what: 'a dedupe',
    table: false,
    slots: { by },
    options: { withinMs: positiveMilliseconds(within, `'within' of '${name}'`, placeOf(flow, name)) },
    stores: [{ value: IDS }],
    storeOptions: options,
    value: flow.value,
  });
}
