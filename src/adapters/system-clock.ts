import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock } from '../runtime/ports.ts';

/** A timer of Node that is to wait longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    let left = ms;
    for (; left > LONGEST_MS; left -= LONGEST_MS) await setTimeout(LONGEST_MS, undefined, signal && { signal });
    await setTimeout(left, undefined, signal && { signal });
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
  }
}

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  sleep,
  deadline: sleep,
  yield: () => setImmediate(),
};
