import { inspect } from 'node:util';
import { TopoError, ERROR_CODES } from '../errors.ts';
import type { ErrorCode, Place } from '../errors.ts';
import { frameLines, framesOf, frameText, isUsers, throwingFrame } from './stack.ts';

/** An error as a user sees it. */
export interface Report {
  readonly code: ErrorCode;
  /** One paragraph: what is wrong, where, what to do. */
  readonly message: string;
  readonly place: Place;
}

/**
 * Whether topologies run in this process: then what a function of theirs throws may come up anywhere, and its message may quote a
 * record, which no output may hold.
 */
export interface Quoting {
  readonly runs: boolean;
}

/**
 * What a command's failure is to its user. An error with one of our codes speaks for itself, whichever copy of the package threw
 * it, but for what is wrong with a record: its message is for the dead letter, which holds the record anyway. Anything else is a
 * defect of ours, or of a function that threw where no step waits for it.
 */
export function reportOf(error: unknown, { runs }: Quoting): Report {
  if (isOurs(error)) {
    const what = isAboutRecord(error) ? `${ERROR_CODES[error.code]}.` : error.message;
    const text = what + whereText(error, what) + throwText(error);
    return { code: error.code, message: oneParagraph(text), place: error.place ?? {} };
  }
  const frame = error instanceof Error ? throwingFrame(error) : undefined;
  if (runs && frame !== undefined)
    return {
      code: 'TOPO_USER_FUNCTION',
      message:
        `${frameText(frame)} threw where no step waits for it: a promise that nobody awaits, or a callback. Nothing of the open ` +
        'epochs is committed. Return the promise, or catch what may fail.',
      place: {},
    };
  const what = runs ? withheld(error) : messageOf(error);
  return {
    code: 'TOPO_INTERNAL',
    message: oneParagraph(
      `${what}. This is a defect of Topo. Please report it with what the same command prints with --verbose.`,
    ),
    place: {},
  };
}

/** `error TOPO_…: …`, then with `verbose` the stack and every cause behind it. */
export function errorText(error: unknown, { verbose, runs }: Quoting & { readonly verbose: boolean }): string {
  const { code, message } = reportOf(error, { runs });
  const lines = [`error ${code}: ${message}`];
  if (!verbose) return lines.join('\n');
  const chain = causesOf(error);
  let quotes = runs && !isOurs(error);
  for (const [index, one] of chain.entries()) {
    // what a record's error comes from is what a function or a serde threw
    quotes ||= isOurs(one) && isAboutRecord(one);
    lines.push(`${index === 0 ? '\n' : 'caused by '}${quotes ? withheldStack(one) : stackOf(one)}`);
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

/** By its name: it may be of another copy of the package. */
const isAboutRecord = ({ name }: Coded): boolean => name === 'RecordError';

/** Where in the user's files it was thrown, if what a function threw is behind it. */
function throwText(error: Coded): string {
  const chain = causesOf(error);
  if (!chain.some(one => isOurs(one) && isAboutRecord(one))) return '';
  const frame = chain.flatMap(one => (one instanceof Error ? framesOf(one).filter(isUsers) : []))[0];
  return frame === undefined ? '' : ` (thrown at ${frameText(frame)})`;
}

/** The parts of the place that the message does not name by itself. */
function whereText({ place = {} }: Coded, message: string): string {
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

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? messageOf(error)) : inspect(error);

const NAME = /^\w{1,60}$/;

function withheld(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no Error was thrown (it may quote a record)';
  return `${NAME.test(error.name) ? error.name : 'an Error'} (its message may quote a record)`;
}

const withheldStack = (error: unknown): string =>
  [withheld(error), ...(error instanceof Error ? frameLines(error) : [])].join('\n');

/** The error, and what it was caused by, and so on. */
function causesOf(error: unknown): unknown[] {
  const chain = [error];
  for (let one = error; one instanceof Error && one.cause !== undefined && !chain.includes(one.cause); one = one.cause)
    chain.push(one.cause);
  return chain;
}
