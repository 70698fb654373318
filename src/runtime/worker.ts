import type { GlobalTable } from './global-table.ts';
import type { Latencies } from './latencies.ts';
import type { Clock, Fetched, FetchRequest, Reader } from './ports.ts';
import type { Task } from './task.ts';
import { SpoiledEpoch, Stopped } from './unit-runner.ts';

export interface WorkerOptions {
  /** Kept up to date between the tasks' turns. */
  readonly globals: readonly GlobalTable[];
  readonly openReader: () => Reader;
  readonly clock: Clock;
  readonly latencies: Latencies;
  /** An epoch ends at the first of these. */
  readonly commitIntervalMs: number;
  readonly maxEpochRecords: number;
  /** Of a task's outputs, and entries not written. */
  readonly epochBytes: number;
  /** Called between slices of work. */
  readonly onLoop: () => void;
  readonly onCommit: () => void;
}

/** What a task takes before the next one has its turn: so many records, or what it comes to in so long. */
const SLICE = 1000;
const SLICE_MS = 10;
/** How long a fetch waits where nothing is to do. */
const IDLE_WAIT_MS = 100;

/**
 * Runs tasks in turn on this thread until told to stop: fetch, process, commit. An epoch may be processed while the one before
 * is written; where there is nothing to do, what is open is committed at once.
 */
export class Worker {
  #stopping = false;
  #abandoned = false;
  readonly #epochs = new Map<Task, { startedAt: number }>();
  readonly #commits = new Set<Promise<void>>();
  #failure: unknown;
  #idle = false;
  /** The fetch under way: a reader takes one at a time. */
  #asked: Asked | undefined;
  /** What is asked for is not what an aborted task has to read again. */
  #isStale = false;
  #reader: Reader;
  #isWoken = false;
  #wakeUp: () => void = () => {};

  constructor(
    private readonly tasks: readonly Task[],
    private readonly options: WorkerOptions,
  ) {
    this.#reader = options.openReader();
  }

  /** Everything there was to read is processed and committed. Turns false as more arrives. */
  get isIdle(): boolean {
    return this.#idle;
  }

  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  /** There is work that did not come from a topic: ends the wait for records, or spares the next one. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp();
  }

  /** Stops, and commits nothing any more. */
  abandon(): void {
    this.#abandoned = true;
    for (const task of this.tasks) task.abandon();
    this.stop();
  }

  /** Resolves when it was stopped and all it did is committed. @throws FatalError; what was open is not committed then */
  async run(): Promise<void> {
    const { clock, onLoop } = this.options;
    try {
      while (!this.#stopping) {
        let processed = 0;
        this.#isWoken = false;
        await this.#applyGlobals();
        if (this.#failure !== undefined) break;
        for (const task of this.tasks) processed += await this.#turn(task);
        this.#commitDue(processed === 0);
        if (this.#failure !== undefined) break;
        const isQuiet = processed === 0 && this.#commits.size === 0;
        const fetched = await this.#fetch();
        this.#idle =
          isQuiet &&
          fetched === 0 &&
          this.tasks.every(task => task.isIdle) &&
          this.options.globals.every(table => table.isAtEnd);
        onLoop();
        if (processed > 0 || fetched > 0) await clock.yield();
        else await this.#wait();
      }
      await this.#finish();
    } finally {
      await Promise.allSettled(this.#commits);
      await this.#reader.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #applyGlobals(): Promise<void> {
    try {
      for (const table of this.options.globals) await table.apply();
    } catch (failure) {
      this.#failure = failure;
    }
  }

  async #turn(task: Task): Promise<number> {
    const { clock, latencies } = this.options;
    if (task.isCommitting && this.#isFull(task)) return 0;
    if (task.isAlone && (task.isCommitting || task.hasWork)) return 0;
    const now = clock.now();
    if (!task.hasWork) this.#epochs.set(task, { startedAt: now });
    try {
      const startedMs = clock.elapsedMs();
      const units = task.isAlone ? await task.processAlone() : task.process(SLICE, now + SLICE_MS);
      latencies.turn(clock.elapsedMs() - startedMs, units);
      return units;
    } catch (error) {
      if (error instanceof Stopped) this.#stopping = true;
      await this.#failed(task, error);
      return 0;
    }
  }

  #isFull(task: Task): boolean {
    return task.units >= this.options.maxEpochRecords || task.epochBytes >= this.options.epochBytes;
  }

  #commitDue(nothingElse: boolean): void {
    if (this.#failure !== undefined) return;
    const now = this.options.clock.now();
    for (const task of this.tasks) {
      if (!task.hasWork || task.isCommitting) continue;
      const age = now - this.#epochs.get(task)!.startedAt;
      if (nothingElse || task.isAlone || age >= this.options.commitIntervalMs || this.#isFull(task)) this.#commit(task);
    }
  }

  #commit(task: Task): void {
    const { clock, latencies, onCommit } = this.options;
    const startedMs = clock.elapsedMs();
    const commit = task
      .commit()
      .then(() => {
        latencies.commit(clock.elapsedMs() - startedMs);
        onCommit();
      })
      .catch((error: unknown) => this.#failed(task, error))
      .finally(() => this.#commits.delete(commit));
    this.#commits.add(commit);
  }

  /** A spoiled epoch is run again; anything else ends the run. */
  async #failed(task: Task, error: unknown): Promise<void> {
    try {
      if (this.#abandoned) return;
      if (!(error instanceof SpoiledEpoch)) throw error;
      await task.abort();
      this.#isStale = true;
    } catch (failure) {
      this.#failure ??= failure;
    }
  }

  /** Hands out what there is, or what came since a wait for it was given up; returns how many batches that was. */
  async #fetch(): Promise<number> {
    if (this.#isStale) await this.#renewReader();
    if (this.#asked === undefined) await this.#ask(0).answer;
    const { owners, requests, fetched, failure } = this.#asked!;
    if (failure !== undefined) throw failure;
    if (fetched === undefined) return 0;
    this.#asked = undefined;
    let batches = 0;
    fetched.forEach((one, index) => {
      owners[index]!.accept(one, requests[index]!.offset);
      batches += one.batches.length;
    });
    if (batches > 0) this.#idle = false;
    return batches;
  }

  /** Ends a fetch that waits. */
  async #renewReader(): Promise<void> {
    this.#isStale = false;
    if (this.#asked === undefined || this.#asked.fetched !== undefined) return;
    await this.#reader.close();
    await this.#asked.answer;
    this.#asked = undefined;
    this.#reader = this.options.openReader();
  }

  /** Until there are records, a commit is done, somebody wakes it, or for a while. */
  async #wait(): Promise<void> {
    if (this.#isWoken) return;
    const woken = new Promise<void>(resolve => (this.#wakeUp = resolve));
    this.#asked ??= this.#ask(IDLE_WAIT_MS);
    await Promise.race([this.#asked.answer, woken, ...this.#commits]);
  }

  #ask(maxWaitMs: number): Asked {
    const owners: Fetching[] = [];
    const requests: FetchRequest[] = [];
    for (const owner of [...this.options.globals, ...this.tasks])
      for (const request of owner.requests()) {
        owners.push(owner);
        requests.push(request);
      }
    const asked: Asked = { owners, requests, answer: Promise.resolve() };
    this.#asked = asked;
    if (requests.length === 0) {
      asked.fetched = [];
      // every buffer is full, so that only a commit, a call or the clock can change anything
      if (maxWaitMs > 0) asked.answer = this.options.clock.deadline(maxWaitMs);
      return asked;
    }
    asked.answer = this.#reader.fetch(requests, maxWaitMs).then(
      fetched => void (asked.fetched = fetched),
      (failure: unknown) => void (asked.failure = failure),
    );
    return asked;
  }

  /** After a stop: what is open is committed. After a failure: only where that was one task's record and the policy. */
  async #finish(): Promise<void> {
    await Promise.allSettled(this.#commits);
    if (this.#abandoned) return;
    if (this.#failure !== undefined && !(this.#failure instanceof Stopped)) return;
    for (const task of this.tasks) if (task.hasWork) this.#commit(task);
    await Promise.allSettled(this.#commits);
  }
}

/** What takes records. */
type Fetching = Pick<Task, 'requests' | 'accept'>;

/** A fetch, and what came of it. */
interface Asked {
  readonly owners: readonly Fetching[];
  readonly requests: readonly FetchRequest[];
  answer: Promise<void>;
  fetched?: readonly Fetched[];
  failure?: unknown;
}
