import type { ErrorCode } from '../errors.ts';

/** What the process ends with; `docs/cli.md` has the same list. A signal that ends it by force gives 128 + its number. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export const exitCodeOf = (code: ErrorCode): number => (code === 'TOPO_USAGE' ? EXIT.usage : EXIT.failed);

/** Every error was printed when it came: nothing is left to say but the exit code. */
export class ReportedFailure extends Error {
  constructor(readonly exitCode: number) {
    super('failed, as was said');
  }
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
export type StopSignal = keyof typeof SIGNAL_NUMBERS;

export const forcedExitCode = (signal: StopSignal): number => 128 + SIGNAL_NUMBERS[signal];
