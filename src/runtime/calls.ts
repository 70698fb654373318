import { RecordError } from '../errors.ts';
import type { Clock } from './ports.ts';

/** How calls are made. */
export interface CallPolicy {
  /** At once, at most. */
  readonly concurrency: number;
  /** 0: none. */
  readonly timeoutMs: number;
  /** After the first attempt. */
  readonly retries: number;
  /** Before the first retry; twice that before the second, and so on. */
  readonly backoffMs: number;
}

/** What came of an attempt. */
type Outcome = { readonly value: unknown } | { readonly thrown: unknown };

/** What came of a call in the end, after so many attempts. */
export type FinalOutcome = Outcome & { readonly attempts: number };

/** What is called, once an attempt. */
export type Attempt = (signal: AbortSignal, attempt: number) => unknown;

const LONGEST_BACKOFF_MS = 30_000;

/** Makes calls, so many at once, each again until it succeeds or has failed often enough. */
export class Calls {
  #running = 0;
  /** Attempts that wait for one under way to end. */
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly policy: CallPolicy,
    private readonly clock: Clock,
  ) {}

  /** Null when `signal` aborted: nobody wants to know any more. */
  async make(call: Attempt, signal: AbortSignal): Promise<FinalOutcome | null> {
    const { retries, backoffMs } = this.policy;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#inTurn(call, signal, attempt);
      if (signal.aborted) return null;
      if ('value' in outcome || attempt > retries) return { ...outcome, attempts: attempt };
      if (backoffMs > 0) await this.clock.sleep(Math.min(backoffMs * 2 ** (attempt - 1), LONGEST_BACKOFF_MS), signal);
    }
  }

  /** A retry waits for its turn as a new call does, and holds up nobody until then. */
  async #inTurn(call: Attempt, signal: AbortSignal, attempt: number): Promise<Outcome> {
    if (this.#running >= this.policy.concurrency) await new Promise<void>(resolve => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return { value: signal.aborted ? null : await this.#attempt(call, signal, attempt) };
    } catch (thrown) {
      return { thrown };
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  async #attempt(call: Attempt, signal: AbortSignal, attempt: number): Promise<unknown> {
    const { timeoutMs } = this.policy;
    const timeout = new AbortController();
    const over = new AbortController();
    const either = AbortSignal.any([signal, timeout.signal]);
    // it may go on after it was told to stop: that is not waited for
    const stopped = new Promise<never>((_, reject) => {
      either.addEventListener('abort', () => reject(either.reason as Error), { once: true });
    });
    stopped.catch(() => {});
    if (timeoutMs > 0)
      void this.clock.deadline(timeoutMs, over.signal).then(() => {
        if (!over.signal.aborted)
          timeout.abort(new RecordError('TOPO_TIMEOUT', `the call took longer than ${timeoutMs} ms`));
      });
    try {
      return await Promise.race([call(either, attempt), stopped]);
    } finally {
      over.abort();
    }
  }
}
