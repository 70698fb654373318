import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock } from '../runtime/ports.ts';

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await setTimeout(ms, undefined, signal && { signal });
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
    }
  },
  yield: () => setImmediate(),
};
