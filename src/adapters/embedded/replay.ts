import type { DiskFile } from './disk.ts';
import { tagOf } from './frame.ts';
import type { LogIndex } from './log-index.ts';
import { LogState, type NewTopicsDirectory } from './log-state.ts';
import { FrameScan, isGood, type BadFrame, type Frame } from './scan.ts';

/** Where the log ends: behind its last good frame. */
export interface Tail {
  readonly segment: number;
  /** The first commit of this segment has the number behind this one. */
  readonly before: number;
  readonly position: number;
  /** Of the last frame: its place, number and head CRC. */
  readonly frame: number;
  readonly number: number;
  readonly crc: number;
}

/** How a segment begins: the state before its first commit, and the place of that. */
export interface Beginning {
  readonly state: LogState;
  readonly tail: Tail;
}

/** Reads a segment's state frame. A text says why it is none. */
export async function readBeginning(file: DiskFile, segment: number): Promise<Beginning | string> {
  const scan = await FrameScan.open(file);
  const frame = await scan.read(0, { segment });
  if (frame === undefined) return 'it is empty';
  if (!isGood(frame)) return frame.reason;
  if (frame.head.kind !== 'state') return 'it does not begin with a state frame';
  const state = LogState.decode(frame.directory);
  if (tagOf(state.logId) !== frame.head.logTag) return 'its log id does not match';
  const { number } = frame.head;
  return { state, tail: { segment, before: number, position: frame.end, frame: 0, number, crc: frame.crc } };
}

/** Takes over the frames behind `tail` into `state` and `index`, up to the file's end, its footer or the first bad frame. */
export async function replay(
  file: DiskFile,
  from: Tail,
  state: LogState,
  index: LogIndex,
): Promise<{ tail: Tail; stop: BadFrame | Frame | undefined; scan: FrameScan }> {
  const scan = await FrameScan.open(file);
  let tail = from;
  for (;;) {
    const frame = await scan.read(tail.position, {
      segment: tail.segment,
      logTag: tagOf(state.logId),
      previousCrc: tail.crc,
      number: tail.number,
    });
    if (frame === undefined || !isGood(frame)) return { tail, stop: frame, scan };
    if (frame.head.kind === 'footer') return { tail, stop: frame, scan };
    if (frame.head.kind === 'state')
      return { tail, stop: { position: frame.position, reason: 'a second state' }, scan };
    takeOver(frame, state);
    if (frame.commit !== undefined) index.add(tail.segment, frame.bodyPosition, frame.commit);
    tail = { ...tail, position: frame.end, frame: frame.position, number: frame.head.number, crc: frame.crc };
  }
}

/** Applies a `commit` or `topics` frame. Returns the offsets that are missing in front of it. */
export function takeOver(frame: Frame, state: LogState) {
  if (frame.head.kind === 'topics') state.addTopics(JSON.parse(frame.directory.toString()) as NewTopicsDirectory);
  return frame.commit === undefined ? [] : state.apply(frame.commit);
}
