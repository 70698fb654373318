import type { Store } from '../store.ts';
import { decodeWaitingChange, encodeWaitingChange } from '../waiting-change.ts';
import type { WaitingChange } from '../waiting-change.ts';

/** In front of the keys of rows that wait, in the store. */
const ROW = 'r';
/** The entry whose timestamp is how many rows wait: in the store, so that it is taken back with the unit. */
const COUNT = 'n';
const NOTHING_ELSE = new Uint8Array(0);

/** The changes of a table that wait, in a store; and what was handed on last of rows whose last change could not be. */
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

  /** What ended was not handed on: the row's next change follows what was handed on before it. */
  keep(storeKey: string, change: WaitingChange, timestamp: number): void {
    this.update(storeKey, { ...change, since: Infinity, row: null }, timestamp);
  }

  forget(storeKey: string, timestamp: number): void {
    this.#store.put(storeKey, null, timestamp);
  }

  /** Of an entry of the store; null: it does not wait. */
  dueOf(storeKey: string, stored: Uint8Array): number | null {
    if (storeKey === COUNT) return null;
    const { since } = decodeWaitingChange(stored);
    return since === Infinity ? null : since + this.#limitMs;
  }

  #setCount(count: number): void {
    this.#store.put(COUNT, count === 0 ? null : NOTHING_ELSE, count);
  }
}
