import { TopologyError } from '../../errors.ts';
import type { Fetched, FetchRequest, OffsetRange, TopicPartition } from '../../runtime/ports.ts';
import { damaged } from './damage.ts';
import type { BatchPlace, LogIndex } from './log-index.ts';
import type { LogState } from './log-state.ts';
import type { RecentBatches } from './recent-batches.ts';
import { storedBatchFault } from './scan.ts';
import type { SegmentFiles } from './segment-files.ts';

/** What reading needs of a log, whoever writes it. */
export interface LogView {
  readonly state: LogState;
  readonly index: LogIndex;
  readonly files: SegmentFiles;
  readonly recent?: RecentBatches;
}

/** Reading this many bytes for nothing costs less than another read. */
const GAP_BYTES = 32 * 1024;
const WINDOW_BYTES = 4 * 1024 * 1024;

/** A batch that must be read, and where it goes in which answer. */
interface Wanted {
  readonly place: BatchPlace;
  readonly answer: Buffer[];
  readonly at: number;
  readonly request: TopicPartition;
}

interface Answer extends Fetched {
  readonly batches: Buffer[];
}

/** @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
export function rangeOf(state: LogState, { topic, partition }: TopicPartition): OffsetRange {
  const offsets = state.partition(topic, partition);
  if (offsets !== undefined) return { start: offsets.start, end: offsets.end };
  const known = state.topics.get(topic);
  const what =
    known === undefined ? `There is no topic ${topic}.` : `Topic ${topic} has ${known.partitions.length} partitions.`;
  throw new TopologyError('TOPO_TOPIC_UNKNOWN', what, { topic, partition });
}

/**
 * Answers from memory what is recent, and reads the rest: batches that lie close together, of whatever requests, at once.
 * @throws FatalError `TOPO_LOG_DAMAGED`, `TOPO_DISK`
 */
export async function fetchNow(view: LogView, requests: readonly FetchRequest[]): Promise<Fetched[]> {
  const wanted: Wanted[] = [];
  const answers: Answer[] = [];
  for (const request of requests) answers.push(await plan(view, request, wanted));
  if (wanted.length > 0) await Promise.all(windowsOf(wanted).map(window => readWindow(view, window)));
  return answers;
}

async function plan(view: LogView, request: FetchRequest, wanted: Wanted[]): Promise<Answer> {
  const { topic, partition, offset, maxBytes } = request;
  const range = rangeOf(view.state, request);
  const answer = { topic, partition, ...range, batches: [] as Buffer[], nextOffset: offset };
  if (offset < range.start || offset >= range.end) return answer;
  const { number } = view.state.topics.get(topic)!;
  const { places, next } = await view.index.find(number, partition, offset, maxBytes);
  places.forEach((place, at) => {
    const recent = view.recent?.get(place.segment, place.position);
    if (recent !== undefined) answer.batches[at] = recent;
    else wanted.push({ place, answer: answer.batches, at, request });
  });
  // a commit may have come while an index was read: `next` then lies behind the end that this answer gives
  return { ...answer, nextOffset: next ?? Math.max(range.end, lastOf(places) + 1) };
}

const lastOf = (places: readonly BatchPlace[]): number => {
  const last = places.at(-1);
  return last === undefined ? -1 : last.baseOffset + last.lastDelta;
};

/** Groups by place: neighbours in one segment with little between them. */
function windowsOf(wanted: Wanted[]): Wanted[][] {
  wanted.sort((a, b) => a.place.segment - b.place.segment || a.place.position - b.place.position);
  const windows: Wanted[][] = [];
  let window: Wanted[] = [];
  let start = 0;
  let end = 0;
  for (const each of wanted) {
    const { segment, position, length } = each.place;
    const fits =
      window[0]?.place.segment === segment && position - end <= GAP_BYTES && position + length - start <= WINDOW_BYTES;
    if (!fits) {
      windows.push((window = []));
      start = position;
    }
    window.push(each);
    end = position + length;
  }
  return windows;
}

async function readWindow(view: LogView, window: readonly Wanted[]): Promise<void> {
  const { segment, position: start } = window[0]!.place;
  const last = window.at(-1)!.place;
  const bytes = await view.files.read(segment, start, last.position + last.length - start);
  const used = window.reduce((sum, { place }) => sum + place.length, 0);
  for (const { place, answer, at, request } of window) {
    const from = place.position - start;
    const batch = bytes.subarray(from, from + place.length);
    const fault = storedBatchFault(batch, place);
    if (fault !== undefined) throw damagedBatch(view, place, request, fault);
    // a batch keeps its whole window in memory: not when that is mostly waste
    answer[at] = used * 2 < bytes.length ? Buffer.from(batch) : batch;
  }
}

function damagedBatch(view: LogView, place: BatchPlace, { topic, partition }: TopicPartition, fault: string) {
  const { baseOffset, lastDelta } = place;
  return damaged(
    view.files.pathOf(place.segment),
    `The batch at byte ${place.position}, ${topic}-${partition} ${baseOffset}–${baseOffset + lastDelta}, is bad: ${fault}.`,
    { topic, partition, offset: baseOffset },
  );
}
