import { timeText } from '../../serdes/windowed.ts';
import { decodeWindows, encodeWindows } from '../kept-windows.ts';
import type { KeptWindow } from '../kept-windows.ts';
import type { Store } from '../store.ts';

interface Stretch {
  readonly storeKey: string;
  readonly before: readonly KeptWindow[];
  /** Null: as before. */
  after: KeptWindow[] | null;
}

/** The windows of one key around a record, as they lie in a store: those that start in one stretch of time in one value. */
export class WindowStretches {
  readonly #store: Store;
  readonly #key: string;
  readonly #stretchMs: number;
  readonly #stretches = new Map<number, Stretch>();

  constructor(store: Store, key: string, stretchMs: number) {
    this.#store = store;
    this.#key = key;
    this.#stretchMs = stretchMs;
  }

  /** Those that start in a span of time, both ends included, in order. */
  read(first: number, last: number): KeptWindow[] {
    const windows: KeptWindow[] = [];
    for (let at = first - (first % this.#stretchMs); at <= last; at += this.#stretchMs) {
      const storeKey = this.#key + timeText(at);
      const before = decodeWindows(this.#store.get(storeKey));
      this.#stretches.set(at, { storeKey, before, after: null });
      for (const window of before) if (window.start >= first && window.start <= last) windows.push(window);
    }
    return windows;
  }

  /** A window that starts in the span read; a null state removes it. */
  put(start: number, last: number, state: Uint8Array | null): void {
    const stretch = this.#stretches.get(start - (start % this.#stretchMs))!;
    const windows = (stretch.after ??= [...stretch.before]);
    let at = windows.length;
    while (at > 0 && windows[at - 1]!.start >= start) at--;
    const found = windows[at]?.start === start ? 1 : 0;
    windows.splice(at, found, ...(state === null ? [] : [{ start, last, isClosed: false, state }]));
  }

  /** Writes what changed; `written` hears of what is there now. */
  write(written: (storeKey: string, before: readonly KeptWindow[], after: readonly KeptWindow[]) => void): void {
    for (const { storeKey, before, after } of this.#stretches.values()) {
      if (after === null) continue;
      let last = 0;
      for (const window of after) last = Math.max(last, window.last);
      this.#store.put(storeKey, encodeWindows(after), last);
      if (after.length > 0) written(storeKey, before, after);
    }
  }
}
