import { checkFunction, checkOptions, placeOf, sameDraft, STORE_OPTIONS } from './arguments.ts';
import { FLOW } from './flow.ts';
import type { Flow } from './flow.ts';
import type { JoinWindow } from './join-window.ts';
import { processorStep, valueMissing } from './steps.ts';
import type { AnyStoreOptions } from './steps.ts';

interface StreamJoinSpec {
  /** How its method is called. */
  readonly method: 'join' | 'leftJoin' | 'outerJoin';
  readonly right: { readonly [FLOW]: Flow };
  readonly window: JoinWindow;
  readonly fn: unknown;
  readonly options: AnyStoreOptions;
}

/** Each side's records wait for the other's in a store of their own, so both must say how their values are written. */
export function streamJoinStep(flow: Flow, name: string, spec: StreamJoinSpec): Flow {
  const { method, window, fn, options } = spec;
  const right = spec.right[FLOW];
  checkWindow(flow, name, spec);
  checkFunction(flow, name, fn);
  checkOptions(`'${name}'`, options, STORE_OPTIONS, placeOf(flow, name));
  sameDraft(flow, right, `${method} '${name}'`);
  const [leftValue, rightValue] = [flow.value, right.value];
  if (leftValue === undefined) throw valueMissing(flow, name, `.as(serde).${method}('${name}', …)`);
  if (rightValue === undefined) throw valueMissing(right, name, `.${method}('${name}', right.as(serde), …)`);
  const { beforeMs, afterMs, graceMs } = window;
  const bucketMs = bucketFor(beforeMs + afterMs + 1);
  const key = () => ({ description: { type: 'join-key', of: flow.key.serde!.description, bucketMs } }) as const;
  return processorStep(flow, name, {
    processor: 'streamJoin',
    what: `a ${method}`,
    table: false,
    others: [right],
    slots: () => ({ fn, key: flow.key.serde, left: leftValue, right: rightValue }),
    options: { left: method !== 'join', right: method === 'outerJoin', beforeMs, afterMs, graceMs, bucketMs },
    stores: [
      { suffix: '-left', value: { description: { type: 'join-page', of: leftValue.description } }, key },
      { suffix: '-right', value: { description: { type: 'join-page', of: rightValue.description } }, key },
    ],
    storeOptions: options,
  });
}

/**
 * How much time one stored value spans: records of the other side that one record may join lie in two such stretches at most. A
 * power of two, so that a window can change a little and find what it stored before.
 */
function bucketFor(spanMs: number): number {
  let ms = 1;
  while (ms < spanMs) ms *= 2;
  return ms;
}

/** For callers without types. */
function checkWindow(flow: Flow, name: string, { method, window }: StreamJoinSpec): void {
  const { beforeMs, afterMs, graceMs } = (window ?? {}) as Partial<JoinWindow>;
  if ([beforeMs, afterMs, graceMs].every(ms => typeof ms === 'number')) return;
  throw flow.draft.error(
    'TOPO_GRAPH_INVALID',
    `'${name}' joins two streams, which takes a window: ${method}('${name}', right, within('10 s'), (left, right) => …).`,
    name,
  );
}
