import type { ProcessorNode } from '../../graph/topology.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { defined } from '../values.ts';

/**
 * A stream's record with the row its key has in a table at that moment, or had at the record's time where the table is versioned.
 * Inner: no row, no result. Left: null in its place, also for a record without a key (KIP-962). A null value on the stream's side
 * is dropped.
 */
export function join(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const { fn } = site.slots;
  const lookup = site.lookup(node.tables[0]!);
  const rowOf = lookup.at ? (key: string) => lookup.at!(key, unit.timestamp) : (key: string) => lookup.get(key);
  const left = node.options['left'] === true;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue] = [site.drop('null-key'), site.drop('null-value')];

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey;
    if (value === null) return nullValue();
    if (key === null && !left) return nullKey();
    const other = key === null ? null : rowOf(key);
    if (other === null && !left) return;
    const result: unknown = defined(fn(value, other, unit));
    values[row + OUT]!++;
    next(result, null);
  });
}
