import { checkName, checkOptions, checkWhole, placeOf } from './arguments.ts';
import { positiveMilliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { processorStep, valueMissing } from './steps.ts';

export interface SuppressOptions extends Pick<StoreOptions, 'renamedFrom'> {
  /** How long a row's changes are held back, from the first of them on, by the timestamps of the changes. */
  readonly timeLimit: Duration;
  /** Where so many rows wait and another comes, the one that waits longest is handed on at once. Default: no limit. */
  readonly maxRecords?: number;
}

/** @throws TopologyError on options that cannot be */
export function suppressStep(flow: Flow, name: string, options: SuppressOptions): Flow {
  const { value, draft, key } = flow;
  const place = placeOf(flow, name);
  checkName(flow, name);
  checkOptions(`suppress '${name}'`, options, ['timeLimit', 'maxRecords', 'renamedFrom'], place);
  // for callers without types
  const { timeLimit, maxRecords, renamedFrom } = (options as typeof options | undefined) ?? ({} as typeof options);
  if (value === undefined) throw valueMissing(flow, name, `.as(serde).suppress('${name}', …)`);
  if (flow.versionedMs !== undefined)
    throw draft.error(
      'TOPO_GRAPH_INVALID',
      `suppress '${name}' holds back the last change of a row, and '${flow.step.label}' is versioned: changes that come out of ` +
        `order are part of what it says. Suppress a plain table.`,
      name,
    );
  if (maxRecords !== undefined) checkWhole(`suppress '${name}': 'maxRecords'`, maxRecords, 1, place);
  const limitMs = positiveMilliseconds(timeLimit, `suppress '${name}': 'timeLimit'`, place);
  return processorStep(flow, name, {
    processor: 'suppress',
    what: 'a suppress',
    table: true,
    slots: () => ({ row: value, key: key.serde }),
    options: { limitMs, ...(maxRecords !== undefined && { maxRecords }) },
    stores: [
      {
        key: () => ({ description: { type: 'waiting-key', of: key.serde!.description } }),
        value: { description: { type: 'waiting-change', of: value.description } },
      },
    ],
    storeOptions: { ...(renamedFrom !== undefined && { renamedFrom }) },
    value,
  });
}
