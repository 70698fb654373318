import type { Store } from '../store.ts';
import { decodeWaitingChange, encodeWaitingChange } from '../waiting-change.ts';
import type { WaitingChange } from '../waiting-change.ts';

/** In front of the keys of rows that wait, in the store. */
const ROW = 'r';
/** The entry whose timestamp is how many rows wait: in the store, so that it is taken back with the unit. */
const COUNT = 'n';
const NOTHING_ELSE = new Uint8Array(0);

/** The changes of a table that wait, in a store. */
export class WaitingChanges {
  readonly #store: Store;
  readonly #limitMs: number;

  constructor(store: Store, limitMs: number) {
    this.#store = store;
    this.#limitMs = limitMs;
  }

  storeKeyOf(key: string): string {
    return ROW + key;
  }

  keyOf(storeKey: string): string {
    return storeKey.slice(ROW.length);
  }

  get(storeKey: string): WaitingChange | null {
    const stored = this.#store.get(storeKey);
    return stored === null ? null : decodeWaitingChange(stored);
  }

  get count(): number {
    return this.#store.get(COUNT) === null ? 0 : this.#store.timestamp;
  }

  begin(storeKey: string, change: WaitingChange, timestamp: number): void {
    this.update(storeKey, change, timestamp);
    this.#setCount(this.count + 1);
  }

  update(storeKey: string, change: WaitingChange, timestamp: number): void {
    this.#store.put(storeKey, encodeWaitingChange(change), timestamp);
  }

  /** Ends a wait, if it is the one that ends then. `timestamp` is that of the last change. */
  end(storeKey: string, due: number): { readonly change: WaitingChange; readonly timestamp: number } | null {
    const change = this.get(storeKey);
    const { timestamp } = this.#store;
    if (change === null || change.since + this.#limitMs !== due) return null;
    this.#store.put(storeKey, null, timestamp);
    this.#setCount(this.count - 1);
    return { change, timestamp };
  }

  /** Of an entry of the store; null: it is no change. */
  dueOf(storeKey: string, stored: Uint8Array): number | null {
    return storeKey === COUNT ? null : decodeWaitingChange(stored).since + this.#limitMs;
  }

  #setCount(count: number): void {
    this.#store.put(COUNT, count === 0 ? null : NOTHING_ELSE, count);
  }
}
