import { damaged } from './damage.ts';
import type { LogFiles } from './log-files.ts';
import type { LogIndex } from './log-index.ts';
import { storedBatchFault } from './scan.ts';
import type { BatchPlace, Slice } from './slice.ts';
import { addToWindows, type Window } from './windows.ts';

/** A slice that is read, and what its batches belong to. */
export interface SliceToRead<T> {
  readonly slice: Slice;
  readonly of: T;
}

export interface ReadBatch<T> {
  readonly of: T;
  readonly place: BatchPlace;
  readonly batch: Buffer;
}

/** So much is read, and worked on, at a time. */
const WINDOW_BYTES = 256 * 1024;

/**
 * All batches of some slices of one file, checked, in the order in which they lie there. Comes in portions, each of which is a few
 * milliseconds' work.
 * @throws FatalError `TOPO_LOG_DAMAGED`, `TOPO_DISK`
 */
export async function* batchesIn<T>(
  files: LogFiles,
  index: LogIndex,
  slices: readonly SliceToRead<T>[],
): AsyncGenerator<ReadBatch<T>[], void> {
  const cursors: Cursor<T>[] = [];
  for (const { slice, of } of slices) {
    const batches = await index.load(slice);
    if (batches.count > 0) cursors.push({ of, file: slice.file, batches, at: 0, position: batches.at(0).position });
  }
  let windows: Window<Wanted<T>>[] = [];
  for (let wanted = next(cursors); wanted !== undefined; wanted = next(cursors)) {
    addToWindows(windows, wanted, WINDOW_BYTES);
    if (windows.length < 2) continue;
    yield await readWindow(files, windows[0]!);
    windows = [windows[1]!];
  }
  for (const window of windows) yield await readWindow(files, window);
}

interface Cursor<T> {
  readonly of: T;
  readonly file: string;
  readonly batches: Awaited<ReturnType<LogIndex['load']>>;
  at: number;
  position: number;
}

interface Wanted<T> {
  readonly of: T;
  readonly place: BatchPlace;
}

/** The batch that lies next. There are as many cursors as partitions: a few dozen. */
function next<T>(cursors: Cursor<T>[]): Wanted<T> | undefined {
  let first: Cursor<T> | undefined;
  for (const cursor of cursors) if (first === undefined || cursor.position < first.position) first = cursor;
  if (first === undefined) return undefined;
  const wanted = { of: first.of, place: { ...first.batches.at(first.at), file: first.file } };
  if (++first.at < first.batches.count) first.position = first.batches.at(first.at).position;
  else cursors.splice(cursors.indexOf(first), 1);
  return wanted;
}

async function readWindow<T>(
  files: LogFiles,
  { file, start, end, wanted }: Window<Wanted<T>>,
): Promise<ReadBatch<T>[]> {
  const bytes = await files.read(file, start, Buffer.allocUnsafeSlow(end - start));
  return wanted.map(({ of, place }) => {
    const batch = bytes.subarray(place.position - start, place.position - start + place.length);
    const fault = storedBatchFault(batch, place);
    if (fault !== undefined)
      throw damaged(
        files.pathOf(file),
        `The batch at byte ${place.position}, offset ${place.baseOffset}, is bad: ${fault}.`,
      );
    return { of, place, batch };
  });
}
