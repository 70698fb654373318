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

/** `start`: the first offset kept. `end`: one past the last offset that a committed reader sees. Offsets between have gaps. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
  /** Some records from `start` on and in front of this offset were lost to damage, which was accepted. */
  readonly lostBefore?: number;
}

/** What a partition holds. Where its start was moved into the middle of compacted records, they are counted to within a batch. */
export interface PartitionSize {
  readonly records: number;
  readonly bytes: number;
}

export interface FetchRequest extends TopicPartition {
  readonly offset: number;
  /** At least one batch comes, however large; then no more than this. */
  readonly maxBytes: number;
}

export interface Fetched extends TopicPartition, OffsetRange {
  /** Whole, committed, checked record batches in offset order, often none. The first may begin before the asked offset. Read-only. */
  readonly batches: readonly Buffer[];
  /** Where to fetch on: past the last batch and past what holds nothing to see. Read to its end: `nextOffset >= end`. */
  readonly nextOffset: number;
}

/** Reads committed records. One reader serves one purpose (live tasks, restore, tail), so that a wait of one never delays another. */
export interface Reader {
  /**
   * Returns at once with what there is; if that is nothing, waits up to `maxWaitMs` for more. One answer a request, in order.
   * An offset outside `start`…`end` gets no batches, at once; what that means is the caller's to say. One call at a time.
   * @throws TransientError; FatalError `TOPO_LOG_DAMAGED`, `TOPO_DISK`; TopologyError `TOPO_TOPIC_UNKNOWN`
   */
  fetch(requests: readonly FetchRequest[], maxWaitMs: number): Promise<Fetched[]>;
  close(): Promise<void>;
}

export interface CommittedOffset {
  readonly offset: number;
  /** A short text of the committer's, kept with the offset (Kafka: at most 4,096 bytes). */
  readonly metadata: string;
}

export interface OffsetCommit extends TopicPartition, CommittedOffset {}

/** Unsealed record batches for one partition, in order; a partition appears once in a commit. Handed over: the broker seals them in place. */
export interface Append extends TopicPartition {
  readonly batches: readonly Buffer[];
}

export interface Commit {
  readonly appends: readonly Append[];
  readonly offsets: readonly OffsetCommit[];
}

/**
 * `fenced`: another writer of this task was opened. `unsettled`: whether it happened is not known, or it did not.
 * After both the writer is dead; who still holds the task opens another, whose committed offsets tell (by the commit number
 * in their metadata) what happened.
 */
export type CommitOutcome =
  /** The offset of the first record of each batch, as in `appends`. */
  | { readonly kind: 'committed'; readonly baseOffsets: readonly (readonly number[])[] }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'unsettled'; readonly cause: Error };

/** The one writer of a task. */
export interface TaskWriter {
  /** What was committed when it was opened; a partition without a committed offset is absent. */
  readonly committed: readonly OffsetCommit[];
  /**
   * All or nothing, and durable when it resolves to `committed`. One at a time.
   * @throws FatalError for what would fail again: `TOPO_DISK`, `TOPO_COMMIT_FAILED`
   */
  commit(commit: Commit): Promise<CommitOutcome>;
  close(): Promise<void>;
}

/** One task as a group sees it: a name, and the partitions it reads. Those are assigned together. */
export interface TaskSpec {
  readonly id: string;
  readonly inputs: readonly TopicPartition[];
}

/** Called by a membership, one call at a time; it waits for each promise (a revoke with a deadline of its own). */
export interface MembershipListener {
  assigned(tasks: readonly string[]): Promise<void>;
  /** The tasks go elsewhere: commit and close them. */
  revoked(tasks: readonly string[]): Promise<void>;
  /** They are gone already: drop what was not committed. */
  lost(tasks: readonly string[]): Promise<void>;
}

/** A place in a consumer group. */
export interface Membership {
  /** Fences earlier writers of the task, wherever they run, and then reads its committed offsets. Only for tasks it holds. */
  open(task: string): Promise<TaskWriter>;
  /** Asks the broker, after `fenced` or `unsettled`. */
  holds(task: string): Promise<boolean>;
  leave(): Promise<void>;
}

/** The reading half of a broker: also what a second process gets of a log that another one writes. */
export interface BrokerReader {
  /** Stable identity of the cluster: where it differs, all offsets are void. Empty while there is none. */
  readonly clusterId: string;
  topics(): Promise<TopicInfo[]>;
  /** @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
  offsets(partitions: readonly TopicPartition[]): Promise<OffsetRange[]>;
  /** @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
  sizes(partitions: readonly TopicPartition[]): Promise<PartitionSize[]>;
  /**
   * The first offset of each whose record has this timestamp (ms since 1970) or a later one; the end where there is none. Records
   * behind it may be older: partitions are not ordered by time.
   * @throws TopologyError `TOPO_TOPIC_UNKNOWN`
   */
  offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<number[]>;
  reader(): Reader;
  /** Every offset a group has committed, without becoming its member. */
  groupOffsets(group: string): Promise<OffsetCommit[]>;
  close(): Promise<void>;
}

export interface Broker extends BrokerReader {
  /**
   * All or none. Resolves once every partition can be read and written.
   * @throws TopologyError `TOPO_TOPIC_CONFLICT` if one exists, `TOPO_NAME_INVALID`, `TOPO_TOPIC_CONFIG`
   */
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  /** With their records, and what groups committed for them. @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
  deleteTopics(names: readonly string[]): Promise<void>;
  /** Gives a topic this config in place of the one it has. @throws TopologyError `TOPO_TOPIC_UNKNOWN`, `TOPO_TOPIC_CONFIG` */
  configureTopic(name: string, config: Readonly<Record<string, string>>): Promise<void>;
  /** Deletes the records in front of these offsets. What is in front of a partition's start already stays that. @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
  deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>;
  /** Tasks are assigned through the listener only after this has resolved, so that it can open them by the membership. */
  join(group: string, tasks: readonly TaskSpec[], listener: MembershipListener): Promise<Membership>;
}

/** The local store of one task: an ordered map from text to bytes. Lost or damaged, it is rebuilt from the changelogs. */
export interface TaskState {
  get(key: string): Uint8Array | undefined;
  /** Atomic. A null value deletes. */
  write(entries: Iterable<readonly [key: string, value: Uint8Array | null]>): Promise<void>;
  /** Entries with `from <= key < to`, in order. */
  entries(from: string, to: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
  /** About how much disk the entries with `from <= key < to` take; those written last may be missing. */
  approximateBytes(from: string, to: string): Promise<number>;
  close(): Promise<void>;
}

export interface StateBackend {
  /** `memoryBytes`: what it may take in memory. @throws FatalError `TOPO_STATE_DAMAGED` when what is there does not open. */
  open(task: string, memoryBytes: number): Promise<TaskState>;
  /** Puts a task's damaged state away under another name and keeps it. Returns where. */
  setAside(task: string): Promise<string>;
}

/** Time as the runtime sees it. */
export interface Clock {
  /** Milliseconds since 1970; whole ones, which may jump. */
  now(): number;
  /** Milliseconds of a clock that never jumps, with fractions: two readings tell how long something took. */
  elapsedMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** As `sleep`, for a limit to a wait that something else is to end first. */
  deadline(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets other work of the process run: I/O, signals, the progress line. */
  yield(): Promise<void>;
}

/** Structured log. Fields carry codes, places and counts, never a record's content. */
export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
