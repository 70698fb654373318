import type { OffsetCommit } from '../../runtime/ports.ts';
import type { CommitDirectory, OffsetEntry } from './directory.ts';
import type { Compacted, SealedSegment, StateChange, StoredTopic } from './state-change.ts';

export interface Partition {
  start: number;
  end: number;
  compacted?: Compacted;
  /** One past the last offset that damage took, where some of them did not lie in front of the start. */
  lost?: number;
}

export interface Topic extends StoredTopic {
  config: StoredTopic['config'];
  readonly partitions: readonly Partition[];
}

/** The directory of a `state` frame: everything but the records. */
interface Snapshot {
  readonly logId: string;
  readonly sealed: readonly SealedSegment[];
  readonly nextTopic: number;
  readonly nextFile: number;
  readonly begunMs: number;
  readonly topics: readonly (StoredTopic & {
    readonly partitions: readonly (readonly [
      start: number,
      end: number,
      compacted?: Compacted | null,
      lost?: number,
    ])[];
  })[];
  readonly groups: readonly (readonly [
    group: string,
    topic: number,
    partition: number,
    offset: number,
    metadata: string,
  ])[];
}

/** Offsets that should be there and are not. */
export interface OffsetGap {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** One past the last. */
  readonly to: number;
}

function partitionIn({ start, end, compacted, lost = 0 }: Partition): Snapshot['topics'][number]['partitions'][number] {
  if (lost > start) return [start, end, compacted ?? null, lost];
  return compacted === undefined ? [start, end] : [start, end, compacted];
}

/** What a log knows apart from its records: its files, topics with starts and ends, and what every group committed. */
export class LogState {
  nextTopic = 1;
  /** Numbers of compacted files are never used again. */
  nextFile = 1;
  /** How often files took the place of others. */
  exchanges = 0;
  /** When the last segment was begun. */
  begunMs = 0;
  /** In order. The segment that is appended to is not among them. */
  sealed: readonly SealedSegment[] = [];
  readonly topics = new Map<string, Topic>();
  readonly #byNumber = new Map<number, Topic>();
  readonly #groups = new Map<string, Map<string, OffsetCommit>>();

  constructor(readonly logId: string) {}

  partition(topic: string, partition: number): Partition | undefined {
    return this.topics.get(topic)?.partitions[partition];
  }

  topic(number: number): Topic | undefined {
    return this.#byNumber.get(number);
  }

  nameOf(topic: number): string {
    return this.#byNumber.get(topic)?.name ?? `topic ${topic}`;
  }

  at(topic: number, partition: number): Partition | undefined {
    return this.#byNumber.get(topic)?.partitions[partition];
  }

  endOf(topic: number, partition: number): number {
    return this.at(topic, partition)?.end ?? 0;
  }

  groupOffsets(group: string): OffsetCommit[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  committed(group: string, topic: string, partition: number): OffsetCommit | undefined {
    return this.#groups.get(group)?.get(`${topic}/${partition}`);
  }

  /** Takes over a commit. What lies between a partition's end and its first new batch is missing, and returned. */
  apply(commit: CommitDirectory): OffsetGap[] {
    const gaps: OffsetGap[] = [];
    for (const append of commit.appends) {
      const topic = this.#byNumber.get(append.topic);
      const offsets = topic?.partitions[append.partition];
      if (topic === undefined || offsets === undefined) continue;
      if (append.baseOffset > offsets.end)
        gaps.push({ topic: topic.name, partition: append.partition, from: offsets.end, to: append.baseOffset });
      offsets.end = append.endOffset;
    }
    for (const { group, topic: number, partition, offset, metadata } of commit.offsets) {
      const topic = this.#byNumber.get(number)?.name;
      if (topic !== undefined) this.#commit(group, { topic, partition, offset, metadata });
    }
    return gaps;
  }

  change({
    create = [],
    delete: deleted = [],
    configure = [],
    starts = [],
    compacted = [],
    rewritten,
  }: StateChange): void {
    for (const { partitions, ...topic } of create)
      this.#add({ ...topic, partitions: Array.from({ length: partitions }, () => ({ start: 0, end: 0 })) });
    for (const topic of deleted) this.#remove(topic);
    for (const { topic, config } of configure) {
      const found = this.#byNumber.get(topic);
      if (found !== undefined) found.config = config;
    }
    for (const [topic, partition, start] of starts) {
      const found = this.at(topic, partition);
      if (found !== undefined) found.start = Math.max(found.start, start);
    }
    for (const [topic, partition, files] of compacted) {
      const found = this.at(topic, partition);
      for (const [file] of files.files) this.nextFile = Math.max(this.nextFile, file + 1);
      if (found !== undefined) found.compacted = files;
    }
    if (rewritten !== undefined) this.#rewritten(rewritten);
    if (rewritten !== undefined || compacted.length > 0) this.exchanges++;
  }

  /** What makes the topics of this state those of a later one. */
  changesTo(later: LogState): StateChange & Required<Pick<StateChange, 'create'>> {
    return {
      create: [...later.topics.values()]
        .filter(({ number }) => !this.#byNumber.has(number))
        .map(({ number, name, id, config, partitions }) => ({
          number,
          name,
          id,
          config,
          partitions: partitions.length,
        })),
      delete: [...this.#byNumber.keys()].filter(number => !later.#byNumber.has(number)),
      configure: [...later.topics.values()].map(({ number, config }) => ({ topic: number, config })),
    };
  }

  /** Everything that groups have committed. */
  allOffsets(): OffsetEntry[] {
    return [...this.#groups].flatMap(([group, offsets]) =>
      [...offsets.values()].map(({ topic, partition, offset, metadata }) => {
        const { number } = this.topics.get(topic)!;
        return { group, topic: number, partition, offset, metadata };
      }),
    );
  }

  /** The segment has a successor. */
  seal(segment: number, nowMs: number): void {
    this.sealed = [...this.sealed, [segment, 0]];
    this.begunMs = nowMs;
  }

  /**
   * What this state has that an earlier one has not: named when what lies between them is lost. `now`: a later state, which
   * tells what is not missed, since it was deleted or lies in a file of its own.
   */
  gapsSince(earlier: LogState, now: LogState = this): OffsetGap[] {
    const gaps: OffsetGap[] = [];
    for (const topic of this.topics.values())
      topic.partitions.forEach(({ end }, partition) => {
        const kept = now.at(topic.number, partition);
        if (kept === undefined) return;
        const from = Math.max(earlier.endOf(topic.number, partition), kept.start, kept.compacted?.through ?? 0);
        if (end > from) gaps.push({ topic: topic.name, partition, from, to: end });
      });
    return gaps;
  }

  /**
   * Goes on from a later state, of which records and commits are lost: with its topics, behind its offsets, and with no number that it
   * has given. What groups had committed stays as it is here.
   */
  goOnFrom(later: LogState): void {
    for (const topic of later.topics.values()) {
      if (!this.#byNumber.has(topic.number) && !this.topics.has(topic.name)) this.#add(topic);
      for (const [partition, { end }] of topic.partitions.entries()) {
        const here = this.at(topic.number, partition);
        if (here !== undefined) here.end = Math.max(here.end, end);
      }
    }
    this.nextTopic = Math.max(this.nextTopic, later.nextTopic);
    this.nextFile = Math.max(this.nextFile, later.nextFile);
  }

  encode(): Buffer {
    const snapshot: Snapshot = {
      logId: this.logId,
      sealed: this.sealed,
      nextTopic: this.nextTopic,
      nextFile: this.nextFile,
      begunMs: this.begunMs,
      topics: [...this.topics.values()].map(topic => ({
        ...topic,
        partitions: topic.partitions.map(partitionIn),
      })),
      groups: this.allOffsets().map(({ group, ...at }) => [group, at.topic, at.partition, at.offset, at.metadata]),
    };
    return Buffer.from(JSON.stringify(snapshot));
  }

  static decode(directory: Buffer): LogState {
    const snapshot = JSON.parse(directory.toString()) as Snapshot;
    const state = new LogState(snapshot.logId);
    for (const topic of snapshot.topics)
      state.#add({
        ...topic,
        partitions: topic.partitions.map(([start, end, compacted, lost]) => ({
          start,
          end,
          ...(compacted && { compacted }),
          ...(lost !== undefined && { lost }),
        })),
      });
    state.sealed = snapshot.sealed;
    state.nextTopic = snapshot.nextTopic;
    state.nextFile = snapshot.nextFile;
    state.begunMs = snapshot.begunMs;
    for (const [group, number, partition, offset, metadata] of snapshot.groups)
      state.#commit(group, { topic: state.#byNumber.get(number)!.name, partition, offset, metadata });
    return state;
  }

  #add(topic: Topic): void {
    this.topics.set(topic.name, topic);
    this.#byNumber.set(topic.number, topic);
    this.nextTopic = Math.max(this.nextTopic, topic.number + 1);
  }

  /** With what groups committed for it: a topic of the same name that is made later has nothing to do with it. */
  #remove(number: number): void {
    const topic = this.#byNumber.get(number);
    if (topic === undefined) return;
    this.#byNumber.delete(number);
    this.topics.delete(topic.name);
    for (const [group, offsets] of this.#groups) {
      for (let partition = 0; partition < topic.partitions.length; partition++)
        offsets.delete(`${topic.name}/${partition}`);
      if (offsets.size === 0) this.#groups.delete(group);
    }
  }

  #rewritten({ segments, generation }: NonNullable<StateChange['rewritten']>): void {
    const [first] = segments;
    this.sealed = this.sealed.flatMap((sealed): SealedSegment[] => {
      if (sealed[0] === first && generation !== undefined) return [[first, generation]];
      return segments.includes(sealed[0]) ? [] : [sealed];
    });
  }

  #commit(group: string, offset: OffsetCommit): void {
    let offsets = this.#groups.get(group);
    if (offsets === undefined) this.#groups.set(group, (offsets = new Map()));
    offsets.set(`${offset.topic}/${offset.partition}`, offset);
  }
}
