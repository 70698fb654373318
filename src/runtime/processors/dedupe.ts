import { RecordError } from '../../errors.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { identity } from '../../serdes/identity.ts';
import type { Plain } from '../../serdes/identity.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { numberText } from './list-store.ts';
import { textOfKey } from '../store-key.ts';

const NOTHING_ELSE = new Uint8Array(0);
const ID_TYPES: ReadonlySet<string> = new Set(['string', 'number', 'bigint']);

/**
 * Drops a record whose key and id came before. An id is kept, as an entry without a value, until stream time is `withinMs` past
 * the record that brought it.
 */
export function dedupe(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const by = site.slots['by'] as (value: unknown, record: unknown) => unknown;
  const withinMs = node.options['withinMs'] as number;
  const store = site.store(node.stores[0]!.name);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue, duplicate] = [site.drop('null-key'), site.drop('null-value'), site.drop('duplicate')];

  const forget = (entry: string, due: number): void => {
    if (store.get(entry) === null) return;
    const end = store.timestamp + withinMs;
    if (end > due) schedule.add(end, entry);
    else store.put(entry, null, due);
  };
  const schedule = site.schedule(node.stores[0]!.name, {
    fire: forget,
    discard: () => null,
    dueOf: (_entry, _value, timestamp) => timestamp + withinMs,
  });

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey;
    if (key === null) return nullKey();
    if (value === null) return nullValue();
    schedule.advance(unit.timestamp);
    unit.step = node.id;
    const entry = entryOf(key, by(value, unit));
    if (store.get(entry) !== null) return duplicate();
    store.put(entry, NOTHING_ELSE, unit.timestamp);
    schedule.add(unit.timestamp + withinMs, entry);
    values[row + OUT]!++;
    next(value, null);
  });
}

/** Key and id, with the key's length in front, so that no two pairs read the same. */
function entryOf(key: string, id: unknown): string {
  if (!ID_TYPES.has(typeof id))
    throw new RecordError('TOPO_USER_FUNCTION', `'by' gives an id that is no string, number or bigint`);
  return numberText(key.length) + key + textOfKey(identity(id as Plain));
}
