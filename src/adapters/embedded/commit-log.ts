import { FatalError } from '../../errors.ts';
import type { Log } from '../../runtime/ports.ts';
import { acceptLoss } from './accept-loss.ts';
import { beginSegment } from './begin-segment.ts';
import { checkPartitions } from './check-commit.ts';
import { removeCleanStop, writeCleanStop } from './clean-stop.ts';
import type { Disk, DiskFile } from './disk.ts';
import { packFrame, tagOf } from './frame.ts';
import { LogFiles } from './log-files.ts';
import { LogIndex } from './log-index.ts';
import { LogState } from './log-state.ts';
import { packCommits, type GroupCommit } from './pack.ts';
import { RecentBatches } from './recent-batches.ts';
import { readLog } from './recovery.ts';
import { fileOf, type Tail } from './replay.ts';
import { sealSegment } from './seal.ts';
import type { SealedSegment, StateChange } from './state-change.ts';

export interface CommitLogOptions {
  readonly disk: Disk;
  readonly log: Log;
  readonly newId: () => string;
  readonly now: () => number;
  /** A segment that would grow beyond this is sealed. A single larger commit has one to itself. */
  readonly segmentBytes: number;
  readonly recentBytes: number;
  readonly indexBytes: number;
  /** Offsets left free behind each append, as Kafka's transaction markers do: for tests. */
  readonly offsetGap: number;
  /** Goes on without what is lost, where the log is damaged. */
  readonly acceptLoss: boolean;
}

/** Something that waits to be written. */
type Pending = PendingCommit | PendingChange;

interface PendingCommit extends GroupCommit {
  /** Asked when its turn comes: what nobody wants any more is not written. */
  readonly wanted: () => boolean;
  readonly bytes: number;
  readonly resolve: (baseOffsets: readonly (readonly number[])[] | undefined) => void;
  readonly reject: (error: Error) => void;
}

interface PendingChange {
  /** Asked when its turn comes, with all that was changed before in place. May throw; undefined when there is nothing to do. */
  readonly change: () => StateChange | undefined;
  /** Called in the same step that makes the change seen. */
  readonly applied: (change: StateChange) => void;
  readonly resolve: (happened: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** Commits that wait are written together up to this size, or a single larger one. */
const GROUP_BYTES = 32 * 1024 * 1024;
/** What a frame, and with it a place in a segment, must stay below. */
const LARGEST_COMMIT_BYTES = 1024 * 1024 * 1024;

/**
 * The log of a folder, open for appending. One frame is in flight at a time; what is committed meanwhile waits and is written
 * together as the next frame, so that many tasks share one fsync. A commit is seen when it is durable, not before.
 *
 * After a failed write or fsync nothing is written any more: what the disk holds is only known by reading it again.
 */
export class CommitLog {
  readonly recent: RecentBatches;
  /** Rises with every frame. */
  version = 0;
  readonly #options: CommitLogOptions;
  readonly #queue: Pending[] = [];
  readonly #listeners = new Set<() => void>();
  #file: DiskFile;
  #tail: Tail;
  /** Whether a clean stop says where the log ends; `unknown`: nothing was appended yet, and there may be one of another end. */
  #cleanStop: 'here' | 'unknown' | 'gone' = 'here';
  #writing: Promise<void> | undefined;
  #inFlight: Promise<void> = Promise.resolve();
  #failure: FatalError | undefined;
  #closed = false;
  #isRolling = false;

  private constructor(
    readonly state: LogState,
    readonly index: LogIndex,
    readonly files: LogFiles,
    tail: Tail,
    file: DiskFile,
    options: CommitLogOptions,
  ) {
    this.recent = new RecentBatches(options.recentBytes);
    this.index.limitBytes = options.indexBytes;
    this.#tail = tail;
    this.#file = file;
    this.#options = options;
  }

  /** Opens the log of a folder that this process has locked, or begins one. @throws FatalError `TOPO_LOG_DAMAGED` */
  static async open(options: CommitLogOptions): Promise<CommitLog> {
    const { disk } = options;
    if (options.acceptLoss) await acceptLoss(disk, options.log, options.now());
    const files = new LogFiles(disk);
    try {
      const content = await readLog(disk, files, options.log);
      if (content !== undefined) {
        const file = await disk.open(fileOf(content.tail), 'write');
        const log = new CommitLog(content.state, content.index, files, content.tail, file, options);
        if (!content.isStopped) log.#cleanStop = 'unknown';
        return log;
      }
      const state = new LogState(options.newId());
      state.begunMs = options.now();
      const { file, tail } = await beginSegment(disk, state, { segment: 0, number: 0, crc: 0 });
      return new CommitLog(state, new LogIndex(files), files, tail, file, options);
    } catch (error) {
      await files.close();
      throw error;
    }
  }

  /** Calls back whenever something was committed. Returns how to stop that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when the commit is durable and seen: to the base offsets of its batches; to undefined when it was not `wanted`
   * any more and is not written. @throws FatalError `TOPO_DISK`, `TOPO_CLOSED`, `TOPO_COMMIT_FAILED`
   */
  append(commit: GroupCommit, wanted: () => boolean): Promise<readonly (readonly number[])[] | undefined> {
    const bytes = commit.commit.appends.reduce(
      (sum, append) => append.batches.reduce((inner, batch) => inner + batch.length, sum),
      0,
    );
    if (bytes > LARGEST_COMMIT_BYTES)
      return Promise.reject(
        new FatalError('TOPO_COMMIT_FAILED', `A commit of ${bytes} bytes; a commit can hold 1 GiB.`),
      );
    return new Promise((resolve, reject) => this.#enqueue({ ...commit, wanted, bytes, resolve, reject }));
  }

  /**
   * Resolves when the change is durable and seen; to false when there was nothing to do. @throws what `change` throws; FatalError
   * `TOPO_DISK`, `TOPO_CLOSED`
   */
  change(
    change: () => StateChange | undefined,
    applied: (change: StateChange) => void = () => this.index.trim(this.state),
  ): Promise<boolean> {
    return new Promise((resolve, reject) => this.#enqueue({ change, applied, resolve, reject }));
  }

  /** The segment that is appended to. */
  get open(): SealedSegment {
    return [this.#tail.segment, this.#tail.generation];
  }

  /** Nothing is written any more. */
  get isFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Goes on in a new segment, so that this one can be cleaned. */
  async roll(): Promise<void> {
    this.#isRolling = true;
    await this.change(() => ({}));
  }

  /** Resolves when the frame that is being written is settled, one way or the other. What waits behind it is not waited for. */
  async settled(): Promise<void> {
    await this.#inFlight;
  }

  /** Writes what waits, and notes that the log ends here. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#writing !== undefined) await this.#writing;
    try {
      if (this.#failure === undefined && this.#cleanStop !== 'here')
        await writeCleanStop(this.#options.disk, this.#tail, this.state);
    } finally {
      await this.#file.close();
      await this.files.close();
    }
  }

  #enqueue(pending: Pending): void {
    const refusal =
      this.#failure ?? (this.#closed ? new FatalError('TOPO_CLOSED', 'The broker is closed.') : undefined);
    if (refusal !== undefined) return pending.reject(refusal);
    this.#queue.push(pending);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve(); // commits handed in by the same step of several tasks go together
    while (this.#queue.length > 0) await (this.#inFlight = this.#writeNext());
    this.#writing = undefined; // in the same step as the look at the queue, or a commit could fall in between
  }

  async #writeNext(): Promise<void> {
    const next = this.#queue[0]!;
    if (!('change' in next)) {
      const group = this.#takeCommits();
      return this.#settle(group, () => this.#writeCommits(group));
    }
    this.#queue.shift();
    await this.#settle([next], () => this.#writeChange(next));
  }

  async #settle(group: readonly Pending[], write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      for (const each of group) each.reject(error as Error);
      if (this.#failure === undefined) return;
      for (const each of this.#queue.splice(0)) each.reject(this.#failure);
    }
  }

  #takeCommits(): PendingCommit[] {
    const group: PendingCommit[] = [];
    let bytes = 0;
    for (let next = this.#queue[0]; next !== undefined && !('change' in next); next = this.#queue[0]) {
      bytes += next.bytes;
      if (group.length > 0 && bytes > GROUP_BYTES) break;
      this.#queue.shift();
      if (!next.wanted()) next.resolve(undefined);
      else if (this.#isPossible(next)) group.push(next);
    }
    return group;
  }

  /** While it waited, a topic may have been deleted. */
  #isPossible({ commit, reject }: PendingCommit): boolean {
    try {
      checkPartitions(commit, this.state);
      return true;
    } catch (error) {
      reject(error as Error);
      return false;
    }
  }

  async #writeCommits(group: readonly PendingCommit[]): Promise<void> {
    if (group.length === 0) return;
    const bytes = group.reduce((sum, each) => sum + each.bytes, 0);
    await this.#makeReady(bytes);
    const frame = packCommits(group, this.state, this.#nextHead(), this.#options.offsetGap);
    const { position } = this.#tail;
    const file = fileOf(this.#tail);
    await this.#write(frame.buffers, frame.length, frame.crc);
    this.state.apply(frame);
    this.index.add(file, position + frame.bodyOffset, frame);
    this.recent.add(
      file,
      frame.batches.map(([offset, batch]) => [position + offset, batch]),
    );
    group.forEach((each, i) => each.resolve(frame.baseOffsets[i]));
    this.#announce();
  }

  async #writeChange(pending: PendingChange): Promise<void> {
    const change = pending.change();
    if (change === undefined) return pending.resolve(false);
    const packed = Buffer.from(JSON.stringify(change));
    await this.#makeReady(packed.length);
    const frame = packFrame({ ...this.#nextHead(), kind: 'change' }, packed);
    await this.#write([frame.bytes], frame.bytes.length, frame.crc);
    this.state.change(change);
    pending.applied(change);
    pending.resolve(true);
    this.#announce();
  }

  #nextHead() {
    const { segment, number, crc } = this.#tail;
    return { segment, number: number + 1, previousCrc: crc, logTag: tagOf(this.state.logId) };
  }

  /** Writes a frame and moves the tail behind it. */
  async #write(buffers: readonly Buffer[], length: number, crc: number): Promise<void> {
    const tail = this.#tail;
    await this.#guard(async () => {
      await this.#file.write(tail.position, buffers);
      await this.#file.sync();
    });
    const { position, number } = tail;
    this.#tail = { ...tail, position: position + length, frame: position, number: number + 1, crc };
  }

  /** Takes the clean stop away before the first append, and goes on in a new segment when this one is full. */
  async #makeReady(bytes: number): Promise<void> {
    if (this.#cleanStop !== 'gone') await this.#guard(() => removeCleanStop(this.#options.disk));
    this.#cleanStop = 'gone';
    const { before, number, position } = this.#tail;
    if (number === before || (!this.#isRolling && position + bytes <= this.#options.segmentBytes)) return;
    await this.#guard(async () => {
      const full = this.#tail;
      this.state.seal(full.segment, this.#options.now());
      this.#isRolling = false;
      const next = { segment: full.segment + 1, number: full.number, crc: full.crc };
      const { file, tail } = await beginSegment(this.#options.disk, this.state, next);
      const sealed = this.#file;
      this.#file = file;
      this.#tail = tail;
      try {
        await sealSegment(sealed, full, this.state.logId, this.index);
      } finally {
        await sealed.close();
      }
    });
  }

  /** Runs what changes the disk. A failure is the end of this log, and what it may have left behind is cut off if that works. */
  async #guard(change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      this.#failure =
        error instanceof FatalError
          ? error
          : new FatalError('TOPO_DISK', `The disk failed: ${String(error)}`, {}, { cause: error });
      try {
        await this.#file.truncate(this.#tail.position);
        await this.#file.sync();
      } catch {
        // then the next open finds either an unfinished frame or the whole commit, whose number tells its task
      }
      throw this.#failure;
    }
  }

  #announce(): void {
    this.version++;
    for (const listener of this.#listeners) listener();
  }
}
