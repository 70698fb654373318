import { randomUUID } from 'node:crypto';
import type {
  Broker,
  Clock,
  Log,
  Membership,
  MembershipListener,
  NewTopic,
  OffsetCommit,
  OffsetRange,
  PartitionSize,
  Reader,
  TaskSpec,
  TopicInfo,
  TopicPartition,
} from '../../runtime/ports.ts';
import { Cleaner } from './cleaner.ts';
import { CommitLog } from './commit-log.ts';
import type { Disk } from './disk.ts';
import { rangeOf, type LogView } from './fetch.ts';
import { whileFilesGo } from './files-go.ts';
import { Groups } from './group.ts';
import { offsetAt } from './offsets-at.ts';
import { LogReader, type LiveLog } from './reader.ts';
import { sizeOf } from './sizes.ts';
import { newTopics, topicsOf, withConfig, withoutTopics, withStarts } from './topics.ts';
import { systemClock } from '../system-clock.ts';

const MiB = 1024 * 1024;

export interface EmbeddedBrokerOptions {
  /** `NodeDisk` for a folder, `MemoryDisk` for tests. */
  readonly disk: Disk;
  /** What runs here, the topologies' names: told to a second process that is refused. */
  readonly owner?: string;
  readonly log?: Log;
  readonly clock?: Clock;
  /** For the log's and the topics' identities. */
  readonly newId?: () => string;
  readonly segmentBytes?: number;
  /** How much memory the newest batches may take, to be read without the disk. */
  readonly recentBytes?: number;
  /** How much memory the keys of a compaction may take. */
  readonly keyBytes?: number;
  /** How much memory the places of batches in sealed files may take. */
  readonly indexBytes?: number;
  /** Offsets left free behind each append, where Kafka has its transaction markers. Tests leave some on purpose. */
  readonly offsetGap?: number;
  /** Goes on without what is lost, where the log is damaged: all of it is read first. */
  readonly acceptLoss?: boolean;
}

/** A broker inside this process. */
export interface EmbeddedBroker extends Broker {
  /** Deletes and compacts what is due, without waiting for the time when that comes by itself. */
  clean(): Promise<void>;
}

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * A broker inside this process, on one folder: a durable, partitioned log with consumer groups and atomic commits. Locks the
 * folder until it is closed.
 *
 * @throws FatalError `TOPO_FOLDER_LOCKED`, `TOPO_FOLDER_UNUSABLE`, `TOPO_DISK`, `TOPO_LOG_DAMAGED`
 */
export async function openEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { disk, owner, log = silent, clock = systemClock, newId = randomUUID } = options;
  const { segmentBytes = 64 * MiB, recentBytes = 64 * MiB, keyBytes = 32 * MiB, indexBytes = 32 * MiB } = options;
  const { offsetGap = 0, acceptLoss = false } = options;
  const unlock = await disk.lock(holder(owner, clock.now()));
  try {
    const opened = await CommitLog.open({
      disk,
      log,
      newId,
      now: () => clock.now(),
      segmentBytes,
      recentBytes,
      indexBytes,
      offsetGap,
      acceptLoss,
    });
    const cleaner = new Cleaner({ log: opened, disk, clock, logger: log, segmentBytes, keyBytes });
    cleaner.start();
    return new LogBroker(opened, cleaner, clock, newId, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

function holder(owner: string | undefined, nowMs: number): string {
  const running = owner === undefined ? '' : `, running ${owner}`;
  return `process ${process.pid} since ${new Date(nowMs).toISOString()}${running}`;
}

class LogBroker implements EmbeddedBroker {
  readonly #log: CommitLog;
  readonly #cleaner: Cleaner;
  readonly #live: LiveLog;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #unlock: () => Promise<void>;
  readonly #groups: Groups;
  readonly #readers = new Set<Reader>();
  #closing: Promise<void> | undefined;

  constructor(log: CommitLog, cleaner: Cleaner, clock: Clock, newId: () => string, unlock: () => Promise<void>) {
    this.#log = log;
    this.#cleaner = cleaner;
    this.#live = liveLog(log);
    this.#clock = clock;
    this.#newId = newId;
    this.#unlock = unlock;
    this.#groups = new Groups(log, clock);
  }

  get clusterId(): string {
    return this.#log.state.logId;
  }

  async topics(): Promise<TopicInfo[]> {
    return topicsOf(this.#log.state);
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    if (topics.length > 0) await this.#log.change(() => newTopics(this.#log.state, topics, this.#newId));
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#log.change(() => withoutTopics(this.#log.state, names));
  }

  async configureTopic(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    await this.#log.change(() => withConfig(this.#log.state, name, config));
  }

  async deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    await this.#log.change(() => withStarts(this.#log.state, before));
  }

  async offsets(partitions: readonly TopicPartition[]): Promise<OffsetRange[]> {
    return partitions.map(partition => rangeOf(this.#log.state, partition));
  }

  sizes(partitions: readonly TopicPartition[]): Promise<PartitionSize[]> {
    return whileFilesGo(this.#live, view => Promise.all(partitions.map(partition => sizeOf(view, partition))));
  }

  offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<number[]> {
    const look = (view: LogView) => Promise.all(partitions.map(partition => offsetAt(view, partition, timestampMs)));
    return whileFilesGo(this.#live, look);
  }

  reader(): Reader {
    const reader = new LogReader(this.#live, this.#clock, closed => this.#readers.delete(closed));
    this.#readers.add(reader);
    return reader;
  }

  join(group: string, tasks: readonly TaskSpec[], listener: MembershipListener): Promise<Membership> {
    return this.#groups.join(group, tasks, listener);
  }

  async groupOffsets(group: string): Promise<OffsetCommit[]> {
    return this.#log.state.groupOffsets(group);
  }

  clean(): Promise<void> {
    return this.#cleaner.clean();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    for (const reader of [...this.#readers]) await reader.close();
    try {
      await this.#cleaner.close();
      await this.#log.close();
    } finally {
      await this.#unlock();
    }
  }
}

function liveLog(log: CommitLog): LiveLog {
  return {
    view: async () => log,
    get version() {
      return log.version;
    },
    changed: (seen, signal) =>
      new Promise(resolve => {
        if (log.version !== seen || signal.aborted) return resolve();
        const stop = log.listen(() => end());
        const end = () => {
          stop();
          signal.removeEventListener('abort', end);
          resolve();
        };
        signal.addEventListener('abort', end);
      }),
  };
}
