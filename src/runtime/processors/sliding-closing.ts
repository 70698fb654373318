import { timeAt } from '../../serdes/windowed.ts';
import { decodeWindows, encodeWindows } from '../kept-windows.ts';
import type { KeptWindow } from '../kept-windows.ts';
import type { Store } from '../store.ts';

/** When the windows of a stretch of time close, and when nothing needs them any more. */
export class SlidingClosing {
  readonly #store: Store;
  readonly #options: { readonly differenceMs: number; readonly graceMs: number; readonly isFinal: boolean };
  /** How much time the windows of one stored value start in. */
  readonly stretchMs: number;

  constructor(
    store: Store,
    options: { readonly differenceMs: number; readonly graceMs: number; readonly isFinal: boolean },
  ) {
    this.#store = store;
    this.#options = options;
    this.stretchMs = Math.max(1, options.differenceMs);
  }

  /** When the next thing is to be done about a stretch: its first open window is handed on, or the stretch is of no more use. */
  dueOf(storeKey: string, windows: readonly KeptWindow[]): number {
    const { differenceMs, graceMs, isFinal } = this.#options;
    const open = isFinal ? windows.find(({ isClosed }) => !isClosed) : undefined;
    if (open !== undefined) return open.start + differenceMs + graceMs + 1;
    return timeAt(storeKey, storeKey.length - STRETCH_TEXT) + this.stretchMs + graceMs + 3 * differenceMs;
  }

  /** Does what is due: returns the window to hand on, if it is that. `add`: the stretch is due again at a later time. */
  settle(storeKey: string, due: number, add: (due: number, storeKey: string) => void): KeptWindow | null {
    const store = this.#store;
    const windows = decodeWindows(store.get(storeKey));
    if (windows.length === 0) return null;
    const next = this.dueOf(storeKey, windows);
    if (next > due) {
      add(next, storeKey);
      return null;
    }
    const at = this.#options.isFinal ? windows.findIndex(({ isClosed }) => !isClosed) : -1;
    if (at < 0) {
      store.put(storeKey, null, store.timestamp);
      return null;
    }
    const closed = windows[at]!;
    windows[at] = { ...closed, isClosed: true };
    store.put(storeKey, encodeWindows(windows), store.timestamp);
    add(this.dueOf(storeKey, windows), storeKey);
    return closed;
  }
}

/** Behind the key, in a store key: where the stretch begins. */
const STRETCH_TEXT = 8;

export const stretchKeyOf = (storeKey: string): string => storeKey.slice(0, -STRETCH_TEXT);
