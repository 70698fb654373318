import { slab } from './slab.ts';
import { writeData } from './tagged-data.ts';

/** What can tell one thing from another. */
export type Plain = string | number | bigint | boolean | null;

/** A plain value as bytes: equal ones for values that are `===`. @throws RecordError `TOPO_ENCODE` on what is no plain data */
export function identity(value: Plain): Uint8Array {
  slab.open(0);
  // there is a zero with a sign
  return slab.close(writeData(slab.start, value === 0 ? 0 : value, 'what it is told apart by'));
}
