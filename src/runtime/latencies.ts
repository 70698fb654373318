import { Histogram } from './histogram.ts';
import type { HistogramFigures } from './histogram.ts';

const UNIT_SECONDS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1];
const COMMIT_SECONDS = [1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const END_TO_END_SECONDS = [5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600];

/** How long things take, in seconds. */
export interface LatencyFigures {
  /** What a unit takes in its task. Measured a turn of a task at a time: each of its units counts with their mean. */
  readonly unit: HistogramFigures;
  /** A commit: from the end of the epoch until its outputs are durable and its state is written. */
  readonly commit: HistogramFigures;
  /**
   * By input topic: from a record's timestamp to the commit of what it led to in its task. Of each partition's records in an epoch
   * the first and the last count: the one that waited longest, mostly, and the one that waited least.
   */
  readonly endToEnd: ReadonlyMap<string, HistogramFigures>;
}

/** The latencies of one run; all its tasks add to them, between records. */
export class Latencies {
  readonly #unit = new Histogram(UNIT_SECONDS);
  readonly #commit = new Histogram(COMMIT_SECONDS);
  readonly #endToEnd = new Map<string, Histogram>();

  /** A turn of a task that took so long. */
  turn(ms: number, units: number): void {
    if (units > 0) this.#unit.observe(ms / 1000 / units, units);
  }

  commit(ms: number): void {
    this.#commit.observe(ms / 1000);
  }

  /** A record of the topic that was so old when it was committed. Clocks differ: one of the future counts as 0. */
  endToEnd(topic: string, ms: number): void {
    let histogram = this.#endToEnd.get(topic);
    if (histogram === undefined) this.#endToEnd.set(topic, (histogram = new Histogram(END_TO_END_SECONDS)));
    histogram.observe(Math.max(0, ms) / 1000);
  }

  figures(): LatencyFigures {
    const endToEnd = new Map([...this.#endToEnd].map(([topic, histogram]) => [topic, histogram.figures()]));
    return { unit: this.#unit.figures(), commit: this.#commit.figures(), endToEnd };
  }
}
