import { forcedExitCode } from './exit-codes.ts';
import type { StopSignal } from './exit-codes.ts';

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Ctrl-C reaches npx and the process it started, and npx hands it on: that is one wish, twice. */
const ECHO_MS = 250;

/** Resolves with the first signal to stop. A second one ends the process at once. */
export function stopSignal(): Promise<StopSignal> {
  return new Promise(resolve => {
    let firstMs: number | undefined;
    for (const signal of SIGNALS)
      process.on(signal, () => {
        const nowMs = performance.now();
        if (firstMs !== undefined && nowMs - firstMs >= ECHO_MS) process.exit(forcedExitCode(signal));
        firstMs ??= nowMs;
        resolve(signal);
      });
  });
}
