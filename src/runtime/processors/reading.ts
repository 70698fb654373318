import type { KeptSlot, RowSlot } from '../../graph/functions.ts';
import type { ProcessSlot } from '../../graph/process.ts';
import type { ProcessorNode, Slots } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { keyOf } from '../../serdes/windowed.ts';
import { decodeWindows } from '../kept-windows.ts';
import { rowKey, sessionKeyOf, sessionsKey } from './session-key.ts';

/** How a store reads for those outside its task. Keys are texts, as stores have them. */
export interface StoreReading {
  /** Of the keys they give and get. Default: that of the step's records. */
  readonly key?: Serde<unknown>;
  /** The step chose the key: its row may lie in any partition. */
  readonly isAnywhere?: boolean;
  /** Where the row of a key lies. Default: under the key. */
  readonly place?: (key: string) => string;
  /** The rows of an entry, each with its key. */
  readonly rows: (storeKey: string, value: Uint8Array) => Iterable<readonly [key: string, row: unknown]>;
}

/** How the n-th store of a processor reads; null: it holds no rows, only what its step makes of it. */
export type Read = (node: ProcessorNode, slots: Slots, store: number) => StoreReading | null;

const entries = (decode: (value: Uint8Array) => unknown): StoreReading => ({
  rows: (key, value) => [[key, decode(value)]],
});

/** Rows, in the first store. */
export const storedReading: Read = (_, slots, store) => {
  const { serde } = slots['row'] as RowSlot;
  return store === 0 ? entries(value => serde.decode(value)) : null;
};

const shownReading = ({ serde, result }: KeptSlot): StoreReading => entries(value => result(serde.decode(value)));

/** An aggregate's results, not its states. */
export const aggregateReading: Read = (_, slots) => shownReading(slots['aggregator'] as KeptSlot);

/** What follows from what the first store keeps. */
export const keptReading: Read = (_, slots) => shownReading(slots['kept'] as KeptSlot);

/** The results of open windows, under windowed keys. */
export const timeWindowReading: Read = (_, slots) => {
  const { rows } = shownReading(slots['aggregator'] as KeptSlot);
  // the empty key is the step's stream time
  return { key: slots['key'] as Serde<unknown>, rows: (key, value) => (key === '' ? [] : rows(key, value)) };
};

/** The results of open sessions, of which one entry holds those of a key. */
export const sessionReading: Read = (_, slots) => {
  const { serde, result } = slots['aggregator'] as KeptSlot;
  return {
    key: slots['key'] as Serde<unknown>,
    place: windowedKey => sessionsKey(keyOf(windowedKey)),
    *rows(storeKey, value) {
      if (storeKey === '') return;
      for (const session of decodeWindows(value))
        yield [rowKey(sessionKeyOf(storeKey), session), result(serde.decode(session.state))];
    },
  };
};

/** The stores that a `process` step declares; its timers are its own. */
export const processReading: Read = (_, slots, store) => {
  const declared = (slots['process'] as ProcessSlot).stores[store]?.[1];
  if (declared === undefined || declared.kind === 'list') return null;
  const { key, value } = declared;
  return {
    ...entries(bytes => value.decode(bytes)),
    ...(key && { key, isAnywhere: true }),
  };
};
