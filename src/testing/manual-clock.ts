import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../runtime/ports.ts';

interface Sleeper {
  readonly due: number;
  /** Something else is to wake it before. */
  readonly isDeadline: boolean;
  readonly wake: () => void;
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  #changes = 0;

  /** `now`: ms since 1970. */
  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  elapsedMs(): number {
    return this.#now;
  }

  /** How often somebody went to sleep or woke. */
  get changes(): number {
    return this.#changes;
  }

  /** In how many ms somebody wakes whom nothing else is to wake before; null: nobody sleeps so. */
  get nextInMs(): number | null {
    const due = this.#sleepers.flatMap(sleeper => (sleeper.isDeadline ? [] : [sleeper.due]));
    return due.length === 0 ? null : Math.min(...due) - this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#sleep(ms, false, signal);
  }

  deadline(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#sleep(ms, true, signal);
  }

  #sleep(ms: number, isDeadline: boolean, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    this.#changes++;
    return new Promise(resolve => {
      const sleeper: Sleeper = {
        due: this.#now + ms,
        isDeadline,
        wake: () => {
          this.#changes++;
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
