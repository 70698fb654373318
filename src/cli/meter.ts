import type { Figures } from '../runtime/figures.ts';

/** The rate shown is that of the last two seconds. */
const WINDOW_MS = 2000;

/** What the figures alone do not say: how fast it goes, and when it had caught up. Times in ms of one monotonic clock. */
export class Meter {
  /** How long it took to be idle for the first time. */
  caughtUpMs: number | undefined;
  /** Records read by then. */
  #caughtUpIn = 0;
  readonly #startMs: number;
  #seen: { readonly atMs: number; readonly in: number }[];

  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#seen = [{ atMs: startMs, in: 0 }];
  }

  caughtUp(figures: Figures, nowMs: number): void {
    this.caughtUpMs = nowMs - this.#startMs;
    this.#caughtUpIn = figures.in;
    this.#seen = [{ atMs: nowMs, in: figures.in }];
  }

  /** Records a second: lately; where nothing came since it had caught up, until then. */
  rate(figures: Figures, nowMs: number): number {
    if (this.caughtUpMs !== undefined && figures.in === this.#caughtUpIn) return perSecond(figures.in, this.caughtUpMs);
    this.#seen.push({ atMs: nowMs, in: figures.in });
    while (this.#seen.length > 2 && this.#seen[1]!.atMs <= nowMs - WINDOW_MS) this.#seen.shift();
    const first = this.#seen[0]!;
    return perSecond(figures.in - first.in, nowMs - first.atMs);
  }
}

const perSecond = (records: number, ms: number): number => (ms <= 0 ? 0 : Math.round((records / ms) * 1000));
