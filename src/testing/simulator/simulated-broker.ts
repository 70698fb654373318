import type {
  Broker,
  CommittedOffset,
  Fetched,
  FetchRequest,
  Membership,
  OffsetCommit,
  Reader,
} from '../../runtime/ports.ts';
import type { Random } from './random.ts';
import type { Turns } from './scheduler.ts';

/** What the broker has said is durable: by group and partition its offset, by partition its end. */
export class Acknowledged {
  readonly offsets = new Map<string, CommittedOffset>();
  readonly ends = new Map<string, number>();

  copy(): Acknowledged {
    const copy = new Acknowledged();
    for (const [place, offset] of this.offsets) copy.offsets.set(place, offset);
    for (const [place, end] of this.ends) copy.ends.set(place, end);
    return copy;
  }

  /** The first thing that a broker opened later no longer has. */
  async missingIn(broker: Broker): Promise<string | undefined> {
    for (const [place, { offset }] of this.offsets) {
      const { group, topic, partition } = JSON.parse(place) as { group: string; topic: string; partition: number };
      const found = (await broker.groupOffsets(group)).find(one => one.topic === topic && one.partition === partition);
      if ((found?.offset ?? -1) < offset)
        return `group ${group} had committed ${offset} of ${topic}-${partition}, and now has ${found?.offset ?? 'none'}`;
    }
    for (const [place, end] of this.ends) {
      const { topic, partition } = JSON.parse(place) as { topic: string; partition: number };
      const [range] = await broker.offsets([{ topic, partition }]);
      if (range!.end < end) return `${topic}-${partition} ended at ${end}, and now ends at ${range!.end}`;
    }
    return undefined;
  }
}

/** Which tasks wrote to which partitions. */
export class Writers {
  readonly #tasks = new Map<string, Set<string>>();

  add(topic: string, partition: number, task: string): void {
    const place = `${topic}/${partition}`;
    const tasks = this.#tasks.get(place) ?? new Set();
    this.#tasks.set(place, tasks.add(task));
  }

  tasksOf(topic: string, partition: number): number {
    return this.#tasks.get(`${topic}/${partition}`)?.size ?? 0;
  }
}

/** Hears of processes and their tasks' commits. */
export interface CommitListener {
  /** A process begins. */
  begun(): void;
  /** All that it did is undone: its folder is brought back from a backup. */
  undone(): void;
  /** A task hands a commit over. */
  committing(group: string, task: string, offsets: readonly OffsetCommit[]): void;
  /** A task is opened, and has come so far. */
  opened(group: string, task: string, offsets: readonly OffsetCommit[]): void;
}

/** What a simulated broker tells its world. */
export interface BrokerNotes {
  readonly acknowledged: Acknowledged;
  readonly writers: Writers;
  readonly listener?: CommitListener | undefined;
}

/** A broker that gives as many records at a time as the seed says, when it says so, and keeps what was acknowledged. */
export function simulatedBroker(broker: Broker, turns: Turns, random: Random, notes: BrokerNotes): Broker {
  return {
    get clusterId() {
      return broker.clusterId;
    },
    topics: () => broker.topics(),
    offsets: partitions => broker.offsets(partitions),
    groupOffsets: group => broker.groupOffsets(group),
    createTopics: topics => broker.createTopics(topics.map(topic => ({ ...topic, config: keptForEver(topic.config) }))),
    deleteTopics: names => broker.deleteTopics(names),
    configureTopic: (name, config) => broker.configureTopic(name, config),
    // what was read of a repartition is looked at in the end
    deleteRecords: async () => {},
    sizes: partitions => broker.sizes(partitions),
    offsetsAt: (partitions, timestampMs) => broker.offsetsAt(partitions, timestampMs),
    close: () => broker.close(),
    reader: () => simulatedReader(broker.reader(), turns, random),
    join: async (group, tasks, listener) => remembering(await broker.join(group, tasks, listener), group, notes),
  };
}

/** What was written is looked at in the end: compaction leaves the last record of a key, other limits might leave nothing. */
const keptForEver = (config: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([name]) => !name.includes('retention')));

function simulatedReader(reader: Reader, turns: Turns, random: Random): Reader {
  return {
    async fetch(requests, maxWaitMs) {
      const fewer = random.chance(0.5) ? requests.map((one): FetchRequest => ({ ...one, maxBytes: 1 })) : requests;
      const fetched = await reader.fetch(fewer, maxWaitMs);
      const given = fetched.map((one, at): Fetched =>
        random.chance(0.25) ? { ...one, batches: [], nextOffset: requests[at]!.offset } : one,
      );
      return turns.turn('fetch', () => given);
    },
    close: () => reader.close(),
  };
}

function remembering(
  membership: Membership,
  group: string,
  { acknowledged, writers, listener }: BrokerNotes,
): Membership {
  const { offsets, ends } = acknowledged;
  return {
    holds: task => membership.holds(task),
    leave: () => membership.leave(),
    async open(task) {
      const writer = await membership.open(task);
      listener?.opened(group, task, writer.committed);
      return {
        committed: writer.committed,
        close: () => writer.close(),
        async commit(commit) {
          for (const { topic, partition } of commit.appends) writers.add(topic, partition, task);
          listener?.committing(group, task, commit.offsets);
          const outcome = await writer.commit(commit);
          if (outcome.kind !== 'committed') return outcome;
          for (const { topic, partition, offset, metadata } of commit.offsets)
            offsets.set(JSON.stringify({ group, topic, partition }), { offset, metadata });
          commit.appends.forEach(({ topic, partition, batches }, at) => {
            const last = outcome.baseOffsets[at]?.at(-1);
            if (last !== undefined && batches.length > 0) ends.set(JSON.stringify({ topic, partition }), last + 1);
          });
          return outcome;
        },
      };
    },
  };
}
