import type { RowSlot } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { decode, encode } from '../values.ts';

/** The last row of each key. The last offset wins, whatever its timestamp; a null value deletes; a null key is dropped. */
export function table(node: ProcessorNode, site: Site): Compiled {
  const { unit, next, needsOld, written } = site;
  const { serde, toRow } = site.slots['row'] as RowSlot;
  const store = site.store(node.stores[0]!.name);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, tombstone, noRow] = [site.drop('null-key'), site.drop('tombstone'), site.drop('no-row')];

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey;
    if (key === null) return nullKey();
    const stored = store.get(key);
    const previous = () => (stored === null ? null : decode(serde, stored, 'value'));
    const current = value === null ? null : toRow(value, previous);
    if (current === undefined) return noRow();
    if (current === null && stored === null) return tombstone();
    const old = needsOld ? previous() : null;
    written.old = stored;
    written.now = current === null ? null : encode(serde, current, 'row');
    store.put(key, written.now, unit.timestamp);
    values[row + OUT]!++;
    next(current, old);
  });
}
