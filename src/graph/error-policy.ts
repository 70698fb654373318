import type { RecordError } from '../errors.ts';
import type { RecordContext } from './functions.ts';

/** What ends a unit that cannot be processed: it is kept as a dead letter, or the run stops in front of it. */
export type ErrorAction = 'dead-letter' | 'stop';

/**
 * Decides about an error of a step. `value` is what entered the step. In place of what the step's function should have returned, it
 * may give `{ value }`, with which the record goes on. Synchronous; it may be asked again for a record that is processed again.
 */
export type ErrorFunction<K = unknown, V = unknown, R = unknown> = (
  error: RecordError,
  record: RecordContext<K>,
  value: V,
) => ErrorAction | { readonly value: R };

/** A unit that fails is tried again as a whole, in its place: what stands behind it in its task waits. */
export interface RetryPolicy {
  /** After the first attempt. */
  readonly times: number;
  /** Before the first retry; twice that before the second, and so on, 30 s at most. */
  readonly backoffMs: number;
  /** When the last retry has failed too. */
  readonly then: ErrorAction | ErrorFunction<never, never>;
}

/** What happens to a unit that cannot be processed. */
export type ErrorPolicy = ErrorAction | ErrorFunction<never, never> | RetryPolicy;
