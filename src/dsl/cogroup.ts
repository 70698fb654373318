import { composeBeside } from './composed-aggregator.ts';
import { checkFunction, hasFlow, unfitting } from './arguments.ts';
import type { CustomAggregator } from './custom-aggregator.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { aggregateStep, aggregatorOf, fieldsOf } from './grouped.ts';
import type { Window } from './window.ts';

// What co-grouped streams share, on untyped flows.

/** One of the streams that are aggregated together, with what it adds: fields, or a function. */
export interface CogroupPart {
  readonly flow: Flow;
  readonly given: unknown;
}

/** A further one. */
export function besides(parts: readonly CogroupPart[], other: unknown, given: unknown): CogroupPart {
  if (hasFlow(other)) return { flow: other[FLOW], given };
  throw unfitting(parts[0]!.flow, 'and', 'a grouped stream, such as stream.groupByKey()', other);
}

interface CogroupOptions {
  readonly options: StoreOptions | undefined;
  readonly window?: Window;
}

/** @throws TopologyError where two streams have a field of one name */
export function cogroupFields(parts: readonly CogroupPart[], name: string, options: CogroupOptions): Flow {
  const [{ flow }] = parts as readonly [CogroupPart];
  const fields = parts.map(part => fieldsOf(part.flow, name, part.given));
  const names = fields.flatMap(Object.keys);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined)
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `aggregate '${name}' has two fields '${twice}', of two streams: give one of them another name.`,
      name,
    );
  return cogroupStep(parts, name, { ...composeBeside(fields), ...options });
}

/** `state`: a custom aggregator without its `add`. */
export function cogroupCustom(
  parts: readonly CogroupPart[],
  name: string,
  state: unknown,
  options: CogroupOptions,
): Flow {
  const [{ flow }] = parts as readonly [CogroupPart];
  for (const { given } of parts) checkFunction(flow, name, given);
  const adds = parts.map(({ given }) => given as Add);
  const aggregator = aggregatorOf(flow, name, { ...(state as object), add: adds[0] });
  return cogroupStep(parts, name, { aggregator, adds, ...options });
}

type Add = CustomAggregator<unknown, unknown>['add'];

function cogroupStep(
  parts: readonly CogroupPart[],
  name: string,
  spec: CogroupOptions & { readonly aggregator: ReturnType<typeof aggregatorOf>; readonly adds: readonly Add[] },
): Flow {
  const { aggregator, adds, options = {}, window } = spec;
  const [first, ...others] = parts.map(({ flow }) => flow);
  return aggregateStep(first!, name, { aggregator, adds, others, table: false, options, window });
}
