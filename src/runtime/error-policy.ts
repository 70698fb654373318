import { FatalError, RecordError, TopologyError, TransientError } from '../errors.ts';
import type { Place } from '../errors.ts';
import type { ErrorAction, ErrorFunction, ErrorPolicy, RetryPolicy } from '../graph/error-policy.ts';
import type { RecordContext } from '../graph/functions.ts';
import type { Topology } from '../graph/topology.ts';
import { synchronous } from './values.ts';

/** A function of `onError` has decided about an error: it is not asked again. */
export class Verdict extends Error {
  constructor(
    readonly error: RecordError,
    readonly action: ErrorAction,
  ) {
    super(error.message, { cause: error });
  }
}

/** What another attempt of the unit would come to as well: it has none. */
export class Final extends Error {
  constructor(readonly thrown: unknown) {
    super('it failed for good', { cause: thrown });
  }
}

/** What the steps of a topology do with errors: their own policy, or the topology's or run's. */
export class ErrorPolicies {
  constructor(
    private readonly topology: Topology,
    private readonly common: ErrorPolicy,
  ) {}

  of(step: string): ErrorPolicy {
    return (this.topology.functions[step]?.['onError'] as ErrorPolicy | undefined) ?? this.common;
  }

  /** Of a step's own policy: a function that may give a value in place of a result. */
  substituteOf(step: string): ErrorFunction | null {
    const own = this.topology.functions[step]?.['onError'] as ErrorPolicy | undefined;
    const last = own !== undefined && isRetry(own) ? own.then : own;
    return typeof last === 'function' ? (last as ErrorFunction) : null;
  }
}

export const isRetry = (policy: ErrorPolicy): policy is RetryPolicy => typeof policy === 'object';

/** Asks a function of `onError`. @throws RecordError where it throws itself, or says what it cannot */
export function ask(
  fn: ErrorFunction,
  error: RecordError,
  record: RecordContext,
  value: unknown,
): ErrorAction | { readonly value: unknown } {
  const failed = (problem: string, cause: unknown) =>
    new RecordError(
      'TOPO_USER_FUNCTION',
      `onError of '${error.place.step}' ${problem}. It was asked about: ${error.message}`,
      error.place,
      { cause },
    );
  let decision: ReturnType<ErrorFunction>;
  try {
    const given = synchronous(fn(error, record, value)) as ErrorAction | { readonly value: unknown } | null;
    decision = typeof given === 'object' && given !== null ? { value: synchronous(given.value) } : given!;
  } catch (thrown) {
    throw failed(`threw: ${thrown instanceof Error ? thrown.message : 'no error'}`, thrown);
  }
  if (decision === 'dead-letter' || decision === 'stop') return decision;
  if (typeof decision === 'object' && decision.value !== undefined) return decision;
  throw failed("returned neither 'dead-letter' nor 'stop' nor { value }", error);
}

/**
 * What a throw out of a unit is: the record's fault, with the place it happened at. What is not the record's fault is thrown on.
 * @throws FatalError, TransientError
 */
export function asRecordError(thrown: unknown, place: Place): RecordError {
  if (thrown instanceof FatalError || thrown instanceof TransientError || thrown instanceof TopologyError) throw thrown;
  if (thrown instanceof Verdict) return thrown.error;
  if (thrown instanceof Final) return asRecordError(thrown.thrown, place);
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
