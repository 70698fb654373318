import { FatalError } from '../../errors.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { KeyView } from '../key-view.ts';
import { decode, encode } from '../values.ts';
import { decodeWaitingChange, encodeWaitingChange } from '../waiting-change.ts';
import type { WaitingChange } from '../waiting-change.ts';

export interface SuppressOptions {
  readonly limitMs: number;
  readonly maxRecords?: number;
}

/** In front of the keys of rows that wait, in the store. */
const ROW = 'r';
/** The entry whose timestamp is how many rows wait: in the store, so that it is taken back with the unit. */
const COUNT = 'n';
const NOTHING_ELSE = new Uint8Array(0);

/**
 * Holds a row's changes back and hands on the last one when stream time is `limitMs` past the first; where `maxRecords` rows wait
 * and another comes, the one that waits longest goes at once. What is handed on as the row before is what was handed on last.
 * Stream time is that of the changes.
 */
export function suppress(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const { limitMs, maxRecords = Infinity } = node.options as unknown as SuppressOptions;
  const { row: serde, key: keySerde } = site.slots as { row: Serde<unknown>; key: Serde<unknown> };
  const store = site.store(node.stores[0]!.name);
  const { values } = site.counters;
  const counts = site.counters.row(node.id);
  const view = new KeyView();
  const rowOf = (bytes: Uint8Array | null): unknown => (bytes === null ? null : decode(serde, bytes, 'value'));
  const bytesOf = (value: unknown): Uint8Array | null => (value === null ? null : encode(serde, value, 'row'));
  const waiting = (): number => (store.get(COUNT) === null ? 0 : store.timestamp);
  const setWaiting = (count: number): void => store.put(COUNT, count === 0 ? null : NOTHING_ELSE, count);

  const handOn = (value: unknown, old: unknown): void => {
    // a row that came and went meanwhile was never there
    if (value === null && old === null) return;
    values[counts + OUT]!++;
    next(value, old);
  };

  /** Ends the wait of a row if it began when `due` has it. */
  const end = (storeKey: string, due: number): { change: WaitingChange; timestamp: number } | null => {
    const stored = store.get(storeKey);
    if (stored === null) return null;
    const { timestamp } = store;
    const change = decodeWaitingChange(stored);
    if (change.since + limitMs !== due) return null;
    store.put(storeKey, null, timestamp);
    setWaiting(waiting() - 1);
    return { change, timestamp };
  };

  const schedule = site.schedule(node.stores[0]!.name, {
    fire(storeKey, due) {
      const ended = end(storeKey, due);
      if (ended === null) return;
      const { step, timestamp, keyView, otherHeaders } = unit;
      unit.step = node.id;
      unit.timestamp = ended.timestamp;
      unit.keyView = view.ofText(storeKey.slice(ROW.length), keySerde);
      unit.otherHeaders = ended.change.headers;
      handOn(rowOf(ended.change.row), rowOf(ended.change.old));
      unit.step = step;
      unit.timestamp = timestamp;
      unit.keyView = keyView;
      unit.otherHeaders = otherHeaders;
    },
    discard(storeKey, due) {
      const ended = end(storeKey, due);
      if (ended === null) return null;
      const { change, timestamp } = ended;
      const key = Buffer.from(storeKey.slice(ROW.length), 'latin1');
      return { key, value: change.row, timestamp, headers: change.headers };
    },
    dueOf: (storeKey, stored) => (storeKey === COUNT ? null : decodeWaitingChange(stored).since + limitMs),
  });
  return everyInput(node, (value, old) => {
    values[counts + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey;
    if (key === null) throw new FatalError('TOPO_INTERNAL', `a change without a key reached '${node.id}'`);
    const storeKey = ROW + key;
    const { timestamp } = unit;
    const stored = store.get(storeKey);
    if (stored !== null) {
      const change = { ...decodeWaitingChange(stored), headers: unit.headerBytes, row: bytesOf(value) };
      store.put(storeKey, encodeWaitingChange(change), timestamp);
      // a change that comes as the wait ends is still part of it
      schedule.advance(timestamp);
      return;
    }
    schedule.advance(timestamp);
    const due = timestamp + limitMs;
    if (due <= schedule.now) return handOn(value, old);
    while (waiting() >= maxRecords) {
      if (due < schedule.next || (due === schedule.next && storeKey < schedule.firstKey)) return handOn(value, old);
      schedule.fireFirst();
    }
    unit.step = node.id;
    const change = { since: timestamp, headers: unit.headerBytes, old: bytesOf(old), row: bytesOf(value) };
    store.put(storeKey, encodeWaitingChange(change), timestamp);
    setWaiting(waiting() + 1);
    schedule.add(due, storeKey);
  });
}
