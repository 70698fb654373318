import { FatalError } from '../../errors.ts';
import type {
  BrokerReader,
  Clock,
  OffsetCommit,
  OffsetRange,
  PartitionSize,
  Reader,
  TopicInfo,
  TopicPartition,
} from '../../runtime/ports.ts';
import { systemClock } from '../system-clock.ts';
import type { Disk } from './disk.ts';
import { topicsOf } from './topics.ts';
import { rangeOf, type LogView } from './fetch.ts';
import { whileFilesGo } from './files-go.ts';
import { decodeFooter } from './footer.ts';
import { HEAD_BYTES, readHead, storedCrc } from './frame.ts';
import { LogFiles } from './log-files.ts';
import { LogIndex } from './log-index.ts';
import { LogState } from './log-state.ts';
import { LogReader, type LiveLog } from './reader.ts';
import { readLog, type LogContent } from './recovery.ts';
import { offsetAt } from './offsets-at.ts';
import { fileOf, readBeginning, replay } from './replay.ts';
import { isGood } from './scan.ts';
import { segmentName } from './segment.ts';
import { sizeOf } from './sizes.ts';

/** How often a waiting fetch looks for more. */
const POLL_MS = 25;

export interface LogReaderOptions {
  readonly disk: Disk;
  readonly clock?: Pick<Clock, 'now' | 'sleep'>;
}

/**
 * Reads a log that another process may be writing: takes no lock, changes nothing, and trusts nothing behind the last frame
 * that checks. It may be one frame ahead of the writer's fsync: fine to look at, not to act on.
 * A folder that holds no log yet has no topics, until it does.
 *
 * @throws FatalError `TOPO_LOG_DAMAGED`, `TOPO_DISK`, `TOPO_FOLDER_UNUSABLE`
 */
export async function openLogReader({ disk, clock = systemClock }: LogReaderOptions): Promise<BrokerReader> {
  const follower = new LogFollower(disk, clock);
  await follower.view();
  return follower;
}

class LogFollower implements BrokerReader, LiveLog {
  version = 0;
  readonly #disk: Disk;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;
  readonly #readers = new Set<Reader>();
  #files: LogFiles;
  #content: LogContent | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(disk: Disk, clock: Pick<Clock, 'now' | 'sleep'>) {
    this.#disk = disk;
    this.#clock = clock;
    this.#files = new LogFiles(disk);
  }

  get clusterId(): string {
    return this.#content?.state.logId ?? '';
  }

  async view(): Promise<LogView> {
    await (this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined)));
    const files = this.#files;
    const { state, index } = this.#content ?? { state: new LogState(''), index: new LogIndex(files) };
    return { state, index, files };
  }

  async changed(seen: number, signal: AbortSignal): Promise<void> {
    while (this.version === seen && !signal.aborted) {
      await this.#clock.sleep(POLL_MS, signal);
      if (!signal.aborted) await this.view();
    }
  }

  async topics(): Promise<TopicInfo[]> {
    return topicsOf((await this.view()).state);
  }

  async offsets(partitions: readonly TopicPartition[]): Promise<OffsetRange[]> {
    const { state } = await this.view();
    return partitions.map(partition => rangeOf(state, partition));
  }

  sizes(partitions: readonly TopicPartition[]): Promise<PartitionSize[]> {
    return whileFilesGo(this, view => Promise.all(partitions.map(partition => sizeOf(view, partition))));
  }

  offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<number[]> {
    return whileFilesGo(this, view => Promise.all(partitions.map(partition => offsetAt(view, partition, timestampMs))));
  }

  reader(): Reader {
    const reader = new LogReader(this, this.#clock, closed => this.#readers.delete(closed));
    this.#readers.add(reader);
    return reader;
  }

  async groupOffsets(group: string): Promise<OffsetCommit[]> {
    return (await this.view()).state.groupOffsets(group);
  }

  async close(): Promise<void> {
    for (const reader of [...this.#readers]) await reader.close();
    await this.#refreshing?.catch(() => {});
    await this.#files.close();
  }

  async #refresh(): Promise<void> {
    try {
      if (this.#content === undefined || !(await this.#stillStands(this.#content))) await this.#load();
      while (this.#content !== undefined && (await this.#follow(this.#content)));
    } catch (error) {
      if (!isDiskError(error)) throw error;
      await this.#load(); // a segment was written anew, or taken away, before this reader came to it
    }
  }

  /** Reads everything: at first, and when what was read is not there any more (a writer failed and cut its last commit off). */
  async #load(): Promise<void> {
    const had = this.#content !== undefined;
    await this.#files.close();
    this.#files = new LogFiles(this.#disk);
    this.#content = await this.#read();
    if (had || this.#content !== undefined) this.version++;
  }

  /** What looks like damage is none when a writer made or removed files meanwhile. */
  async #read(): Promise<LogContent | undefined> {
    for (;;) {
      const names = await this.#disk.list();
      try {
        return await readLog(this.#disk, this.#files);
      } catch (error) {
        if (!isDiskError(error) && !isDamage(error)) throw error;
        const now = new Set(await this.#disk.list());
        if (names.length === now.size && names.every(name => now.has(name))) throw error;
      }
    }
  }

  async #stillStands({ tail }: LogContent): Promise<boolean> {
    const head = await this.#files.read(fileOf(tail), tail.frame, Buffer.alloc(HEAD_BYTES));
    return typeof readHead(head) !== 'string' && storedCrc(head) === tail.crc;
  }

  /** Takes over what was appended. True when there may be more: the segment was sealed, or files were exchanged. */
  async #follow({ state, index, tail: from }: LogContent): Promise<boolean> {
    const { segment } = from;
    const name = fileOf(from);
    const { exchanges } = state;
    const { tail, stop, hasChanges } = await this.#files.use(name, file => replay(file, from, state, index));
    if (tail.number !== from.number) this.version++;
    this.#content = { state, index, tail };
    if (state.exchanges !== exchanges) {
      await this.#load();
      return true;
    }
    if (hasChanges) index.trim(state);
    if (stop === undefined || !isGood(stop)) return false;
    const next = await this.#files.use(segmentName(segment + 1), file => readBeginning(file, [segment + 1, 0]));
    if (typeof next === 'string' || next.tail.before !== tail.number) return false;
    index.sealed(name, decodeFooter(stop.directory, stop.bodyPosition).entries);
    state.seal(segment, next.state.begunMs);
    this.#content = { state, index, tail: next.tail };
    return true;
  }
}

const isDiskError = (error: unknown): boolean => error instanceof FatalError && error.code === 'TOPO_DISK';
const isDamage = (error: unknown): boolean => error instanceof FatalError && error.code === 'TOPO_LOG_DAMAGED';
