import { RecordError } from '../errors.ts';

/**
 * What every serde of ours throws on bytes it cannot read: names types and fields, never content. So an error of a library
 * that quotes its input (`JSON.parse`) is replaced, not kept as a cause.
 */
export function undecodable(problem: string): RecordError {
  return new RecordError('TOPO_DECODE', problem);
}

/** The same for a value that cannot be written. */
export function unencodable(problem: string): RecordError {
  return new RecordError('TOPO_ENCODE', problem);
}

/** "a string", "an array": what a value is, without saying what it holds. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Uint8Array) return 'bytes';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const LONGEST_PATH = 200;

/** The end of a path within a value, whose names may be the data's own, and long: messages get into logs and headers. */
export function shortPath(path: string): string {
  return path.length <= LONGEST_PATH ? path : `…${path.slice(-LONGEST_PATH)}`;
}
