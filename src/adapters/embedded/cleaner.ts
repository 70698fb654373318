import { FatalError } from '../../errors.ts';
import type { Clock, Log } from '../../runtime/ports.ts';
import { dirtiest, emptyFirst, mustRoll, wasteful, type PlanOptions } from './clean-plan.ts';
import type { CommitLog } from './commit-log.ts';
import { compact } from './compaction.ts';
import type { Disk } from './disk.ts';
import { retentionStarts } from './retention.ts';
import { dropFirst, rewrite } from './rewrite.ts';
import { segmentName } from './segment.ts';

/** Kafka's `log.retention.check.interval.ms`, by default. */
const CHECK_MS = 300_000;

export interface CleanerOptions {
  readonly log: CommitLog;
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'now' | 'sleep' | 'yield'>;
  readonly logger: Log;
  readonly segmentBytes: number;
  readonly keyBytes: number;
}

/** Ends the work at hand. */
class Closing extends Error {}

/**
 * Retention and compaction of a log, beside its commits: a portion of a few milliseconds' work at a time, each followed by a turn
 * of the event loop. Looks for work when the log is opened, when a segment is sealed, and every five minutes.
 *
 * It stops at what it cannot read or write, says so, and leaves the log as it is: only what is whole and durable is put into force.
 */
export class Cleaner {
  readonly #options: CleanerOptions;
  readonly #closing = new AbortController();
  /** Files with damage, which was reported. */
  readonly #bad = new Set<string>();
  readonly #sizes = new Map<string, number>();
  #rounds: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor(options: CleanerOptions) {
    this.#options = options;
  }

  /** Cleans from now on. */
  start(): void {
    this.#ended = this.#run();
  }

  /** Does what there is to do now. */
  clean(): Promise<void> {
    return (this.#rounds = this.#rounds.then(() => this.#round()));
  }

  /** Ends with the portion at hand. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#rounds;
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { log, clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted && !log.isFailed) {
      const { sealed } = log.state;
      await this.clean();
      const over = new AbortController();
      const end = () => over.abort();
      const stop = log.listen(() => {
        if (log.state.sealed !== sealed || log.isFailed) end();
      });
      signal.addEventListener('abort', end);
      if (log.state.sealed === sealed && !signal.aborted) await clock.sleep(CHECK_MS, over.signal);
      signal.removeEventListener('abort', end);
      stop();
    }
  }

  async #round(): Promise<void> {
    try {
      await this.#retain();
      while (await this.#compactNext());
      while (await this.#rewriteNext());
    } catch (error) {
      if (error instanceof Closing || this.#options.log.isFailed) return;
      const { code, message, place } = error instanceof FatalError ? error : internal(error);
      this.#options.logger.warn({ code, ...place }, `cleaning the log stopped, and will be tried again: ${message}`);
    }
  }

  async #retain(): Promise<void> {
    const { log, clock, logger } = this.#options;
    if (mustRoll(log, clock.now())) await log.roll();
    await log.change(() => {
      const starts = retentionStarts(log.state, log.index, clock.now());
      for (const [topic, partition, start] of starts)
        logger.info({ topic: log.state.nameOf(topic), partition, start }, 'retention deletes records');
      return starts.length === 0 ? undefined : { starts };
    });
  }

  async #compactNext(): Promise<boolean> {
    const { log, disk, clock, keyBytes } = this.#options;
    const partitions = dirtiest(log, this.#plan);
    if (partitions.length === 0) return false;
    const pause = () => this.#pause();
    await this.#unlessDamaged(() => compact(partitions, { log, disk, nowMs: clock.now(), keyBytes, pause }));
    return true;
  }

  async #rewriteNext(): Promise<boolean> {
    const { log, disk } = this.#options;
    const pause = () => this.#pause();
    const empty = emptyFirst(log);
    if (empty.length > 0) await dropFirst(empty, { log, disk, pause });
    const { sealed } = log.state;
    await this.#measure();
    const group = wasteful(sealed, file => this.#sizes.get(file) ?? 0, log, this.#plan);
    if (group.length === 0) return false;
    const [segment] = group.at(-1)!;
    const follower = sealed[sealed.findIndex(each => each[0] === segment) + 1] ?? log.open;
    await this.#unlessDamaged(() => rewrite(group, follower, { log, disk, pause }));
    return true;
  }

  /** Sealed files do not change. */
  async #measure(): Promise<void> {
    const { log } = this.#options;
    const names = log.state.sealed.map(sealed => segmentName(...sealed));
    for (const name of this.#sizes.keys()) if (!names.includes(name)) this.#sizes.delete(name);
    for (const name of names)
      if (!this.#sizes.has(name)) this.#sizes.set(name, await log.files.use(name, file => file.size()));
  }

  get #plan(): PlanOptions {
    return { ...this.#options, bad: this.#bad };
  }

  /** Damage is said once; what lies in that file stays as it is, for whoever reads it to be told. */
  async #unlessDamaged(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof FatalError) || error.code !== 'TOPO_LOG_DAMAGED') throw error;
      const { code, message, place } = error;
      const { path } = place;
      const { log, logger } = this.#options;
      const bad = log.index.files().find(file => log.files.pathOf(file) === path);
      if (bad === undefined || this.#bad.has(bad)) throw error;
      this.#bad.add(bad);
      logger.error({ code, ...place }, message);
    }
  }

  async #pause(): Promise<void> {
    if (this.#closing.signal.aborted) throw new Closing();
    await this.#options.clock.yield();
    if (this.#closing.signal.aborted) throw new Closing();
  }
}

const internal = (error: unknown) => ({
  code: 'TOPO_INTERNAL' as const,
  message: error instanceof Error ? error.message : String(error),
  place: {},
});
