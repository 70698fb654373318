import type { Aggregator } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { windowText } from '../../serdes/windowed.ts';
import type { Compiled, Site } from '../chain.ts';
import { decodeWindows } from '../kept-windows.ts';
import type { Schedule } from '../schedule.ts';
import { decode, defined } from '../values.ts';
import { streamAggregate } from './aggregate.ts';
import { changesOf } from './sliding-changes.ts';
import { SlidingClosing, stretchKeyOf } from './sliding-closing.ts';
import { encodeState, windowOutput } from './window-output.ts';
import { WindowStretches } from './window-stretches.ts';
import { bytesOfKey } from '../store-key.ts';

interface SlidingWindowOptions {
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
  const store = site.store(node.stores[0]!.name);
  const late = site.drop('late');
  const output = windowOutput(node, site);
  const isFinal = emit === 'final';
  const { serde } = site.slots['aggregator'] as Aggregator;

  const closing = new SlidingClosing(store, { differenceMs, graceMs, isFinal });
  const rowKey = (key: string, start: number): string => key + windowText(start, start + differenceMs);

  const add = (due: number, storeKey: string): void => schedule.add(due, storeKey);
  const schedule: Schedule = site.schedule(node.stores[0]!.name, {
    fire(storeKey, due) {
      const closed = closing.settle(storeKey, due, add);
      if (closed !== null)
        output.final(rowKey(stretchKeyOf(storeKey), closed.start), closed.last, decode(serde, closed.state, 'value'));
    },
    discard(storeKey, due) {
      const closed = closing.settle(storeKey, due, add);
      if (closed === null) return null;
      return {
        key: bytesOfKey(rowKey(stretchKeyOf(storeKey), closed.start)),
        value: closed.state,
        timestamp: closed.last,
      };
    },
    dueOf: (storeKey, stored) => closing.dueOf(storeKey, decodeWindows(stored)),
  });

  return streamAggregate(node, site, aggregator => {
    const stateOf = (state: Uint8Array): unknown => decode(serde, state, 'value');
    return (key, value) => {
      const { timestamp } = unit;
      schedule.advance(timestamp);
      const closedBefore = schedule.now - graceMs;
      if (timestamp + differenceMs < closedBefore) return late();

      const stretches = new WindowStretches(store, key, closing.stretchMs);
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
        const due = closing.dueOf(storeKey, after);
        if (before.length === 0 || due < closing.dueOf(storeKey, before)) add(due, storeKey);
      });
      if (refused > 0) late(refused, taken === 0);
    };
  });
}
