import type { Place, TopologyError } from '../errors.ts';
import type { Serde } from '../serdes/serde.ts';
import { kindOf } from '../serdes/refusal.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { refusal } from './refusal.ts';
import type { Sink } from './topic.ts';

// What the compiler checks for callers with types is checked here for those without.

/** Of steps with a store. */
export const STORE_OPTIONS = ['renamedFrom', 'onDrop', 'onError'] as const satisfies (keyof StoreOptions)[];

/** Of steps without one. */
export const STEP_OPTIONS = ['onDrop', 'onError'] as const satisfies (keyof StoreOptions)[];

/** Where a step is, for messages. */
export const placeOf = ({ draft }: Flow, step: string): Place => ({ topology: draft.name, step });

/** @throws TopologyError where a step that takes its name first was given none */
export function checkName(flow: Flow, step: unknown): asserts step is string {
  if (typeof step === 'string') return;
  throw flow.draft.error(
    'TOPO_NAME_INVALID',
    `a step behind '${flow.step.label}' takes its name first, as in keyBy('by-policy', fn), and was given ${kindOf(step)}.`,
  );
}

/**
 * `step`: its name or, of steps without one, what it is called: `filter`. `part`: which of its functions.
 */
export function checkFunction(flow: Flow, step: string, fn: unknown, part?: string): void {
  checkName(flow, step);
  if (typeof fn === 'function') return;
  const what = part === undefined ? `'${step}'` : `${part} of '${step}'`;
  throw flow.draft.error('TOPO_GRAPH_INVALID', `${what} takes a function, not ${kindOf(fn)}.`);
}

export const isSerde = (value: unknown): value is Serde<unknown> =>
  typeof (value as Partial<Serde<unknown>> | null | undefined)?.encode === 'function';

/** `what` says of what it is the serde: `the key of 'by-policy'`. */
export function checkSerde(what: string, serde: unknown, place: Place = {}): asserts serde is Serde<unknown> {
  if (isSerde(serde)) return;
  throw refusal(
    'TOPO_SERDE_MISSING',
    `${what} is written by a serde, such as string() or json(), not by ${kindOf(serde)}.`,
    place,
  );
}

/** Refuses what is misspelt, since it would change nothing and say nothing. `what` takes the options: `'counted'`. */
export function checkOptions(what: string, options: unknown, known: readonly string[], place: Place = {}): void {
  if (options === undefined) return;
  const takes = known.length === 0 ? 'none' : `{ ${known.join(', ')} }`;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw refusal(
      'TOPO_GRAPH_INVALID',
      `the options of ${what} are an object, ${takes}, not ${kindOf(options)}.`,
      place,
    );
  const unknown = Object.keys(options).find(name => !known.includes(name));
  if (unknown !== undefined)
    throw refusal('TOPO_GRAPH_INVALID', `${what} has no option '${unknown}': it takes ${takes}.`, place);
  const { onDrop } = options as { readonly onDrop?: unknown };
  if (onDrop !== undefined && onDrop !== 'count' && onDrop !== 'dead-letter')
    throw refusal(
      'TOPO_GRAPH_INVALID',
      `the onDrop of ${what} is ${JSON.stringify(onDrop)}: it is 'count' or 'dead-letter'.`,
      place,
    );
}

/** `what` is given `number`: `concurrency of 'score'`. */
export function checkWhole(what: string, number: unknown, least: number, place: Place = {}): void {
  if (Number.isSafeInteger(number) && (number as number) >= least) return;
  const given =
    typeof number === 'bigint' ? `${number}n` : typeof number === 'number' ? number : JSON.stringify(number);
  throw refusal('TOPO_GRAPH_INVALID', `${what} is ${given}: it takes a whole number from ${least}.`, place);
}

/** A stream, a table, or one of those that are grouped. */
export const hasFlow = (value: unknown): value is { readonly [FLOW]: Flow } =>
  typeof value === 'object' && value !== null && FLOW in value;

/** Made by `topic` or `debezium`. */
export const isTopic = (value: unknown): value is Sink<never, never> =>
  typeof value === 'object' && value !== null && 'reference' in value && 'slot' in value;

/** `what` was given `other`, and takes something else. */
export function unfitting(flow: Flow, what: string, takes: string, other: unknown): TopologyError {
  const kind = isTopic(other) ? 'Topic' : hasFlow(other) ? other.constructor.name : undefined;
  const given = kind === undefined ? kindOf(other) : `a ${kind}`;
  const advice = kind === undefined ? undefined : ADVICE[kind];
  const message = `${what} takes ${takes}, not ${given}.`;
  return flow.draft.error('TOPO_GRAPH_INVALID', advice === undefined ? message : `${message} ${advice}`);
}

/** What to do with something that does not fit where it was given. */
const ADVICE: Readonly<Record<string, string>> = {
  Topic: `Read it with t.stream(topic) or t.table('a-name', topic).`,
  Stream: `Make a table of it, stream.toTable('a-name'), or join from the stream: stream.join('a-name', table, fn).`,
  Table: `Its changes are a stream: table.toStream().`,
  VersionedTable: `Its changes are a stream: table.toStream().`,
  GlobalTable: 'Only streams are joined with a global table.',
  GroupedStream: 'Group it behind the join.',
  GroupedTable: 'Group it behind the join.',
};

export function sameDraft(a: Flow, b: Flow, what: string): void {
  if (a.draft !== b.draft)
    throw a.draft.error(
      'TOPO_GRAPH_INVALID',
      `${what} brings together streams of two topologies, '${a.draft.name}' and '${b.draft.name}'.`,
    );
}
