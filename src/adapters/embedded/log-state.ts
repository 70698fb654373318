import type { OffsetCommit } from '../../runtime/ports.ts';
import type { CommitDirectory } from './directory.ts';

/** A topic as the log stores it. Its number names it in frames and is never used again. */
export interface StoredTopic {
  readonly number: number;
  readonly name: string;
  readonly id: string;
  readonly config: Readonly<Record<string, string>>;
}

export interface PartitionOffsets {
  start: number;
  end: number;
}

export interface Topic extends StoredTopic {
  readonly partitions: readonly PartitionOffsets[];
}

/** The directory of a `topics` frame. */
export interface NewTopicsDirectory {
  readonly topics: readonly (StoredTopic & { readonly partitions: number })[];
}

/** The directory of a `state` frame: everything but the records. */
interface Snapshot {
  readonly logId: string;
  /** The oldest segment there is. */
  readonly firstSegment: number;
  readonly nextTopic: number;
  readonly topics: readonly (StoredTopic & { readonly partitions: readonly [start: number, end: number][] })[];
  readonly groups: Readonly<
    Record<string, readonly [topic: number, partition: number, offset: number, metadata: string][]>
  >;
}

/** Offsets that should be there and are not. */
export interface OffsetGap {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** One past the last. */
  readonly to: number;
}

/** What a log knows apart from its records: topics with starts and ends, and what every group committed. */
export class LogState {
  nextTopic = 1;
  readonly topics = new Map<string, Topic>();
  readonly #byNumber = new Map<number, Topic>();
  readonly #groups = new Map<string, Map<string, OffsetCommit>>();

  constructor(
    readonly logId: string,
    public firstSegment = 0,
  ) {}

  partition(topic: string, partition: number): PartitionOffsets | undefined {
    return this.topics.get(topic)?.partitions[partition];
  }

  nameOf(topic: number): string {
    return this.#byNumber.get(topic)?.name ?? `topic ${topic}`;
  }

  endOf(topic: number, partition: number): number {
    return this.#byNumber.get(topic)?.partitions[partition]?.end ?? 0;
  }

  groupOffsets(group: string): OffsetCommit[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  committed(group: string, topic: string, partition: number): OffsetCommit | undefined {
    return this.#groups.get(group)?.get(`${topic}/${partition}`);
  }

  addTopics({ topics }: NewTopicsDirectory): void {
    for (const { partitions, ...topic } of topics)
      this.#add({ ...topic, partitions: Array.from({ length: partitions }, () => ({ start: 0, end: 0 })) });
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

  /** What this state has that an earlier one has not: named when what lies between them is lost. */
  gapsSince(earlier: LogState): OffsetGap[] {
    const gaps: OffsetGap[] = [];
    for (const topic of this.topics.values())
      topic.partitions.forEach(({ end }, partition) => {
        const from = earlier.endOf(topic.number, partition);
        if (end > from) gaps.push({ topic: topic.name, partition, from, to: end });
      });
    return gaps;
  }

  encode(): Buffer {
    const snapshot: Snapshot = {
      logId: this.logId,
      firstSegment: this.firstSegment,
      nextTopic: this.nextTopic,
      topics: [...this.topics.values()].map(topic => ({
        ...topic,
        partitions: topic.partitions.map(({ start, end }): [number, number] => [start, end]),
      })),
      groups: Object.fromEntries(
        [...this.#groups].map(([group, offsets]) => [
          group,
          [...offsets.values()].map((at): [number, number, number, string] => [
            this.topics.get(at.topic)!.number,
            at.partition,
            at.offset,
            at.metadata,
          ]),
        ]),
      ),
    };
    return Buffer.from(JSON.stringify(snapshot));
  }

  static decode(directory: Buffer): LogState {
    const snapshot = JSON.parse(directory.toString()) as Snapshot;
    const state = new LogState(snapshot.logId, snapshot.firstSegment);
    for (const topic of snapshot.topics)
      state.#add({ ...topic, partitions: topic.partitions.map(([start, end]) => ({ start, end })) });
    state.nextTopic = snapshot.nextTopic;
    for (const [group, offsets] of Object.entries(snapshot.groups))
      for (const [number, partition, offset, metadata] of offsets)
        state.#commit(group, { topic: state.#byNumber.get(number)!.name, partition, offset, metadata });
    return state;
  }

  #add(topic: Topic): void {
    this.topics.set(topic.name, topic);
    this.#byNumber.set(topic.number, topic);
    this.nextTopic = Math.max(this.nextTopic, topic.number + 1);
  }

  #commit(group: string, offset: OffsetCommit): void {
    let offsets = this.#groups.get(group);
    if (offsets === undefined) this.#groups.set(group, (offsets = new Map()));
    offsets.set(`${offset.topic}/${offset.partition}`, offset);
  }
}
