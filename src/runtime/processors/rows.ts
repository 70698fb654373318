import type { Aggregator, KeptSlot, RowSlot } from '../../graph/functions.ts';
import type { ProcessorNode, Slots } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Lookup, RowsSite } from '../chain.ts';
import type { Store } from '../store.ts';
import { decode } from '../values.ts';
import { statesIn } from './states.ts';

/** The rows in a processor's first store. */
export function storedRows(node: ProcessorNode, site: RowsSite): Lookup {
  return rowsIn(site.store(node.stores[0]!.name), (site.slots['row'] as RowSlot).serde, row => row);
}

export const storedRow = (slots: Slots): Serde<unknown> => (slots['row'] as RowSlot).serde;

/** Of an aggregate whose results are its states, as bytes. */
export function shownState(slots: Slots): Serde<unknown> | undefined {
  const { showsState, serde } = slots['aggregator'] as Aggregator;
  return showsState ? serde : undefined;
}

/** An aggregate's results, not its states. */
export function aggregateRows(node: ProcessorNode, site: RowsSite): Lookup {
  const aggregator = site.slots['aggregator'] as Aggregator;
  const states = statesIn(site.store(node.stores[0]!.name), aggregator);
  const rows = {
    timestamp: -1,
    get(key: string): unknown {
      const state = states.get(key);
      rows.timestamp = states.timestamp;
      return state === null ? null : aggregator.result(state);
    },
  };
  return rows;
}

/** What follows from what the first store keeps. */
export function keptRows(node: ProcessorNode, site: RowsSite): Lookup {
  const { serde, result } = site.slots['kept'] as KeptSlot;
  return rowsIn(site.store(node.stores[0]!.name), serde, result);
}

export function rowsIn(store: Store, serde: Serde<unknown>, result: (value: unknown) => unknown): Lookup {
  const rows = {
    timestamp: -1,
    get(key: string): unknown {
      const stored = store.get(key);
      rows.timestamp = store.timestamp;
      return stored === null ? null : result(decode(serde, stored, 'value'));
    },
  };
  return rows;
}
