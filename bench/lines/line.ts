import type { Topology } from '../../src/index.ts';

/** What lies in the log before a line is measured. */
export interface Backlog {
  /** What the claims are keyed by: one of `KEYS` policies, uniformly, or each its own id. */
  readonly key: 'policy' | 'claim';
  /** A table of all policies beside them. */
  readonly policies?: boolean;
}

/** One line of the table: a topology, and by hand what it comes down to. */
export interface Line {
  readonly name: string;
  readonly records: number;
  readonly backlog: Backlog;
  /** For caches and open epochs, as `run` takes it; the bare loop gets the caches' part for its own. */
  readonly memoryBytes: number;
  /** Behind a repartition the order between its writers is free, and so are the timestamps of running results. */
  readonly isOrdered: boolean;
  /** Its last values by key are compared too. */
  readonly changelog?: string;
  topology(): Topology;
  /** Does the same on the same folder. Writes to the same topics. */
  bare(folder: string): Promise<void>;
}

export const PARTITIONS = 4;
export const KEYS = 100_000;
export const CLAIMS = 'claims';
export const POLICIES = 'policies';
export const OUT = 'out';

/** `run` leaves a quarter of the memory to open epochs. */
export const cacheBytes = (memoryBytes: number): number => (memoryBytes * 3) / 4 / PARTITIONS;
