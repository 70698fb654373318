import { inspect } from 'node:util';
import { TopoError, ERROR_CODES } from '../errors.ts';
import type { ErrorCode, Place } from '../errors.ts';

/** An error as a user sees it. */
export interface Report {
  readonly code: ErrorCode;
  /** One paragraph: what is wrong, where, what to do. */
  readonly message: string;
  readonly place: Place;
}

/**
 * What a command's failure is to its user. An error with one of our codes speaks for itself, whichever copy of the package threw
 * it; anything else is a defect of ours.
 */
export function reportOf(error: unknown): Report {
  if (isOurs(error))
    return { code: error.code, message: oneParagraph(error.message + whereText(error)), place: error.place ?? {} };
  const what = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
  return {
    code: 'TOPO_INTERNAL',
    message: oneParagraph(
      `${what}. This is a defect of Topo. Please report it with what the same command prints with --verbose.`,
    ),
    place: {},
  };
}

/** `error TOPO_…: …`, then with `verbose` the stack and every cause behind it. */
export function errorText(error: unknown, verbose: boolean): string {
  const { code, message } = reportOf(error);
  const lines = [`error ${code}: ${message}`];
  if (verbose) {
    lines.push('', stackOf(error));
    const seen = new Set([error]);
    for (let cause = causeOf(error); cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
      seen.add(cause);
      lines.push(`caused by ${stackOf(cause)}`);
    }
  }
  return lines.join('\n');
}

type Coded = Error & { readonly code: ErrorCode; readonly place?: Place };

function isOurs(error: unknown): error is Coded {
  if (error instanceof TopoError) return true;
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    Object.hasOwn(ERROR_CODES, error.code)
  );
}

/** The parts of the place that the message does not name by itself. */
function whereText({ message, place = {} }: Coded): string {
  const { topology, step, topic, partition, offset, path } = place;
  const partitionText =
    partition === undefined
      ? undefined
      : `${topic ?? ''}-${partition}${offset === undefined ? '' : ` offset ${offset}`}`;
  const parts = [
    topology !== undefined && !message.includes(topology) ? `topology ${topology}` : '',
    step !== undefined && !message.includes(step) ? `step ${step}` : '',
    partitionText === undefined && topic !== undefined && !message.includes(topic) ? `topic ${topic}` : '',
    partitionText !== undefined && !message.includes(partitionText) ? partitionText : '',
    path !== undefined && !message.includes(path) ? path : '',
  ].filter(part => part !== '');
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

export function oneParagraph(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : inspect(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? (error.cause ?? undefined) : undefined;
}
