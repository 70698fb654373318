import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../runtime/ports.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  /** `now`: ms since 1970. */
  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const sleeper: Sleeper = {
        due: this.#now + ms,
        wake: () => {
          this.#sleepers = this.#sleepers.filter(one => one !== sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', sleeper.wake);
    });
  }

  yield(): Promise<void> {
    return setImmediate();
  }

  /** Moves time to when the next one who sleeps wakes; false where nobody sleeps. */
  async skip(): Promise<boolean> {
    const [first] = this.#sleepers.toSorted((a, b) => a.due - b.due);
    if (first !== undefined) await this.advance(first.due - this.#now);
    return first !== undefined;
  }

  /** Moves time on. Who sleeps wakes at its own time, the earliest first, and has done its next step before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const [first] = this.#sleepers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
      if (first === undefined) break;
      this.#now = Math.max(this.#now, first.due);
      first.wake();
      await setImmediate();
    }
    this.#now = end;
  }
}
