import type { Fetched, FetchRequest, OffsetRange, TopicPartition } from '../../runtime/ports.ts';
import { damaged } from './damage.ts';
import type { LogFiles } from './log-files.ts';
import type { LogIndex } from './log-index.ts';
import type { LogState } from './log-state.ts';
import type { RecentBatches } from './recent-batches.ts';
import { storedBatchFault } from './scan.ts';
import type { BatchPlace } from './slice.ts';
import { unknownTopic } from './topics.ts';
import { windowsOf, type Window } from './windows.ts';

/** What reading needs of a log, whoever writes it. */
export interface LogView {
  readonly state: LogState;
  readonly index: LogIndex;
  readonly files: LogFiles;
  readonly recent?: RecentBatches;
}

/** Several windows are read into one piece of memory of this size: fresh memory costs more than the reading. */
const MEMORY_BYTES = 1024 * 1024;

/** A batch that must be read, and where it goes in which answer. */
interface Wanted {
  readonly place: BatchPlace;
  readonly answer: Buffer[];
  readonly at: number;
  readonly request: TopicPartition;
}

interface Answer extends Fetched {
  readonly batches: Buffer[];
  nextOffset: number;
}

/** @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
export function rangeOf(state: LogState, { topic, partition }: TopicPartition): OffsetRange {
  const offsets = state.partition(topic, partition);
  if (offsets === undefined) throw unknownTopic(state, topic, partition);
  const { start, end, lost = 0 } = offsets;
  return lost > start ? { start, end, lostBefore: lost } : { start, end };
}

/**
 * Answers from memory what is recent, and reads the rest: batches that lie close together, of whatever requests, at once. All answers
 * show the log as it is at the call: a commit that comes meanwhile is in none of them.
 * @throws FatalError `TOPO_LOG_DAMAGED`, `TOPO_DISK`
 */
export async function fetchNow(view: LogView, requests: readonly FetchRequest[]): Promise<Fetched[]> {
  const answers = requests.map((request): Answer => {
    const { topic, partition, offset } = request;
    return { topic, partition, ...rangeOf(view.state, request), batches: [], nextOffset: offset };
  });
  const topics = requests.map(({ topic }) => view.state.topics.get(topic)!.number);
  const wanted: Wanted[] = [];
  for (const [i, request] of requests.entries()) await plan(view, topics[i]!, request, answers[i]!, wanted);
  if (wanted.length > 0) await readAll(view, windowsOf(wanted));
  return answers;
}

async function plan(
  view: LogView,
  topic: number,
  request: FetchRequest,
  answer: Answer,
  wanted: Wanted[],
): Promise<void> {
  const { partition, offset, maxBytes } = request;
  const { start, end, batches } = answer;
  if (offset < start || offset >= end) return;
  const { places, next } = await view.index.find(topic, partition, offset, end, maxBytes);
  answer.nextOffset = next;
  places.forEach((place, at) => {
    const recent = view.recent?.get(place.file, place.position);
    if (recent !== undefined) batches[at] = recent;
    else wanted.push({ place, answer: batches, at, request });
  });
}

async function readAll(view: LogView, windows: readonly Window<Wanted>[]): Promise<void> {
  let memory = Buffer.alloc(0);
  let total = windows.reduce((sum, { start, end }) => sum + end - start, 0);
  const reads = windows.map(window => {
    const length = window.end - window.start;
    if (length > memory.length) memory = Buffer.allocUnsafeSlow(Math.max(length, Math.min(total, MEMORY_BYTES)));
    const into = memory.subarray(0, length);
    memory = memory.subarray(length);
    total -= length;
    return readWindow(view, window, into);
  });
  await Promise.all(reads);
}

async function readWindow(view: LogView, { file, start, used, wanted }: Window<Wanted>, into: Buffer): Promise<void> {
  const bytes = await view.files.read(file, start, into);
  for (const { place, answer, at, request } of wanted) {
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
    view.files.pathOf(place.file),
    `The batch at byte ${place.position}, ${topic}-${partition} ${baseOffset}–${baseOffset + lastDelta}, is bad: ${fault}.`,
    { topic, partition, offset: baseOffset },
  );
}
