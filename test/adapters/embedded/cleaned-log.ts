import { BatchReader } from '../../../src/records/batch-reader.ts';
import { BatchWriter } from '../../../src/records/batch-writer.ts';
import type { Broker, BrokerReader, NewTopic, TaskWriter, TopicPartition } from '../../../src/runtime/ports.ts';
import { writerOf } from '../../contracts/members.ts';

export interface KeyedRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/** Topics that are cleaned in every way, and one that is not. Time is the test's. */
export const TOPICS = {
  kept: {},
  rows: { 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' },
  sized: { 'retention.bytes': '3000' },
  aged: { 'retention.ms': '500' },
  both: { 'cleanup.policy': 'compact,delete', 'retention.ms': '2000', 'delete.retention.ms': '0' },
} as const;
export type TopicName = keyof typeof TOPICS;
export const NAMES = Object.keys(TOPICS) as TopicName[];
const PARTITIONS = 2;
const GROUP = 'model';

export const newTopics: readonly NewTopic[] = NAMES.map(name => ({
  name,
  partitions: PARTITIONS,
  config: TOPICS[name],
}));

export const places: readonly TopicPartition[] = NAMES.flatMap(topic =>
  Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
);

const idOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

/** A record to be written. */
export interface Write extends TopicPartition {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/** What was written, and what may be of it: the naive log that a cleaned one is compared with. */
export class Model {
  readonly records = new Map<string, KeyedRecord[]>(places.map(place => [idOf(place), []]));
  /** A commit that was not acknowledged: there or not, as a whole. */
  open: readonly Write[] | undefined;
  commits = 0;
  /** Of all batches that were written. */
  bytes = 0;
  readonly #deleted = new Map<string, number>();
  readonly #starts = new Map<string, number>();

  /** Appends the writes as one commit that also moves the group's offset. */
  async commit(writer: TaskWriter, writes: readonly Write[]): Promise<void> {
    this.open = writes;
    const batches = new Map<string, { place: TopicPartition; batch: BatchWriter }>();
    for (const { key, value, timestamp, topic, partition } of writes) {
      const id = idOf({ topic, partition });
      const known = batches.get(id) ?? { place: { topic, partition }, batch: new BatchWriter(100_000, 600) };
      batches.set(id, known);
      known.batch.append(timestamp, key === null ? null : Buffer.from(key), value === null ? null : Buffer.from(value));
    }
    const appends = [...batches.values()].map(({ place, batch }) => ({ ...place, batches: batch.finish() }));
    for (const { batches } of appends) for (const batch of batches) this.bytes += batch.length;
    const offset = { topic: 'kept', partition: 0, offset: this.commits + 1, metadata: `commit ${this.commits + 1}` };
    const outcome = await writer.commit({ appends, offsets: [offset] });
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    this.#settle();
  }

  /** Deletes the older half of a partition. */
  async deleteHalf(broker: Broker, place: TopicPartition): Promise<void> {
    const [range] = await broker.offsets([place]);
    const offset = Math.floor((range!.start + range!.end) / 2);
    this.#deleted.set(idOf(place), offset);
    await broker.deleteRecords([{ ...place, offset }]);
  }

  /** What the log says of the open commit is what happened. */
  async adopt(view: BrokerReader): Promise<void> {
    const [committed] = await view.groupOffsets(GROUP);
    if (this.open !== undefined && (committed?.offset ?? 0) > this.commits) this.#settle();
    this.open = undefined;
  }

  #settle(): void {
    for (const { topic, partition, key, value, timestamp } of this.open!) {
      const records = this.records.get(idOf({ topic, partition }))!;
      records.push({ offset: records.length, key, value, timestamp });
    }
    this.commits++;
    this.open = undefined;
  }

  /**
   * Compares everything a log shows: every record is as it was written, those that must be there are there, offsets rise, and
   * nothing that was deleted comes back. @throws Error naming the first thing that is wrong
   */
  async check(view: BrokerReader, nowMs: number): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    if ((await view.topics()).length === 0) return counts;
    const [committed] = await view.groupOffsets(GROUP);
    if ((committed?.offset ?? 0) !== this.commits)
      throw new Error(`commit ${committed?.offset} instead of ${this.commits}`);
    const ranges = await view.offsets(places);
    const sizes = await view.sizes(places);
    for (const [i, place] of places.entries()) {
      const { start, end } = ranges[i]!;
      const id = idOf(place);
      const written = this.records.get(id)!;
      if (end !== written.length) throw new Error(`${id} ends at ${end} instead of ${written.length}`);
      if (start < (this.#starts.get(id) ?? 0)) throw new Error(`${id} begins at ${start} again`);
      this.#starts.set(id, start);
      const found = await readKeyed(view, place, start);
      checkRecords(id, found, written);
      // retention may have gone on while this was read
      const [now] = await view.offsets([place]);
      const deleted = this.#deleted.get(id) ?? 0;
      const missing = mustBeThere(place.topic as TopicName, written, now!.start, deleted, nowMs).find(
        record => !found.some(({ offset }) => offset === record.offset),
      );
      if (missing) throw new Error(`${id} has lost offset ${missing.offset}, key ${missing.key}`);
      const { records } = sizes[i]!;
      if (records < found.length || (place.topic === 'kept' && records > found.length))
        throw new Error(`${id} counts ${records} records and has ${found.length}`);
      counts[id] = found.length;
    }
    return counts;
  }
}

function checkRecords(id: string, found: readonly KeyedRecord[], written: readonly KeyedRecord[]): void {
  let last = -1;
  for (const record of found) {
    if (record.offset <= last) throw new Error(`${id}: offset ${record.offset} behind ${last}`);
    last = record.offset;
    if (JSON.stringify(record) !== JSON.stringify(written[record.offset]))
      throw new Error(`${id}: ${JSON.stringify(record)} instead of ${JSON.stringify(written[record.offset])}`);
  }
}

/** Records that no policy may have taken away yet. */
function mustBeThere(
  topic: TopicName,
  written: readonly KeyedRecord[],
  start: number,
  deleted: number,
  nowMs: number,
): readonly KeyedRecord[] {
  const config: Readonly<Record<string, string>> = TOPICS[topic];
  const policy = config['cleanup.policy'] ?? 'delete';
  const kept = written.slice(start);
  // what is in front of the start went by a call or by rule: bytes that are there beyond it, or records too old
  const retentionMs = Number(config['retention.ms'] ?? Infinity);
  const lost = written
    .slice(deleted, Math.max(deleted, start))
    .find(({ timestamp }) => timestamp >= nowMs - retentionMs);
  if (lost && config['retention.bytes'] === undefined && !policy.includes('compact'))
    throw new Error(`${topic}: offset ${lost.offset} is gone before its time`);
  if (!policy.includes('compact')) return kept;
  const newest = new Map<string, KeyedRecord>();
  for (const record of kept) if (record.key !== null) newest.set(record.key, record);
  return kept.filter(record => record.key === null || (newest.get(record.key) === record && record.value !== null));
}

/** Everything from an offset on, in small fetches. */
export async function readKeyed(view: BrokerReader, place: TopicPartition, from: number): Promise<KeyedRecord[]> {
  const reader = view.reader();
  const cursor = new BatchReader();
  const found: KeyedRecord[] = [];
  try {
    for (let offset = from; ;) {
      const [answer] = await reader.fetch([{ ...place, offset, maxBytes: 2000 }], 0);
      if (offset < answer!.start) {
        // retention went on meanwhile
        offset = answer!.start;
        found.length = 0;
      }
      for (const batch of answer!.batches) {
        cursor.load(batch, place);
        while (cursor.next())
          if (cursor.offset >= offset)
            found.push({
              offset: cursor.offset,
              key: cursor.keyBytes()?.toString() ?? null,
              value: cursor.valueBytes()?.toString() ?? null,
              timestamp: cursor.timestamp,
            });
      }
      if (answer!.nextOffset >= answer!.end) return found;
      offset = Math.max(offset, answer!.nextOffset);
    }
  } finally {
    await reader.close();
  }
}

export const modelWriter = (broker: Broker): Promise<TaskWriter> =>
  writerOf(broker, GROUP, [{ topic: 'kept', partition: 0 }]);

/** Some records for some partitions, as the random numbers say. */
export function randomWrites(random: () => number, nowMs: number): Write[] {
  const int = (below: number) => Math.floor(random() * below);
  return Array.from({ length: 1 + int(8) }, (): Write => {
    // little that is kept for ever, so that segments can be written anew
    const topic = random() < 0.1 ? 'kept' : NAMES[1 + int(NAMES.length - 1)]!;
    const key = random() < 0.05 ? null : `key ${int(12)}`;
    const value = random() < 0.15 ? null : `value ${int(1e6)} ${'x'.repeat(int(400))}`;
    return { topic, partition: int(PARTITIONS), key, value, timestamp: nowMs - int(300) };
  });
}
