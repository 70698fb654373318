import { FatalError } from '../../errors.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { KeyView } from '../key-view.ts';
import { decode, encode } from '../values.ts';
import type { WaitingChange } from '../waiting-change.ts';
import { WaitingChanges } from './waiting-changes.ts';
import { bytesOfKey } from '../store-key.ts';

interface SuppressOptions {
  readonly limitMs: number;
  readonly maxRecords?: number;
}

/**
 * Holds a row's changes back and hands on the last one when stream time is `limitMs` past the first; where `maxRecords` rows wait
 * and another comes, the one that waits longest goes at once. What is handed on as the row before is what was handed on last,
 * whatever could not be since.
 * Stream time is that of the changes.
 */
export function suppress(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const { limitMs, maxRecords = Infinity } = node.options as unknown as SuppressOptions;
  const { row: serde, key: keySerde } = site.slots as { row: Serde<unknown>; key: Serde<unknown> };
  const waiting = new WaitingChanges(site.store(node.stores[0]!.name), limitMs);
  const { values } = site.counters;
  const counts = site.counters.row(node.id);
  const view = new KeyView();
  const rowOf = (bytes: Uint8Array | null): unknown => (bytes === null ? null : decode(serde, bytes, 'value'));
  const bytesOf = (value: unknown): Uint8Array | null => (value === null ? null : encode(serde, value, 'row'));

  const handOn = (value: unknown, old: unknown): void => {
    // a row that came and went meanwhile was never there
    if (value === null && old === null) return;
    values[counts + OUT]!++;
    next(value, old);
  };

  /** A change that need not wait, behind one that was not handed on or none. */
  const pass = (storeKey: string, lost: WaitingChange | null, value: unknown, old: unknown): void => {
    if (lost === null) return handOn(value, old);
    waiting.forget(storeKey, unit.timestamp);
    handOn(value, rowOf(lost.old));
  };

  const schedule = site.schedule(node.stores[0]!.name, {
    fire(storeKey, due) {
      const ended = waiting.end(storeKey, due);
      if (ended === null) return;
      const { step, timestamp, keyView, otherHeaders } = unit;
      unit.step = node.id;
      unit.timestamp = ended.timestamp;
      unit.keyView = view.ofText(waiting.keyOf(storeKey), keySerde);
      unit.otherHeaders = ended.change.headers;
      handOn(rowOf(ended.change.row), rowOf(ended.change.old));
      unit.step = step;
      unit.timestamp = timestamp;
      unit.keyView = keyView;
      unit.otherHeaders = otherHeaders;
    },
    discard(storeKey, due) {
      const ended = waiting.end(storeKey, due);
      if (ended === null) return null;
      const { change, timestamp } = ended;
      waiting.keep(storeKey, change, timestamp);
      const key = bytesOfKey(waiting.keyOf(storeKey));
      return { key, value: change.row, timestamp, headers: change.headers };
    },
    dueOf: (storeKey, stored) => waiting.dueOf(storeKey, stored),
  });
  return everyInput(node, (value, old) => {
    values[counts + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey;
    if (key === null) throw new FatalError('TOPO_INTERNAL', `a change without a key reached '${node.id}'`);
    const storeKey = waiting.storeKeyOf(key);
    const { timestamp } = unit;
    const change = waiting.get(storeKey);
    if (change !== null && change.since < Infinity) {
      waiting.update(storeKey, { ...change, headers: unit.headerBytes, row: bytesOf(value) }, timestamp);
      // a change that comes as the wait ends is still part of it
      schedule.advance(timestamp);
      return;
    }
    schedule.advance(timestamp);
    const due = timestamp + limitMs;
    if (due <= schedule.now) return pass(storeKey, change, value, old);
    while (waiting.count >= maxRecords) {
      if (due < schedule.next || (due === schedule.next && storeKey < schedule.firstKey))
        return pass(storeKey, change, value, old);
      schedule.fireFirst();
    }
    unit.step = node.id;
    const before = change === null ? bytesOf(old) : change.old;
    const headers = unit.headerBytes;
    waiting.begin(storeKey, { since: timestamp, headers, old: before, row: bytesOf(value) }, timestamp);
    schedule.add(due, storeKey);
  });
}
