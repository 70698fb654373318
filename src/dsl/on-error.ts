import type { Place } from '../errors.ts';
import type { ErrorAction, ErrorFunction, ErrorPolicy } from '../graph/error-policy.ts';
import { kindOf } from '../serdes/refusal.ts';
import { checkOptions, checkWhole } from './arguments.ts';
import { milliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import { refusal } from './refusal.ts';

/**
 * What happens to a record that a step cannot process: it is kept as a dead letter, or the run stops in front of it, or a function
 * decides; with `retry`, that happens only when the last retry has failed too. A retry takes the record whole again, in its place:
 * what stands behind it in its partition waits. `backoff` (default 100 ms) comes before the first one, twice that before the second,
 * and so on, 30 s at most.
 */
export type OnError<K = unknown, V = unknown, R = never> =
  | ErrorAction
  | ErrorFunction<K, V, R>
  | {
      readonly retry: { readonly times: number; readonly backoff?: Duration };
      /** Default `dead-letter`. */
      readonly then?: ErrorAction | ErrorFunction<K, V, R>;
    };

/** Of a step whose function gives a result of type `R`: `onError` may give another in its place. */
export interface ErrorOptions<K, V, R> {
  /** Default: what the run says, else the topology, and that is `dead-letter`. */
  readonly onError?: OnError<K, V, R>;
}

const DEFAULT_BACKOFF_MS = 100;

/** `what` is it the `onError` of: `'with-policy'`. @throws TopologyError for what is none */
export function errorPolicy(what: string, given: unknown, place: Place): ErrorPolicy {
  if (isAction(given)) return given;
  if (typeof given !== 'object' || given === null)
    throw refusal(
      'TOPO_GRAPH_INVALID',
      `the onError of ${what} is ${typeof given === 'string' ? `'${given}'` : kindOf(given)}: it is 'dead-letter', 'stop', ` +
        `a function, or { retry: { times, backoff }, then }.`,
      place,
    );
  checkOptions(`the onError of ${what}`, given, ['retry', 'then'], place);
  const { retry, then = 'dead-letter' } = given as Exclude<OnError, ErrorAction | ErrorFunction>;
  checkOptions(`the retry of ${what}`, retry ?? null, ['times', 'backoff'], place);
  const { times, backoff = DEFAULT_BACKOFF_MS } = retry;
  checkWhole(`the retry.times of ${what}`, times, 1, place);
  if (!isAction(then))
    throw refusal('TOPO_GRAPH_INVALID', `what ${what} does then is 'dead-letter', 'stop' or a function.`, place);
  return { times, backoffMs: milliseconds(backoff, `the retry.backoff of ${what}`, place), then };
}

const isAction = (given: unknown): given is ErrorAction | ErrorFunction<never, never> =>
  given === 'dead-letter' || given === 'stop' || typeof given === 'function';

/** Of any step: the classes around the steps have checked the types. */
export type AnyErrorOptions = ErrorOptions<never, never, unknown>;
