import type { Figures } from '../runtime/figures.ts';

/** The rate shown is that of the last two seconds. */
const WINDOW_MS = 2000;

/** What the figures alone do not say: how fast it goes, and when it had caught up. Times in ms of one monotonic clock. */
export class Meter {
  /** How long it took to be idle for the first time. */
  caughtUpMs: number | undefined;
  readonly #startMs: number;
  readonly #seen: { readonly atMs: number; readonly in: number }[] = [];

  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#seen.push({ atMs: startMs, in: 0 });
  }

  caughtUp(nowMs: number): void {
    this.caughtUpMs ??= nowMs - this.#startMs;
  }

  /** Records a second: lately; once idle, until it was. */
  rate(figures: Figures, nowMs: number): number {
    this.#seen.push({ atMs: nowMs, in: figures.in });
    while (this.#seen.length > 2 && this.#seen[1]!.atMs <= nowMs - WINDOW_MS) this.#seen.shift();
    const first = this.#seen[0]!;
    const recent = perSecond(figures.in - first.in, nowMs - first.atMs);
    return recent === 0 && this.caughtUpMs !== undefined ? perSecond(figures.in, this.caughtUpMs) : recent;
  }
}

const perSecond = (records: number, ms: number): number => (ms <= 0 ? 0 : Math.round((records / ms) * 1000));
