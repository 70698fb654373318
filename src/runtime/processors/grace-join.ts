import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { timeAt, timeText } from '../../serdes/windowed.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { KeyView } from '../key-view.ts';
import { decode, defined, encode } from '../values.ts';
import { decodeWaiting, encodeWaiting } from '../waiting-record.ts';
import { textOfKey } from '../store-key.ts';

/** In an entry's key: its time, then where it stands among those of that time. */
const SEQUENCE_AT = 8;

/**
 * A stream's record with the row that its key had in a versioned table at the record's time, looked up when the step's stream
 * time has passed that by the grace: so the table's values may come that much later. Records wait in the step's store and go on
 * in order of their time, those of one time as they came. One that comes later than the grace is joined at once.
 */
export function graceJoin(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const { fn } = site.slots;
  const [keySerde, valueSerde] = [site.slots['key'], site.slots['value']] as [Serde<unknown>, Serde<unknown>];
  const { at } = site.lookup(node.tables[0]!);
  const left = node.options['left'] === true;
  const graceMs = node.options['graceMs'] as number;
  const store = site.store(node.stores[0]!.name);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue] = [site.drop('null-key'), site.drop('null-value')];
  const view = new KeyView();
  let sequence = 0;

  const handOn = (key: string | null, value: unknown): void => {
    unit.step = node.id;
    const other = key === null ? null : at!(key, unit.timestamp);
    if (other === null && !left) return;
    const result: unknown = defined(fn(value, other, unit));
    values[row + OUT]!++;
    next(result, null);
  };
  const release = (entry: string): void => {
    const stored = store.get(entry);
    if (stored === null) return;
    const { keyView, timestamp, otherHeaders, step } = unit;
    unit.timestamp = timeAt(entry, 0);
    store.put(entry, null, unit.timestamp);
    const { key, headers, value } = decodeWaiting(stored);
    const text = textOfKey(key);
    unit.keyView = view.ofText(text, keySerde);
    unit.otherHeaders = headers;
    unit.step = node.id;
    handOn(text, decode(valueSerde, value, 'value'));
    unit.keyView = keyView;
    unit.timestamp = timestamp;
    unit.otherHeaders = otherHeaders;
    unit.step = step;
  };
  const schedule = site.schedule(node.stores[0]!.name, {
    fire: release,
    discard(entry) {
      const stored = store.get(entry);
      if (stored === null) return null;
      const timestamp = timeAt(entry, 0);
      store.put(entry, null, timestamp);
      return { ...decodeWaiting(stored), timestamp };
    },
    dueOf(entry) {
      sequence = Math.max(sequence, timeAt(entry, SEQUENCE_AT) + 1);
      return timeAt(entry, 0) + graceMs;
    },
  });

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey;
    if (value === null) return nullValue();
    if (key === null) return left ? handOn(null, value) : nullKey();
    const { timestamp } = unit;
    schedule.advance(timestamp);
    if (timestamp + graceMs <= schedule.now) return handOn(key, value);
    unit.step = node.id;
    const entry = timeText(timestamp) + timeText(sequence++);
    const waiting = encodeWaiting({
      key: unit.keyView.bytes!,
      headers: unit.headerBytes,
      value: encode(valueSerde, value, 'value'),
    });
    store.put(entry, waiting, timestamp);
    schedule.add(timestamp + graceMs, entry);
  });
}
