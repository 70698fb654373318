import { FatalError, TransientError } from '../errors.ts';
import type { RecordError } from '../errors.ts';
import type { Compiled, Kind, Lookup, Work } from './chain.ts';
import { compile } from './compile.ts';
import type { Chain } from './compile.ts';
import type { DropPolicy } from './counters.ts';
import { TaskInput } from './input.ts';
import type { MemoryShares } from './memory.ts';
import type { Latencies } from './latencies.ts';
import { pick } from './order.ts';
import { Outputs } from './outputs.ts';
import type { TopicOutput } from './outputs.ts';
import type { SubTopology } from './plan.ts';
import type {
  Broker,
  Clock,
  Fetched,
  FetchRequest,
  Log,
  Membership,
  OffsetCommit,
  StateBackend,
  TaskState,
  TaskWriter,
} from './ports.ts';
import { decodeProgress, encodeProgress } from './progress.ts';
import { renewChangelog } from './renew-changelog.ts';
import { restore } from './restore.ts';
import type { StateWrite } from './store.ts';
import type { StorePart } from './store-figures.ts';
import { TaskSchedules } from './task-schedules.ts';
import { TaskStores } from './task-stores.ts';
import { RetryLater, SpoiledEpoch, UnitRunner } from './unit-runner.ts';
import type { UnitRunnerOptions } from './unit-runner.ts';
import { isTime } from './values.ts';

export interface TaskOptions extends UnitRunnerOptions {
  readonly subTopology: SubTopology;
  readonly kinds: Readonly<Record<string, Kind<never>>>;
  readonly broker: Broker;
  readonly state: StateBackend;
  readonly clock: Clock;
  readonly latencies: Latencies;
  readonly pipeDeadlineMs: number;
  /** A state that is ahead of the log is set aside and rebuilt. */
  readonly acceptLoss: boolean;
  /** Rows of global tables, by node id. */
  readonly globals: ReadonlyMap<string, Lookup>;
  readonly log: Log;
  /** Partition count and `max.message.bytes` of a topic that the task writes. */
  topicLimits(topic: string): { readonly partitions: number; readonly maxMessageBytes: number };
  readonly deadLetters: string;
  /** What steps do with what they drop, unless they say. */
  readonly onDrop: DropPolicy;
  readonly memory: MemoryShares;
  /** There is work that did not come from a topic. */
  readonly onSubmit: () => void;
  readonly onRestore: (task: string, restored: number, total: number) => void;
}

/** Records between two looks at the clock, at most. */
const LONGEST_STRIDE = 64;

export const taskId = (subTopology: SubTopology, partition: number): string => `${subTopology.id}-${partition}`;

/**
 * One partition of a sub-topology. It takes one record after another, synchronously, and commits what an epoch of them led to
 * all at once: outputs, changelog, dead letters, offsets, then its state.
 */
export class Task {
  readonly id: string;
  readonly inputs: readonly TaskInput[];
  /** The last commit that the log and the state have. */
  written: number;
  readonly #options: TaskOptions;
  readonly #outputs = new Outputs();
  readonly #runner: UnitRunner;
  readonly #stores: TaskStores;
  readonly #chain: Chain;
  readonly #schedules: TaskSchedules;
  /** The steps that may be full. */
  readonly #bounded: readonly Compiled[];
  readonly #writer: TaskWriter;
  #commit: number;
  #submitted: Work[] = [];
  /** What an aborted epoch is run again from. */
  #committed: readonly OffsetCommit[];
  #committing: Promise<void> | undefined;
  /** Of the epoch that is being written: timestamps of its first and last records, by input. */
  #writing: ReadonlyMap<TaskInput, readonly number[]> = new Map();
  /** Where its inputs began when it started, for those it never committed. */
  #starts: readonly number[] = [];
  #isDraining = false;
  /** Whose head is under way. It is tried again before any other record is taken: what it had made due may be committed. */
  #taken: TaskInput | undefined;
  /** When a unit that failed is tried again. */
  #retryAtMs: number | null = null;
  readonly #ended = new AbortController();
  /** What is committed unit by unit: an epoch that held it could not be. */
  #alone: Alone | undefined;

  private constructor(options: TaskOptions, writer: TaskWriter, state: TaskState, commit: number) {
    const { topology, subTopology, partition, counters, clock, onDrop } = options;
    const { readAheadBytes } = options.memory;
    this.#options = options;
    this.id = taskId(subTopology, partition);
    this.#writer = writer;
    this.#commit = this.written = commit;
    this.#committed = writer.committed;
    const outputs = new Map<string, TopicOutput>();
    const open = (topic: string): TopicOutput => {
      const { partitions, maxMessageBytes } = options.topicLimits(topic);
      const known = outputs.get(topic) ?? this.#outputs.topic(topic, partitions, maxMessageBytes);
      outputs.set(topic, known);
      return known;
    };
    this.#runner = new UnitRunner(options, this.#outputs, open(options.deadLetters));
    const { unit, undo, tally, times } = this.#runner;
    this.#stores = new TaskStores(subTopology.stores, state, undo, this.#outputs, {
      task: this.id,
      topology: topology.name,
      partition,
      cacheBytes: options.memory.cacheBytes,
      topicLimits: topic => options.topicLimits(topic),
    });
    for (const topic of subTopology.writes) open(topic);
    this.#chain = compile({
      topology,
      subTopology,
      kinds: options.kinds,
      unit,
      counters,
      stores: this.#stores.byName,
      globals: options.globals,
      outputs,
      appended: row => tally.add(row),
      clock,
      pipeDeadlineMs: options.pipeDeadlineMs,
      timeLog: times,
      submit: work => {
        this.#submitted.push(work);
        options.onSubmit();
      },
      dropped: (step, reason) => this.#runner.dropped(step, reason),
      substituteOf: step =>
        options.policies.substituteOf(step) && ((thrown, value) => this.#runner.substitute(step, thrown, value)),
      onDrop,
    });
    this.#schedules = new TaskSchedules(this.#chain.schedules, times);
    this.#bounded = this.#chain.nodes.filter(({ isFull }) => isFull !== undefined);
    this.#runner.holdsBack = this.#chain.drains.length > 0;
    this.#runner.drain = () => this.#drain();
    this.#runner.reset = () => this.#reset();
    this.inputs = subTopology.inputs
      .filter(input => partition < input.partitions)
      .sort((a, b) => Number(b.tableOnly) - Number(a.tableOnly))
      .map(input => new TaskInput(input, partition, topology.functions[input.node.id]!, this.#chain, readAheadBytes));
  }

  /** Takes the task over: fences an earlier writer, restores its state, and stands where it committed last. */
  static async open(options: TaskOptions, membership: Membership): Promise<Task> {
    const { topology, subTopology, partition, broker, log, acceptLoss } = options;
    const id = taskId(subTopology, partition);
    const writer = await membership.open(id);
    const progress = writer.committed.map(({ metadata }) => decodeProgress(metadata, topology.name));
    const commit = Math.max(0, ...progress.map(one => one.commit));
    const { state, lossy } = await restore({
      acceptLoss,
      topology,
      task: id,
      partition,
      stores: subTopology.stores,
      commit,
      backend: options.state,
      stateBytes: options.memory.stateBytes,
      broker,
      log,
      onProgress: (restored, total) => options.onRestore(id, restored, total),
    });
    try {
      for (const store of lossy) {
        const { maxMessageBytes } = options.topicLimits(store.changelog);
        await renewChangelog(store, { task: id, partition, state, broker, writer, maxMessageBytes, log });
      }
      const task = new Task(options, writer, state, commit);
      await task.#open();
      await task.#start();
      return task;
    } catch (error) {
      await state.close();
      throw error;
    }
  }

  /** What the task may fetch now. */
  requests(): FetchRequest[] {
    return this.inputs.flatMap(input => input.request() ?? []);
  }

  /** Takes the answer to a request. @throws FatalError `TOPO_OFFSET_OUT_OF_RANGE` */
  accept(fetched: Fetched, requestedOffset: number): void {
    const input = this.inputs.find(
      ({ topic, partition }) => topic === fetched.topic && partition === fetched.partition,
    )!;
    input.accept(fetched, requestedOffset);
  }

  /**
   * Does what is due by the clock or was submitted, then takes records by rule G2: up to `maxUnits`, until `deadlineMs`, or until
   * the epoch has the memory it may take; returns how many units that was. Both are looked at after the first record, then less and less often, so that fast
   * records do not pay for it and slow ones end the turn at once.
   * @throws FatalError; then nothing of the epoch may be committed. SpoiledEpoch; then `abort` must follow
   */
  process(maxUnits: number, deadlineMs: number): number {
    if (this.#isDraining || this.#isWaiting()) return 0;
    const before = this.units;
    try {
      this.#processOthers();
      this.#processRecords(maxUnits, deadlineMs);
    } catch (thrown) {
      this.#waitFor(thrown);
    }
    return this.units - before;
  }

  #processRecords(maxUnits: number, deadlineMs: number): void {
    const { clock, memory } = this.#options;
    let nextLook = 1;
    for (let count = 0; count < maxUnits && !this.#isFull(); count++) {
      if (count === nextLook) {
        if (clock.now() >= deadlineMs || this.epochBytes >= memory.epochBytes) break;
        nextLook += Math.min(count, LONGEST_STRIDE);
      }
      const input = (this.#taken ??= pick(this.inputs));
      if (input === undefined) break;
      this.#runner.record(input);
      this.#endRecord(input);
    }
  }

  /** An aborted epoch is being run again, a commit after each unit: use `processAlone`. */
  get isAlone(): boolean {
    if (this.#alone === undefined) return false;
    const { positions, works, dueMs } = this.#alone;
    for (const [input, position] of positions) if (input.position < position) return true;
    if (works > 0 || this.#schedules.dueByClock(this.#options.clock.now()).some(schedule => schedule.next <= dueMs))
      return true;
    this.#alone = undefined;
    return false;
  }

  /** Takes one unit and drains the chain within it, so that what fails only then fails with it. */
  async processAlone(): Promise<number> {
    if (this.#isWaiting()) return 0;
    try {
      return await this.#processNext();
    } catch (thrown) {
      this.#waitFor(thrown);
      return 0;
    }
  }

  async #processNext(): Promise<number> {
    const work = this.#nextWork();
    if (work !== undefined) {
      await this.#runner.workAlone(work.work);
      work.done();
      return 1;
    }
    const input = this.#isFull() ? undefined : (this.#taken ??= pick(this.inputs));
    if (input === undefined) return 0;
    await this.#runner.recordAlone(input);
    this.#endRecord(input);
    return 1;
  }

  /** Units that are no records: what is due by the clock, and what was submitted. */
  #processOthers(): void {
    for (const schedule of this.#schedules.dueByClock(this.#options.clock.now()))
      for (const work of this.#runner.due({ schedule, until: schedule.now })) this.#runner.work(work);
    const submitted = this.#submitted;
    let done = 0;
    try {
      for (; done < submitted.length; done++) this.#runner.work(submitted[done]!);
    } finally {
      submitted.splice(0, done);
    }
  }

  /** One of what `#processOthers` takes; `done` is to be called when it succeeded or was dead-lettered. */
  #nextWork(): { readonly work: Work; readonly done: () => void } | undefined {
    const [schedule] = this.#schedules.dueByClock(this.#options.clock.now());
    const [due] = schedule === undefined ? [] : this.#runner.due({ schedule, until: schedule.now });
    if (due !== undefined) return { work: due, done: () => {} };
    const [work] = this.#submitted;
    const done = () => {
      this.#alone!.works--;
      this.#submitted.shift();
    };
    return work && { work, done };
  }

  /** Whether a unit that failed is to be tried again later. */
  #isWaiting(): boolean {
    if (this.#retryAtMs === null) return false;
    if (this.#options.clock.now() < this.#retryAtMs) return true;
    this.#retryAtMs = null;
    return false;
  }

  /** @throws what is no RetryLater */
  #waitFor(thrown: unknown): void {
    if (!(thrown instanceof RetryLater)) throw thrown;
    const { clock, onSubmit } = this.#options;
    this.#retryAtMs = clock.now() + thrown.backoffMs;
    void clock.sleep(thrown.backoffMs, this.#ended.signal).then(onSubmit);
  }

  #isFull(): boolean {
    for (const { isFull } of this.#bounded) if (isFull!()) return true;
    return false;
  }

  /** Taken since the last commit. */
  get units(): number {
    return this.#runner.units;
  }

  /** Whether the open epoch has anything to commit. */
  get hasWork(): boolean {
    return this.units > 0;
  }

  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  get epochBytes(): number {
    return this.#outputs.bytes + this.#stores.dirtyBytes;
  }

  /** Every record of every input, as far as last seen, is processed and committed. */
  get isIdle(): boolean {
    return (
      this.units === 0 && this.#committing === undefined && !this.isBusy && this.inputs.every(input => input.isAtEnd)
    );
  }

  /** Something is under way in its steps, or was submitted by them. */
  get isBusy(): boolean {
    return (
      this.#retryAtMs !== null ||
      this.#submitted.length > 0 ||
      this.#chain.nodes.some(({ isBusy }) => isBusy?.(Infinity))
    );
  }

  /** How many of its steps hold records while calls for them are under way. */
  get calling(): number {
    return this.#chain.nodes.filter(({ begun }) => begun !== undefined).length;
  }

  /** What has begun in its steps so far, for `isBusyBefore`. */
  begun(): readonly number[] {
    return this.#chain.nodes.map(({ begun }) => begun?.() ?? 0);
  }

  /** Something of that is still under way. */
  isBusyBefore(begun: readonly number[]): boolean {
    return this.#chain.nodes.some(({ isBusy }, index) => isBusy?.(begun[index]!));
  }

  /** The commit that will have made everything lasting that was done so far. */
  get openCommit(): number {
    return this.hasWork ? this.#commit + 1 : this.#commit;
  }

  /** Whether everything of an input before `end` is processed and committed. */
  isPast(input: TaskInput, end: number): boolean {
    // nothing is committed for a gap at the end alone
    return this.committedOffset(input) >= end || (input.position >= end && !this.hasWork && !this.isCommitting);
  }

  /** Where it would go on with an input if it ended now. */
  committedOffset(input: TaskInput): number {
    return this.#committedOf(input)?.offset ?? this.#starts[this.inputs.indexOf(input)]!;
  }

  /** The timestamp of an input's first record that is not committed, as far as it was fetched. */
  waitingSince(input: TaskInput): number | undefined {
    return this.#writing.get(input)?.[0] ?? input.waitingSinceMs;
  }

  /**
   * Commits the open epoch. The next one may begin as soon as the steps are drained, while this one is written; so one commit at
   * a time (`isCommitting`).
   * @throws SpoiledEpoch: then `abort` must follow; else FatalError: the task cannot go on
   */
  commit(): Promise<void> {
    this.#committing = this.#commitEpoch().finally(() => (this.#committing = undefined));
    return this.#committing;
  }

  /** Drops the open epoch and runs its records again, each committed alone. */
  async abort(): Promise<void> {
    await this.#committing;
    const positions = new Map(this.inputs.map(input => [input, this.#spoiledUntil(input)]));
    this.#outputs.clear();
    this.#runner.abort();
    this.#schedules.abort();
    this.#stores.abort();
    this.#submitted = [];
    this.#reset();
    for (const { aborted } of this.#chain.nodes) aborted?.();
    this.#alone = { positions, works: this.#submitted.length, dueMs: this.#options.clock.now() };
    this.#taken = undefined;
    this.inputs.forEach((input, index) => this.#seek(input, this.#starts[index]!));
  }

  /** Behind what the open epoch took of an input, and behind the record under way, if it was that which failed. */
  #spoiledUntil(input: TaskInput): number {
    const { unit } = this.#runner;
    const taken = unit.reader === input.reader ? unit.offset + 1 : input.position;
    return Math.max(taken, this.#alone?.positions.get(input) ?? 0);
  }

  #reset(): void {
    for (const { reset } of this.#chain.nodes) reset?.();
  }

  /** Steps wait for the operators of a `pipe` to complete. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Drops what is under way in its steps, also a drain that waits; `close` must follow. */
  abandon(): void {
    this.#ended.abort();
    for (const { close } of this.#chain.nodes) close?.();
  }

  /** Ends it; what was not committed is gone. */
  async close(): Promise<void> {
    await this.#committing?.catch(() => {});
    this.abandon();
    await this.#writer.close();
    await this.#stores.state.close();
  }

  get partition(): number {
    return this.#options.partition;
  }

  get subTopology(): SubTopology {
    return this.#options.subTopology;
  }

  /** Its stores. */
  get stores(): readonly StorePart[] {
    return [...this.#stores.byName].map(([name, store]) => ({ name, store, state: this.state }));
  }

  /** Its stores' committed entries, to read. */
  get state(): TaskState {
    return this.#stores.state;
  }

  /**
   * Stands on the committed offsets, or where the topic begins. Where a table is read first, its end is fixed, and committed,
   * before the first record.
   */
  async #start(): Promise<void> {
    const ranges = await this.#options.broker.offsets(this.inputs);
    this.#starts = ranges.map(({ start }) => start);
    this.inputs.forEach((input, index) => this.#seek(input, this.#starts[index]!));
    const first = this.inputs.filter(input => input.input.readFirst && !this.#committedOf(input));
    if (!this.#skipDeleted() && first.length === 0) return;
    for (const input of first) input.until = ranges[this.inputs.indexOf(input)]!.end;
    await this.commit();
  }

  /** Of a repartition topic only what was read and committed is deleted, even where the log has lost that commit. */
  #skipDeleted(): boolean {
    let hasSkipped = false;
    for (const [index, input] of this.inputs.entries()) {
      const start = this.#starts[index]!;
      if (!this.#options.acceptLoss || input.input.node.kind === 'source' || input.position >= start) continue;
      input.seek(start);
      hasSkipped = true;
    }
    return hasSkipped;
  }

  /** Makes what steps keep outside their stores from what their stores hold. */
  async #open(): Promise<void> {
    await this.#schedules.open(store => this.#stores.entriesOf(store));
    const entriesOf = (name: string) => this.#stores.entriesOf(this.#stores.byName.get(name)!);
    for (const { opened } of this.#chain.nodes) await opened?.(entriesOf);
  }

  /** Back to what was committed; `start` where nothing was. */
  #seek(input: TaskInput, start: number): void {
    const found = this.#committedOf(input);
    input.seek(found?.offset ?? start);
    if (found) input.until = decodeProgress(found.metadata, this.#options.topology.name).until ?? 0;
  }

  #committedOf(input: TaskInput): OffsetCommit | undefined {
    return this.#committed.find(({ topic, partition }) => topic === input.topic && partition === input.partition);
  }

  #endRecord(input: TaskInput): void {
    this.#taken = undefined;
    this.#runner.endUnit();
    input.consume();
    this.#runner.unitEnded();
  }

  async #commitEpoch(): Promise<void> {
    if (this.#chain.drains.length > 0) {
      // what comes out now is of no record
      this.#runner.unit.beginDue(this.partition, -1);
      try {
        await this.#drain();
      } catch (error) {
        throw error instanceof FatalError || error instanceof TransientError ? error : new SpoiledEpoch(error);
      }
    }
    const closed = this.#closeEpoch();
    this.#writing = new Map(this.inputs.map(input => [input, input.takeTimes()]));
    await this.#write(closed);
    this.#committed = closed.offsets;
    this.written = closed.commit;
    this.#runner.tell(closed.letters);
    this.#observe();
  }

  /** How old records were when they were committed: of each input's the first and the last one of the epoch. */
  #observe(): void {
    const { clock, latencies } = this.#options;
    const nowMs = clock.now();
    for (const [{ topic }, times] of this.#writing)
      for (const timestampMs of times) if (isTime(timestampMs)) latencies.endToEnd(topic, nowMs - timestampMs);
    this.#writing = new Map();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    try {
      for (const drain of this.#chain.drains) await drain();
    } finally {
      this.#isDraining = false;
    }
  }

  /** Takes the epoch's effects out of the task, so that the next epoch can begin. */
  #closeEpoch(): ClosedEpoch {
    this.#commit++;
    for (const { closing } of this.#chain.nodes) closing?.();
    this.#schedules.closeEpoch();
    const writes = this.#stores.closeEpoch();
    // changelogs, and what was drained, are written between units
    this.#runner.endUnit();
    const letters = this.#runner.closeEpoch();
    const offsets = this.inputs.map(({ topic, partition, position, until, input }) => ({
      topic,
      partition,
      offset: position,
      metadata: encodeProgress({
        commit: this.#commit,
        ...(input.readFirst && { until }),
      }),
    }));
    return { commit: this.#commit, appends: this.#outputs.take(), offsets, writes, letters };
  }

  async #write({ commit, appends, offsets, writes }: ClosedEpoch): Promise<void> {
    const outcome = await this.#writer.commit({ appends, offsets });
    const place = { topology: this.#options.topology.name };
    if (outcome.kind === 'fenced')
      throw new FatalError('TOPO_FENCED', `task ${this.id} was taken over by another process; this one stops.`, place);
    if (outcome.kind === 'unsettled')
      throw new FatalError(
        'TOPO_COMMIT_FAILED',
        `whether commit ${commit} of task ${this.id} happened is not known. Start again: the committed offsets tell.`,
        place,
        { cause: outcome.cause },
      );
    await this.#stores.write(commit, writes, appends, outcome.baseOffsets);
  }
}

/** What an aborted epoch held. */
interface Alone {
  /** Behind its records, by input. */
  readonly positions: ReadonlyMap<TaskInput, number>;
  /** How much of what was submitted stands in front of what came since. */
  works: number;
  /** What fell due by the clock up to here. */
  readonly dueMs: number;
}

interface ClosedEpoch {
  readonly commit: number;
  readonly appends: ReturnType<Outputs['take']>;
  readonly offsets: readonly OffsetCommit[];
  readonly writes: readonly StateWrite[];
  readonly letters: readonly RecordError[];
}
