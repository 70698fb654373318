import { forEachRecord } from '../digest.ts';
import { OUT } from '../lines/line.ts';
import type { Broker } from '../../src/runtime/ports.ts';
import type { Query } from './queries/query.ts';

/** The final results that a query has left in its topic, as `linesOf` writes them. */
export async function resultLines(broker: Broker, { results, isTable }: Query): Promise<string[]> {
  const rows = new Map<string, object | null>();
  await forEachRecord(broker, OUT, (record, partition) => {
    const value = record.valueBytes();
    const id = isTable ? record.keyBytes()!.toString('latin1') : `${partition} ${record.offset}`;
    rows.set(id, value === null ? null : results.decode(value));
  });
  return linesOf([...rows.values()].filter(row => row !== null));
}

/** A line a row, its fields by name; sorted, so that the order of the rows does not matter. */
export const linesOf = (rows: readonly object[]): string[] =>
  rows
    .map(row =>
      Object.entries(row)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(' '),
    )
    .sort();
