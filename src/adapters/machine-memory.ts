import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

const SHARE = 1 / 4;

/** What a process takes that says nothing else. */
export interface DefaultMemory {
  readonly bytes: number;
  /** As in "default: a quarter of the machine's". */
  readonly of: string;
}

/** A quarter of the machine's memory, or of what the container has that this process runs in; no more than V8 lets its heap have. */
export function defaultMemory(): DefaultMemory {
  const machine = totalmem();
  // where there is no limit: 0, or a number that no machine has
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < machine;
  const bytes = Math.floor((isLimited ? limit : machine) * SHARE);
  if (bytes > heapLimitBytes()) return { bytes: heapLimitBytes(), of: "V8's limit for its heap" };
  return { bytes, of: `a quarter of the ${isLimited ? 'container' : 'machine'}'s` };
}

/** What V8 lets its heap grow to. */
export const heapLimitBytes = (): number => getHeapStatistics().heap_size_limit;
