import { FatalError, TransientError } from '../errors.ts';
import type { RecordError } from '../errors.ts';
import { keptName } from '../graph/names.ts';
import type { Topology } from '../graph/topology.ts';
import type { Kind } from './chain.ts';
import { recordCountOf } from '../records/batch.ts';
import { compile } from './compile.ts';
import type { Chain } from './compile.ts';
import { DEAD_LETTERED, OutTally } from './counters.ts';
import type { Counters } from './counters.ts';
import { deadLetter } from './dead-letters.ts';
import { asRecordError, decide } from './error-policy.ts';
import type { ErrorPolicy } from './error-policy.ts';
import { TaskInput } from './input.ts';
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
import type { Progress } from './progress.ts';
import { commitWrites, restore } from './restore.ts';
import { Store, UndoLog } from './store.ts';
import type { StateWrite } from './store.ts';
import { Unit } from './unit.ts';

export interface TaskOptions {
  readonly topology: Topology;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly kinds: Readonly<Record<string, Kind<never>>>;
  readonly broker: Broker;
  readonly state: StateBackend;
  readonly counters: Counters;
  readonly log: Log;
  /** Partition count and `max.message.bytes` of a topic that the task writes. */
  topicLimits(topic: string): { readonly partitions: number; readonly maxMessageBytes: number };
  readonly deadLetters: string;
  readonly manifestHash: string;
  readonly policy: ErrorPolicy;
  /** For the stores of this task together. */
  readonly cacheBytes: number;
  readonly onDeadLetter: (error: RecordError) => void;
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
  /** Records taken since the last commit. */
  units = 0;
  readonly #options: TaskOptions;
  readonly #unit = new Unit();
  readonly #outputs = new Outputs();
  readonly #undo = new UndoLog();
  readonly #stores = new Map<string, Store>();
  readonly #changelogs: { readonly store: Store; readonly output: TopicOutput }[];
  readonly #chain: Chain;
  readonly #deadLetters: TopicOutput;
  readonly #tally: OutTally;
  readonly #writer: TaskWriter;
  readonly #state: TaskState;
  #commit: number;
  #streamTime: number;
  /** What an aborted epoch is run again from. */
  #committed: readonly OffsetCommit[];
  #committing: Promise<void> | undefined;
  /** Where its inputs began when it started, for those it never committed. */
  #starts: readonly number[] = [];
  #isDraining = false;
  /** Up to these positions every record is committed alone: an epoch that holds them could not be. */
  #alone: ReadonlyMap<TaskInput, number> | undefined;

  private constructor(options: TaskOptions, writer: TaskWriter, state: TaskState, progress: Progress) {
    const { topology, subTopology, partition, counters } = options;
    this.#options = options;
    this.#tally = new OutTally(counters.values);
    this.id = taskId(subTopology, partition);
    this.#writer = writer;
    this.#state = state;
    this.#commit = progress.commit;
    this.#streamTime = progress.streamTime;
    this.#committed = writer.committed;
    const outputs = new Map<string, TopicOutput>();
    const open = (topic: string): TopicOutput => {
      const { partitions, maxMessageBytes } = options.topicLimits(topic);
      const known = outputs.get(topic) ?? this.#outputs.topic(topic, partitions, maxMessageBytes);
      outputs.set(topic, known);
      return known;
    };
    const cacheBytes = options.cacheBytes / Math.max(1, subTopology.stores.length);
    this.#changelogs = subTopology.stores.map(({ store: reference, changelog }) => {
      const { partitions, maxMessageBytes } = options.topicLimits(changelog);
      const store = new Store(keptName(reference), state, this.#undo, cacheBytes, maxMessageBytes);
      this.#stores.set(reference.name, store);
      return { store, output: this.#outputs.topic(changelog, partitions, maxMessageBytes) };
    });
    for (const topic of subTopology.writes) open(topic);
    this.#deadLetters = open(options.deadLetters);
    this.#chain = compile({
      topology,
      subTopology,
      kinds: options.kinds,
      unit: this.#unit,
      counters,
      stores: this.#stores,
      outputs,
      appended: row => this.#tally.add(row),
    });
    this.inputs = subTopology.inputs
      .filter(input => partition < input.partitions)
      .sort((a, b) => Number(b.tableOnly) - Number(a.tableOnly))
      .map(input => new TaskInput(input, partition, topology.functions[input.node.id]!, this.#chain));
  }

  /** Takes the task over: fences an earlier writer, restores its state, and stands where it committed last. */
  static async open(options: TaskOptions, membership: Membership): Promise<Task> {
    const { topology, subTopology, partition, broker, log } = options;
    const id = taskId(subTopology, partition);
    const writer = await membership.open(id);
    const progress = writer.committed.map(({ metadata }) => decodeProgress(metadata, topology.name));
    const commit = Math.max(0, ...progress.map(one => one.commit));
    const streamTime = Math.max(-1, ...progress.map(one => one.streamTime));
    const { state } = await restore({
      topology,
      task: id,
      partition,
      stores: subTopology.stores,
      commit,
      backend: options.state,
      broker,
      log,
      onProgress: (restored, total) => options.onRestore(id, restored, total),
    });
    try {
      const task = new Task(options, writer, state, { commit, streamTime });
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
   * Takes records by rule G2, up to `maxUnits` or until `deadlineMs`; returns how many. The clock is looked at after the first
   * record, then less and less often, so that fast records do not pay for it and slow ones end the turn at once.
   * @throws FatalError; then nothing of the epoch may be committed. SpoiledEpoch; then `abort` must follow
   */
  process(maxUnits: number, clock: Clock, deadlineMs: number): number {
    if (this.#isDraining) return 0;
    let count = 0;
    let nextLook = 1;
    for (; count < maxUnits; count++) {
      if (count === nextLook) {
        if (clock.now() >= deadlineMs) break;
        nextLook += Math.min(count, LONGEST_STRIDE);
      }
      const input = this.#pick();
      if (input === undefined) break;
      this.#process(input, false);
      this.#endUnit(input);
    }
    return count;
  }

  /** An aborted epoch is being run again, a commit after each record: use `processAlone`. */
  get isAlone(): boolean {
    if (this.#alone === undefined) return false;
    for (const [input, position] of this.#alone) if (input.position < position) return true;
    this.#alone = undefined;
    return false;
  }

  /** Takes one record and drains the chain within its unit, so that what fails only then fails with this record. */
  async processAlone(): Promise<number> {
    const input = this.#pick();
    if (input === undefined) return 0;
    this.#process(input, true);
    try {
      await this.#drain();
    } catch (error) {
      this.#fail(error, true);
    }
    this.#endUnit(input);
    return 1;
  }

  /** Whether the open epoch has anything to commit. */
  get hasWork(): boolean {
    return this.units > 0;
  }

  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  get epochBytes(): number {
    let bytes = this.#outputs.bytes;
    for (const { store } of this.#changelogs) bytes += store.dirtyBytes;
    return bytes;
  }

  /** Every record of every input, as far as last seen, is processed and committed. */
  get isIdle(): boolean {
    return this.units === 0 && this.#committing === undefined && this.inputs.every(input => input.isAtEnd);
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
    // with the record after the last one taken: where the epoch was spoiled by a record, that is it
    this.#alone = new Map(this.inputs.map(input => [input, input.position + 1]));
    this.#outputs.clear();
    this.#undo.endUnit();
    this.#tally.endUnit();
    for (const reset of this.#chain.resets) reset();
    for (const { store } of this.#changelogs) store.abort();
    this.units = 0;
    this.inputs.forEach((input, index) => this.#seek(input, this.#starts[index]!));
    this.#streamTime = Math.max(-1, ...this.#committed.map(({ metadata }) => this.#progressIn(metadata).streamTime));
  }

  /** Ends it; what was not committed is gone. */
  async close(): Promise<void> {
    await this.#committing?.catch(() => {});
    await this.#writer.close();
    await this.#state.close();
  }

  get partition(): number {
    return this.#options.partition;
  }

  /** Names of its stores. */
  get stores(): string[] {
    return [...this.#stores.keys()];
  }

  /** Its stores' committed entries, to read. */
  get state(): TaskState {
    return this.#state;
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
    if (first.length === 0) return;
    for (const input of first) input.until = ranges[this.inputs.indexOf(input)]!.end;
    await this.commit();
  }

  /** Back to what was committed; `start` where nothing was. */
  #seek(input: TaskInput, start: number): void {
    const found = this.#committedOf(input);
    input.seek(found?.offset ?? start);
    if (found) input.until = this.#progressIn(found.metadata).until ?? 0;
  }

  #committedOf(input: TaskInput): OffsetCommit | undefined {
    return this.#committed.find(({ topic, partition }) => topic === input.topic && partition === input.partition);
  }

  #progressIn(metadata: string): Progress {
    return decodeProgress(metadata, this.#options.topology.name);
  }

  /**
   * Rule G2: the record with the smallest timestamp among the heads, tables before streams, then by declaration; and only when
   * every other input has a record buffered or was read to its end. Inputs stand in rank order, so the first smallest wins.
   */
  #pick(): TaskInput | undefined {
    const { inputs } = this;
    if (inputs.length === 1) return inputs[0]!.hasHead ? inputs[0] : undefined;
    const first = this.#readFirst();
    let best: TaskInput | undefined;
    for (const input of first ?? inputs) {
      if (!input.hasHead) {
        if (!input.isAtEnd) return undefined;
      } else if (best === undefined || input.headTimestamp < best.headTimestamp) best = input;
    }
    return best;
  }

  /** The tables still to be read before anything else. */
  #readFirst(): TaskInput[] | undefined {
    for (const input of this.inputs) if (input.isBehindUntil) return this.inputs.filter(one => one.isBehindUntil);
    return undefined;
  }

  /** One unit: a record and everything it leads to in this task, or its dead letter and nothing else. */
  #process(input: TaskInput, alone: boolean): void {
    const unit = this.#unit;
    unit.begin(input.reader, input.topic, input.partition, input.headTimestamp, input.keySerde);
    unit.step = input.input.node.id;
    try {
      const value = input.value();
      if (input.headTimestamp > this.#streamTime && !input.input.tableOnly) this.#streamTime = input.headTimestamp;
      input.step(value, null);
    } catch (error) {
      this.#fail(error, alone);
    }
  }

  #endUnit(input: TaskInput): void {
    this.#outputs.endUnit();
    this.#undo.endUnit();
    this.#tally.endUnit();
    this.units++;
    input.consume();
  }

  /**
   * Takes back everything the unit did, and puts its dead letter in its place. A step that holds records back may hold this one
   * too, among others: then the epoch is spoiled, unless the record stands alone.
   * @throws FatalError also when the policy says stop; SpoiledEpoch
   */
  #fail(thrown: unknown, alone: boolean): void {
    const { counters, topology, policy } = this.#options;
    const unit = this.#unit;
    this.#outputs.rollback();
    this.#undo.rollback();
    this.#tally.rollback();
    const { topic, partition, offset, step } = unit;
    const error = asRecordError(thrown, { topology: topology.name, step, topic, partition, offset });
    if (!alone && this.#chain.drains.length > 0) throw new SpoiledEpoch(error);
    for (const reset of this.#chain.resets) reset();
    if (decide(error, policy) === 'stop') throw new StoppedByPolicy(error);
    counters.values[counters.row(error.place.step ?? step) + DEAD_LETTERED]!++;
    deadLetter(this.#deadLetters, unit, error, this.#options.manifestHash);
    this.#options.onDeadLetter(error);
  }

  async #commitEpoch(): Promise<void> {
    if (this.#chain.drains.length > 0) {
      this.#isDraining = true;
      try {
        await this.#drain();
      } catch (error) {
        throw error instanceof FatalError || error instanceof TransientError ? error : new SpoiledEpoch(error);
      } finally {
        this.#isDraining = false;
      }
    }
    await this.#write(this.#closeEpoch());
  }

  async #drain(): Promise<void> {
    for (const drain of this.#chain.drains) await drain();
  }

  /** Takes the epoch's effects out of the task, so that the next epoch can begin. */
  #closeEpoch(): ClosedEpoch {
    this.#commit++;
    const writes: StateWrite[] = [];
    for (const { store, output } of this.#changelogs)
      if (store.isDirty) store.closeEpoch(output.writer(this.#options.partition), writes);
    // changelogs, and what was drained, are written between units
    this.#outputs.endUnit();
    this.#undo.endUnit();
    this.#tally.endUnit();
    const offsets = this.inputs.map(({ topic, partition, position, until, input }) => ({
      topic,
      partition,
      offset: position,
      metadata: encodeProgress({
        commit: this.#commit,
        streamTime: this.#streamTime,
        ...(input.readFirst && { until }),
      }),
    }));
    this.units = 0;
    return { commit: this.#commit, appends: this.#outputs.take(), offsets, writes };
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
    this.#committed = offsets;
    if (this.#changelogs.length === 0) return;
    const ends = new Map<string, number>();
    for (const { store, output } of this.#changelogs) {
      const index = appends.findIndex(append => append.topic === output.topic);
      if (index < 0) continue;
      const lastBase = outcome.baseOffsets[index]!.at(-1)!;
      const lastBatch = appends[index]!.batches.at(-1)!;
      ends.set(store.name, lastBase + recordCountOf(lastBatch));
    }
    try {
      await this.#state.write([...writes, ...commitWrites(commit, ends)]);
    } catch (cause) {
      throw new FatalError(
        'TOPO_DISK',
        `the state of task ${this.id} cannot be written; the log has commit ${commit}.`,
        place,
        { cause },
      );
    }
    for (const { store } of this.#changelogs) store.flushed();
  }
}

interface ClosedEpoch {
  readonly commit: number;
  readonly appends: ReturnType<Outputs['take']>;
  readonly offsets: readonly OffsetCommit[];
  readonly writes: readonly StateWrite[];
}

/** A step that holds records back failed, or a record it may hold did: the epoch must be aborted. */
export class SpoiledEpoch extends Error {
  constructor(cause: unknown) {
    super('an epoch has to be run again', { cause });
  }
}

/** A record failed and the policy says stop: what came before it is still committed. */
export class StoppedByPolicy extends FatalError {
  constructor(error: RecordError) {
    const { topic, partition, offset, step } = error.place;
    super(
      'TOPO_STOPPED_BY_POLICY',
      `step '${step}' failed on ${topic}-${partition} at offset ${offset} (${error.code}: ${error.message}) and onError is 'stop'. ` +
        `What came before is committed. Mend the cause, or run with onError 'dead-letter'.`,
      error.place,
      { cause: error },
    );
  }
}
