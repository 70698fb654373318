import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { defined, encode } from '../values.ts';

/**
 * A stream's record with the row of a global table that it names at that moment, whatever its own key. Inner: no row, no result.
 * Left: null in its place, also where the record names none (KIP-962). A null value on the stream's side is dropped.
 */
export function globalJoin(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const { keyOf, fn } = site.slots;
  const keySerde = site.slots['key'] as Serde<unknown>;
  const rows = site.lookup(node.tables[0]!);
  const isLeft = node.options['left'] === true;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue] = [site.drop('null-key'), site.drop('null-value')];

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    if (value === null) return nullValue();
    const key: unknown = defined(keyOf(value, unit));
    if (key === null && !isLeft) return nullKey();
    const other = key === null ? null : rows.get(textOf(encode(keySerde, key, 'key')));
    if (other === null && !isLeft) return;
    const result: unknown = defined(fn(value, other, unit));
    values[row + OUT]!++;
    next(result, null);
  });
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
