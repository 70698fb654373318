import { FatalError, RecordError, TopologyError, TransientError } from '../errors.ts';
import type { Place } from '../errors.ts';

/** What happens to a unit that cannot be processed. */
export type ErrorPolicy = 'dead-letter' | 'stop';

/** The one place that decides it. */
export function decide(_error: RecordError, policy: ErrorPolicy): ErrorPolicy {
  return policy;
}

/**
 * What a throw out of a unit is: the record's fault, with the place it happened at. What is not the record's fault is thrown on.
 * @throws FatalError, TransientError
 */
export function asRecordError(thrown: unknown, place: Place): RecordError {
  if (thrown instanceof FatalError || thrown instanceof TransientError || thrown instanceof TopologyError) throw thrown;
  if (thrown instanceof RecordError)
    return new RecordError(
      thrown.code,
      thrown.message,
      { ...place, ...thrown.place },
      { cause: thrown.cause ?? thrown },
    );
  const detail = thrown instanceof Error ? `: ${thrown.message}` : '';
  return new RecordError('TOPO_USER_FUNCTION', `the function of step '${place.step}' threw${detail}`, place, {
    cause: thrown,
  });
}
