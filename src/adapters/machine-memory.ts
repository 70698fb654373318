import { totalmem } from 'node:os';

const SHARE = 1 / 4;

/** What a process takes that says nothing else. */
export interface DefaultMemory {
  readonly bytes: number;
  /** A quarter of which one's. */
  readonly of: 'machine' | 'container';
}

/** A quarter of the machine's memory, or of what the container has that this process runs in. */
export function defaultMemory(): DefaultMemory {
  const machine = totalmem();
  // where there is no limit: 0, or a number that no machine has
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < machine;
  return { bytes: Math.floor((isLimited ? limit : machine) * SHARE), of: isLimited ? 'container' : 'machine' };
}
