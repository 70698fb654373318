import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock } from '../runtime/ports.ts';

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal && { signal });
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
