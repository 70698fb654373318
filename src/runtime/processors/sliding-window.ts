import type { Aggregator } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { timeAt, windowText } from '../../serdes/windowed.ts';
import type { Compiled, Site, Step } from '../chain.ts';
import { IN } from '../counters.ts';
import { decodeWindows, encodeWindows } from '../kept-windows.ts';
import type { KeptWindow } from '../kept-windows.ts';
import type { Schedule } from '../schedule.ts';
import { decode, defined } from '../values.ts';
import { aggregatorsOf } from './aggregate.ts';
import { WindowStretches } from './window-stretches.ts';
import { changesOf } from './sliding-changes.ts';
import { encodeState, keyBytes, windowOutput } from './window-output.ts';

export interface SlidingWindowOptions {
  readonly differenceMs: number;
  readonly graceMs: number;
  readonly emit: 'update' | 'final';
}

/**
 * An aggregate a key and window of `differenceMs`, both ends included: one that ends at each record, and one that begins right
 * behind each record where something lies in it (`changesOf`). A window is closed when stream time passes its end + grace.
 *
 * Its store keeps, for each key and stretch of `differenceMs`, the windows that start in it; a record reads three stretches, or
 * four. A closed window stays there while windows that are open can still be made from it: for three times the difference.
 */
export function slidingWindow(node: ProcessorNode, site: Site): Compiled {
  const { unit, needsOld } = site;
  const { differenceMs, graceMs, emit } = node.options as unknown as SlidingWindowOptions;
  const stretchMs = stretchOf(differenceMs);
  const store = site.store(node.stores[0]!.name);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue, late] = [site.drop('null-key'), site.drop('null-value'), site.drop('late')];
  const output = windowOutput(node, site);
  const isFinal = emit === 'final';

  /** When the next thing is to be done about a stretch: its first open window closes, or it is of no more use. */
  const dueOf = (storeKey: string, windows: readonly KeptWindow[]): number => {
    const open = isFinal ? windows.find(({ isClosed }) => !isClosed) : undefined;
    if (open !== undefined) return open.start + differenceMs + graceMs + 1;
    return startOf(storeKey) + stretchMs + graceMs + 3 * differenceMs;
  };

  /** Closes the first open window of a stretch, or removes the stretch, if it is due. */
  const settle = (storeKey: string, due: number): KeptWindow | null => {
    const windows = decodeWindows(store.get(storeKey));
    if (windows.length === 0) return null;
    const next = dueOf(storeKey, windows);
    if (next > due) {
      schedule.add(next, storeKey);
      return null;
    }
    const at = isFinal ? windows.findIndex(({ isClosed }) => !isClosed) : -1;
    if (at < 0) {
      store.put(storeKey, null, store.timestamp);
      return null;
    }
    const closed = windows[at]!;
    windows[at] = { ...closed, isClosed: true };
    store.put(storeKey, encodeWindows(windows), store.timestamp);
    schedule.add(dueOf(storeKey, windows), storeKey);
    return closed;
  };

  const rowKey = (key: string, start: number): string => key + windowText(start, start + differenceMs);

  const schedule: Schedule = site.schedule(node.stores[0]!.name, {
    fire(storeKey, due) {
      const closed = settle(storeKey, due);
      if (closed !== null) output.final(rowKey(keyOf(storeKey), closed.start), closed.last, closed.state);
    },
    discard(storeKey, due) {
      const closed = settle(storeKey, due);
      if (closed === null) return null;
      return { key: keyBytes(rowKey(keyOf(storeKey), closed.start)), value: closed.state, timestamp: closed.last };
    },
    dueOf: (storeKey, stored) => dueOf(storeKey, decodeWindows(stored)),
  });

  const stepOf = (aggregator: Aggregator): Step => {
    const { serde } = aggregator;
    const stateOf = (state: Uint8Array): unknown => decode(serde, state, 'value');
    return value => {
      values[row + IN]!++;
      const key = unit.storeKey;
      if (key === null) return nullKey();
      if (value === null) return nullValue();
      const { timestamp } = unit;
      schedule.advance(timestamp);
      const closedBefore = schedule.now - graceMs;
      if (timestamp + differenceMs < closedBefore) return late();

      const stretches = new WindowStretches(store, key, stretchMs);
      const windows = stretches.read(Math.max(0, timestamp - 2 * differenceMs), timestamp + 1);
      let taken = 0;
      let refused = 0;
      for (const { start, base, isNew, isTaken } of changesOf(windows, timestamp, differenceMs)) {
        if (start + differenceMs < closedBefore) {
          refused++;
          continue;
        }
        taken++;
        unit.step = node.id;
        const last = isTaken ? Math.max(timestamp, base?.last ?? 0) : base!.last;
        const old = isNew || !needsOld ? null : aggregator.result(stateOf(base!.state));
        let state = base === null ? aggregator.init() : stateOf(base.state);
        if (isTaken) state = defined(aggregator.add(state, value));
        stretches.put(start, last, encodeState(aggregator, state));
        if (!isFinal) output.change(rowKey(key, start), last, state === null ? null : aggregator.result(state), old);
      }
      stretches.write((storeKey, before, after) => {
        const due = dueOf(storeKey, after);
        if (before.length === 0 || due < dueOf(storeKey, before)) schedule.add(due, storeKey);
      });
      if (refused > 0) late(refused, taken === 0);
    };
  };
  return { steps: aggregatorsOf(node, site).map(stepOf) };
}

/** How much time the windows of one stored value start in. */
export const stretchOf = (differenceMs: number): number => Math.max(1, differenceMs);

const STRETCH_TEXT = 8;
const startOf = (storeKey: string): number => timeAt(storeKey, storeKey.length - STRETCH_TEXT);
const keyOf = (storeKey: string): string => storeKey.slice(0, -STRETCH_TEXT);
