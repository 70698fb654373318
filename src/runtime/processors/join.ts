import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { textOfKey } from '../store-key.ts';
import type { Unit } from '../unit.ts';
import { defined, encode } from '../values.ts';

/**
 * A stream's record with the row its key has in a table at that moment, or had at the record's time where the table is versioned.
 * Inner: no row, no result. Left: null in its place, also for a record without a key (KIP-962). A null value on the stream's side
 * is dropped.
 */
export function join(node: ProcessorNode, site: Site): Compiled {
  const { unit } = site;
  const lookup = site.lookup(node.tables[0]!);
  const rowOf = lookup.at ? (key: string) => lookup.at!(key, unit.timestamp) : (key: string) => lookup.get(key);
  return rowJoin(node, site, { keyOf: () => unit.storeKey, rowOf });
}

/**
 * A stream's record with the row of a global table that it names at that moment, whatever its own key. As `join`, and left also
 * where the record names none.
 */
export function globalJoin(node: ProcessorNode, site: Site): Compiled {
  const { unit } = site;
  const { keyOf, key: keySerde } = site.slots as {
    keyOf: (value: unknown, record: Unit) => unknown;
    key: Serde<unknown>;
  };
  const rows = site.lookup(node.tables[0]!);
  return rowJoin(node, site, {
    keyOf(value) {
      const key = defined(keyOf(value, unit));
      return key === null ? null : textOfKey(encode(keySerde, key, 'key'));
    },
    rowOf: key => rows.get(key),
  });
}

interface Rows {
  /** Of the row that a value is joined with, as stores know it. */
  readonly keyOf: (value: unknown) => string | null;
  readonly rowOf: (key: string) => unknown;
}

function rowJoin(node: ProcessorNode, site: Site, { keyOf, rowOf }: Rows): Compiled {
  const { unit, next } = site;
  const { fn } = site.slots;
  const left = node.options['left'] === true;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue] = [site.drop('null-key'), site.drop('null-value')];

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    if (value === null) return nullValue();
    const key = keyOf(value);
    if (key === null && !left) return nullKey();
    const other = key === null ? null : rowOf(key);
    if (other === null && !left) return;
    const result: unknown = defined(fn(value, other, unit));
    values[row + OUT]!++;
    next(result, null);
  });
}
