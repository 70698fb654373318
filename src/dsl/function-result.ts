import { RecordError } from '../errors.ts';
import { plainDataProblem } from '../serdes/plain-data.ts';
import { kindOf } from '../serdes/refusal.ts';

// What is wrong with what the function of an aggregator or a `scan` returned.

/** @throws TypeError where `value` is or holds what is no plain data */
export function plain(name: string, value: unknown): unknown {
  const problem = plainDataProblem(value);
  if (problem === null) return value;
  throw new TypeError(`${name} keeps plain data: its function returned ${problem}`);
}

/** @throws TypeError where one is a number, say, and the other a bigint */
export function checkSameType(name: string, one: unknown, other: unknown): void {
  if (typeof one !== typeof other)
    throw new TypeError(
      `${name} compares a ${typeof one} with a ${typeof other}: its function must return one type, always`,
    );
}

export const unfit = (name: string, takes: string, value: unknown): TypeError =>
  new TypeError(
    `${name} takes ${takes}: its function returned ${typeof value === 'number' ? String(value) : kindOf(value)}`,
  );

/** What becomes a state: the store would say that it was given nothing. @throws RecordError `TOPO_RESULT_UNDEFINED` */
export function returned<T>(state: T): T {
  if (state === undefined)
    throw new RecordError('TOPO_RESULT_UNDEFINED', 'its function returned undefined, and no state');
  return state;
}
