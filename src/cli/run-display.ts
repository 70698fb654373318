import type { Topology } from '../graph/topology.ts';
import type { DeadLetterEvent } from '../runtime/application.ts';
import type { Figures } from '../runtime/figures.ts';
import type { Log } from '../runtime/ports.ts';

/** What a run is, besides its topology. */
export interface RunFacts {
  readonly topology: Topology;
  /** As the user named it. */
  readonly file: string;
  readonly data: string;
  /** The address of its metrics. */
  readonly metrics?: string | undefined;
}

/** The figures, and what a `Meter` knows. */
export interface Progress {
  readonly figures: Figures;
  readonly ratePerSecond: number;
  /** How long it took to be idle for the first time. */
  readonly caughtUpMs: number | undefined;
}

/** How a run is shown: on a terminal, or as structured log lines. */
export interface RunDisplay {
  /** What the runtime tells. */
  readonly log: Log;
  /** How often it wants to be told the progress. */
  readonly intervalMs: number;
  started(created: readonly string[]): void;
  progress(progress: Progress): void;
  caughtUp(progress: Progress): void;
  deadLetter(event: DeadLetterEvent): void;
  stopping(reason: string): void;
  /** The last word: `stopped` tells an end in order. */
  ended(progress: Progress | undefined, stopped: boolean): void;
}
