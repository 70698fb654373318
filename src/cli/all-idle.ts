import type { Running } from '../run.ts';

/**
 * Resolves when nothing is left to do in any of them: one may read what another writes. Those that ended count as idle.
 */
export async function allIdle(runs: readonly Running[]): Promise<string> {
  let before = -1;
  for (;;) {
    for (const run of runs) await run.idle().catch(() => {});
    const read = runs.reduce((sum, run) => sum + run.figures().in, 0);
    if (read === before || runs.length === 1) return 'idle';
    before = read;
  }
}
