/**
 * What the runtime asks of the world. Adapters implement these; `run.ts` names which.
 * Offsets are numbers: exact up to 2^53.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicInfo {
  readonly name: string;
  /** Changes when a topic is deleted and made again: offsets of the old one are void then. */
  readonly id: string;
  readonly partitions: number;
  /** Kafka's names: `cleanup.policy`, `max.message.bytes` … Only what was set. */
  readonly config: Readonly<Record<string, string>>;
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** `start`: the first offset kept. `end`: one past the last offset that a committed reader sees. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

export interface FetchRequest extends TopicPartition {
  readonly offset: number;
  /** At least one batch comes, however large; then no more than this. */
  readonly maxBytes: number;
}

export interface Fetched extends TopicPartition {
  /** Whole record batches (format v2), in offset order, checked. The first may begin before the requested offset. Read-only. */
  readonly batches: readonly Buffer[];
  /** Where to fetch on: past the last batch, and past gaps that hold nothing to see. */
  readonly nextOffset: number;
  readonly end: number;
}

export interface CommittedOffset {
  readonly offset: number;
  /** A short text of the committer's, kept with the offset (Kafka: at most 4,096 bytes). */
  readonly metadata: string;
}

export interface OffsetCommit extends TopicPartition, CommittedOffset {}

/** One record batch for one partition. The broker assigns its offsets, writing them into the batch's first 8 bytes. */
export interface Append extends TopicPartition {
  readonly batch: Buffer;
}

export interface Commit {
  readonly appends: readonly Append[];
  readonly offsets: readonly OffsetCommit[];
}

/**
 * The one writer of a task. Opening it fences an earlier one of the same group and task, wherever that runs; only then are
 * committed offsets read.
 */
export interface TaskWriter {
  /** Of the given partitions; a partition that has no committed offset is absent. */
  committed(partitions: readonly TopicPartition[]): Promise<(OffsetCommit)[]>;
  /**
   * All or nothing, durable when it resolves. Resolves to the base offset of each append, in order.
   * A caller may hand over the next commit only after this one settled.
   *
   * @throws FatalError `TOPO_FENCED`, `TOPO_DISK`, `TOPO_COMMIT_FAILED`; TransientError when the outcome is unknown: the
   * caller then discards what it holds, opens a new writer and reads the committed offsets.
   */
  commit(commit: Commit): Promise<number[]>;
  close(): Promise<void>;
}

export interface Broker {
  /** Stable identity of the cluster: where it differs, all offsets are void. */
  readonly clusterId: string;
  topics(): Promise<TopicInfo[]>;
  /** Resolves once the topics can be read and written. @throws TopologyError if one exists. */
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  offsets(partitions: readonly TopicPartition[]): Promise<OffsetRange[]>;
  /**
   * Returns at once with what there is; if that is nothing, waits up to `maxWaitMs` for more. One answer a request, in order.
   * @throws FatalError `TOPO_OFFSET_OUT_OF_RANGE`
   */
  fetch(requests: readonly FetchRequest[], maxWaitMs: number): Promise<Fetched[]>;
  openTask(group: string, task: string): Promise<TaskWriter>;
  /** Every offset a group has committed, without becoming its member. */
  groupOffsets(group: string): Promise<OffsetCommit[]>;
  close(): Promise<void>;
}

/** The local store of one task: an ordered map from text to bytes. Lost or damaged, it is rebuilt from the changelogs. */
export interface TaskState {
  get(key: string): Uint8Array | undefined;
  /** Atomic. A null value deletes. */
  write(entries: Iterable<readonly [key: string, value: Uint8Array | null]>): Promise<void>;
  /** Entries with `from <= key < to`, in order. */
  entries(from: string, to: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
  close(): Promise<void>;
}

export interface StateBackend {
  /** @throws FatalError `TOPO_STATE_DAMAGED` when what is there does not open. */
  open(task: string): Promise<TaskState>;
  /** Puts a task's damaged state away under another name and keeps it. Returns where. */
  setAside(task: string): Promise<string>;
}

/** Time as the runtime sees it. */
export interface Clock {
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets other work of the process run: I/O, signals, the progress line. */
  yield(): Promise<void>;
}

/** Structured log. Fields carry codes, places and counts, never a record's content. */
export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
