import type { Topology } from '../../src/index.ts';

/** One line of the table: a topology, what it reads, and how it is told that its outputs are right. */
export interface Line {
  readonly name: string;
  /** Of its input, where nothing else is asked for. */
  readonly records: number;
  /** For caches and open epochs, as `run` takes it; a bare loop gets the caches' part for its own. */
  readonly memoryBytes: number;
  topology(): Topology;
  /** Writes its input to a new log in this folder, the same for the same count. Resolves to how many records that are. */
  write(folder: string, records: number): Promise<number>;
  /** What a run left behind, as text: the same after each. @throws Error where it is not what it must be */
  outcome(folder: string, records: number): Promise<string>;
  /** By hand what it comes down to: does the same on the same folder, writes to the same topics. */
  bare?(folder: string): Promise<void>;
}

export const PARTITIONS = 4;
export const CLAIMS = 'claims';
export const POLICIES = 'policies';
export const OUT = 'out';

/** Room for all of a line's state. */
export const AMPLE_BYTES = 512 * 1024 * 1024;

/** `run` leaves a quarter of the memory to open epochs. */
export const cacheBytes = (memoryBytes: number): number => (memoryBytes * 3) / 4 / PARTITIONS;
