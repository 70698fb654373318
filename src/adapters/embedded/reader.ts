import { FatalError } from '../../errors.ts';
import type { Clock, Fetched, FetchRequest, Reader } from '../../runtime/ports.ts';
import { fetchNow, type LogView } from './fetch.ts';
import { whileFilesGo } from './files-go.ts';

/** A log that grows. */
export interface LiveLog {
  /** The log as it is now. */
  view(): Promise<LogView>;
  /** Rises whenever there is more. */
  readonly version: number;
  /** Resolves when the version is another one than `seen`, or at the signal. */
  changed(seen: number, signal: AbortSignal): Promise<void>;
}

/** The port's `Reader` on a log that this or another process writes. */
export class LogReader implements Reader {
  readonly #log: LiveLog;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;
  readonly #closed = new AbortController();
  readonly #onClose: (reader: LogReader) => void;

  constructor(log: LiveLog, clock: Pick<Clock, 'now' | 'sleep'>, onClose: (reader: LogReader) => void) {
    this.#log = log;
    this.#clock = clock;
    this.#onClose = onClose;
  }

  async fetch(requests: readonly FetchRequest[], maxWaitMs: number): Promise<Fetched[]> {
    if (this.#closed.signal.aborted) throw new FatalError('TOPO_CLOSED', 'The reader is closed.');
    const until = this.#clock.now() + maxWaitMs;
    for (;;) {
      const seen = this.#log.version;
      const answers = await whileFilesGo(this.#log, view => fetchNow(view, requests));
      const leftMs = until - this.#clock.now();
      const waits = answers.length > 0 && answers.every(nothingYet);
      if (!waits || leftMs <= 0 || this.#closed.signal.aborted) return answers;
      if (seen === this.#log.version) await this.#wait(seen, leftMs);
    }
  }

  /** A fetch that waits returns at once, with nothing. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#onClose(this);
  }

  async #wait(seen: number, ms: number): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    this.#closed.signal.addEventListener('abort', end);
    try {
      await Promise.race([this.#log.changed(seen, over.signal), this.#clock.sleep(ms, over.signal)]);
    } finally {
      over.abort();
      this.#closed.signal.removeEventListener('abort', end);
    }
  }
}

/** An offset out of range is an answer, and so is one that moved on over a gap. */
const nothingYet = ({ batches, nextOffset, end }: Fetched, i: number): boolean =>
  i >= 0 && batches.length === 0 && nextOffset === end;
