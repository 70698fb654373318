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
