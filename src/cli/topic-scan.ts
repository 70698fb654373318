import { BatchReader } from '../records/batch-reader.ts';
import type { Reader, TopicPartition } from '../runtime/ports.ts';
import { recordAt } from './topic-record.ts';
import type { TopicRecord } from './topic-record.ts';

/** Offsets `from` ≤ offset < `to` of one partition. */
export interface Stretch extends TopicPartition {
  readonly from: number;
  readonly to: number;
}

/** Which records are wanted; asked before one is copied. */
export type Match = (record: BatchReader) => boolean;

const FETCH_BYTES = 1024 * 1024;
/** Offsets in a first step back, and in a later one at most: wider where few records match. */
const STEP_BACK = 256;
const LONGEST_STEP_BACK = 65_536;

/** The records of a stretch in their order. Holds a fetch at a time. */
export async function* forwards(reader: Reader, stretch: Stretch, matches: Match): AsyncGenerator<TopicRecord, void> {
  const { topic, partition, to } = stretch;
  const records = new BatchReader();
  for (let offset = stretch.from; offset < to;) {
    const [fetched] = await reader.fetch([{ topic, partition, offset, maxBytes: FETCH_BYTES }], 0);
    // meanwhile retention may have dropped what was asked for
    if (offset < fetched!.start) {
      offset = fetched!.start;
      continue;
    }
    for (const batch of fetched!.batches) {
      records.load(batch, stretch);
      while (records.next()) {
        if (records.offset >= to) return;
        if (records.offset >= offset && matches(records)) yield recordAt(records, stretch);
      }
    }
    if (fetched!.nextOffset <= offset) return;
    offset = fetched!.nextOffset;
  }
}

/** The records of a stretch, the last one first. Offsets have gaps and few records may match, so it goes back step by step. */
export async function* backwards(reader: Reader, stretch: Stretch, matches: Match): AsyncGenerator<TopicRecord, void> {
  let step = STEP_BACK;
  for (let to = stretch.to; to > stretch.from;) {
    const from = Math.max(stretch.from, to - step);
    const found: TopicRecord[] = [];
    for await (const record of forwards(reader, { ...stretch, from, to }, matches)) found.push(record);
    yield* found.reverse();
    if (found.length < step / 8) step = Math.min(step * 4, LONGEST_STEP_BACK);
    to = from;
  }
}

const isEarlier = (a: TopicRecord, b: TopicRecord): boolean =>
  a.timestamp < b.timestamp || (a.timestamp === b.timestamp && a.partition < b.partition);

/** One sequence out of several: always the earliest of their heads. The order within each is kept. */
export async function* merged(
  sequences: readonly AsyncGenerator<TopicRecord, void>[],
): AsyncGenerator<TopicRecord, void> {
  const heads: { record: TopicRecord; readonly rest: AsyncGenerator<TopicRecord, void> }[] = [];
  for (const rest of sequences) {
    const first = await rest.next();
    if (!first.done) heads.push({ record: first.value, rest });
  }
  while (heads.length > 0) {
    let least = 0;
    for (let i = 1; i < heads.length; i++) if (isEarlier(heads[i]!.record, heads[least]!.record)) least = i;
    const head = heads[least]!;
    yield head.record;
    const next = await head.rest.next();
    if (next.done) heads.splice(least, 1);
    else head.record = next.value;
  }
}

/**
 * The last `count` of all stretches together: the last `count` of each, merged. A late record thus stays where it was appended,
 * and hides nothing of its partition.
 */
export async function lastRecords(
  reader: Reader,
  stretches: readonly Stretch[],
  count: number,
  matches: Match,
): Promise<TopicRecord[]> {
  const lasts: AsyncGenerator<TopicRecord, void>[] = [];
  for (const stretch of stretches) {
    const last: TopicRecord[] = [];
    for await (const record of backwards(reader, stretch, matches)) if (last.push(record) >= count) break;
    lasts.push(sequence(last.reverse()));
  }
  const all: TopicRecord[] = [];
  for await (const record of merged(lasts)) all.push(record);
  return all.slice(-count);
}

/** What comes behind the stretches, from round to round; each round is merged by itself. Ends when the signal aborts. */
export async function* following(
  reader: Reader,
  stretches: readonly Stretch[],
  matches: Match,
  signal: AbortSignal,
): AsyncGenerator<TopicRecord, void> {
  const requests = stretches.map(({ topic, partition, to }) => ({
    topic,
    partition,
    offset: to,
    maxBytes: FETCH_BYTES,
  }));
  const records = new BatchReader();
  while (!signal.aborted) {
    const round: AsyncGenerator<TopicRecord, void>[] = [];
    const answers = await reader.fetch(requests, FOLLOW_WAIT_MS);
    answers.forEach((fetched, i) => {
      const { offset } = requests[i]!;
      const found: TopicRecord[] = [];
      for (const batch of fetched.batches) {
        records.load(batch, fetched);
        while (records.next()) if (records.offset >= offset && matches(records)) found.push(recordAt(records, fetched));
      }
      round.push(sequence(found));
      requests[i]!.offset = Math.max(fetched.nextOffset, fetched.start);
    });
    yield* merged(round);
  }
}

const FOLLOW_WAIT_MS = 1000;

async function* sequence(records: readonly TopicRecord[]): AsyncGenerator<TopicRecord, void> {
  yield* records;
}
