import type { Topology } from '../../src/index.ts';
import type { StateMemory } from '../bare/bounded-cache.ts';
import { memoryShares, processShares } from '../../src/runtime/memory.ts';

/** One line of the table: a topology, what it reads, and how it is told that its outputs are right. */
export interface Line {
  readonly name: string;
  /** Of its input, where nothing else is asked for. */
  readonly records: number;
  /** As `run` takes it; a bare loop gets the caches' part for its own. */
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
export const AMPLE_BYTES = 1536 * 1024 * 1024;

/** What `run` gives each partition of a topology with so many stores, for the cache of one and for its LevelDB. */
export function stateMemory(memoryBytes: number, stores = 1): StateMemory {
  const takers = { tasks: PARTITIONS, inputs: PARTITIONS, states: PARTITIONS, stores: PARTITIONS * stores };
  const { cacheBytes, stateBytes } = memoryShares(processShares(memoryBytes).topologiesBytes, takers);
  return { cacheBytes, stateBytes };
}
