import { RecordError } from '../errors.ts';
import { UNAVAILABLE } from './debezium.ts';
import type { Change } from './debezium.ts';

/** `UNAVAILABLE` in a column of bytes. */
const UNAVAILABLE_BYTES = Buffer.from(UNAVAILABLE).toString('base64');

/**
 * The row after a change: null when it is gone, undefined when the event says nothing of it (a message). TOASTed columns that did not
 * change are taken from the row before, which is only read for them; where there is none they keep Debezium's placeholder.
 * @throws RecordError `TOPO_TRUNCATE`, as the rows that a truncate takes away are not known one by one
 */
export function toRow<Row extends object>(change: Change<Row>, previous: () => Row | null): Row | null | undefined {
  switch (change.op) {
    case 'c':
    case 'r':
    case 'u':
      return withUnchanged(change.after, previous);
    case 'd':
      return null;
    case 'm':
      return undefined;
    case 't':
      throw new RecordError('TOPO_TRUNCATE', 'a truncate event says nothing about single rows of the table');
  }
}

function withUnchanged<Row extends object>(row: Row, readPrevious: () => Row | null): Row {
  let merged = row;
  let previous: Row | null = null;
  for (const column in row) {
    if (!isUnavailable(row[column])) continue;
    previous ??= readPrevious();
    if (previous === null || !Object.hasOwn(previous, column)) continue;
    if (merged === row) merged = { ...row };
    merged[column] = previous[column];
  }
  return merged;
}

/** As text, as bytes, and as the one element of an array. */
function isUnavailable(value: unknown): boolean {
  if (typeof value === 'string') return value === UNAVAILABLE || value === UNAVAILABLE_BYTES;
  return Array.isArray(value) && value.length === 1 && (value[0] === UNAVAILABLE || value[0] === UNAVAILABLE_BYTES);
}
