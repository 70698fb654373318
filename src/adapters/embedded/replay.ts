import type { DiskFile } from './disk.ts';
import { tagOf } from './frame.ts';
import type { LogIndex } from './log-index.ts';
import { LogState, type OffsetGap } from './log-state.ts';
import { FrameScan, isGood, type BadFrame, type Frame } from './scan.ts';
import { segmentName } from './segment.ts';
import type { SealedSegment, StateChange } from './state-change.ts';

/** Where a segment ends, and for the last one the log: behind its last good frame. */
export interface Tail {
  readonly segment: number;
  readonly generation: number;
  /** The first commit of this segment has the number behind this one. */
  readonly before: number;
  readonly position: number;
  /** Of the last frame: its place, number and head CRC. */
  readonly frame: number;
  readonly number: number;
  readonly crc: number;
}

export const fileOf = ({ segment, generation }: Pick<Tail, 'segment' | 'generation'>): string =>
  segmentName(segment, generation);

/** How a segment begins: the state before its first commit, and the place of that. */
export interface Beginning {
  readonly state: LogState;
  readonly tail: Tail;
}

/** Reads a segment's state frame. A text says why it is none. */
export async function readBeginning(file: DiskFile, [segment, generation]: SealedSegment): Promise<Beginning | string> {
  const scan = await FrameScan.open(file);
  const frame = await scan.read(0, { segment });
  if (frame === undefined) return 'it is empty';
  if (!isGood(frame)) return frame.reason;
  if (frame.head.kind !== 'state') return 'it does not begin with a state frame';
  const state = LogState.decode(frame.directory);
  if (tagOf(state.logId) !== frame.head.logTag) return 'its log id does not match';
  const { number } = frame.head;
  const tail = { segment, generation, before: number, position: frame.end, frame: 0, number, crc: frame.crc };
  return { state, tail };
}

/** Takes over the frames behind `tail` into `state` and `index`, up to the file's end, its footer or the first bad frame. */
export async function replay(
  file: DiskFile,
  from: Tail,
  state: LogState,
  index: LogIndex,
): Promise<{ tail: Tail; stop: BadFrame | Frame | undefined; scan: FrameScan; hasChanges: boolean }> {
  const scan = await FrameScan.open(file);
  const name = fileOf(from);
  let tail = from;
  let hasChanges = false;
  for (;;) {
    const frame = await scan.read(tail.position, {
      segment: tail.segment,
      logTag: tagOf(state.logId),
      previousCrc: tail.crc,
      number: tail.number,
      isRewritten: tail.generation > 0,
    });
    if (frame === undefined || !isGood(frame)) return { tail, stop: frame, scan, hasChanges };
    const { kind } = frame.head;
    if (kind === 'footer') return { tail, stop: frame, scan, hasChanges };
    if (kind === 'state' || kind === 'compacted')
      return {
        tail,
        stop: { position: frame.position, reason: `a ${kind} frame has no place there` },
        scan,
        hasChanges,
      };
    takeOver(frame, state);
    if (kind === 'change') hasChanges = true;
    if (frame.commit !== undefined) index.add(name, frame.bodyPosition, frame.commit);
    tail = { ...tail, position: frame.end, frame: frame.position, number: frame.head.number, crc: frame.crc };
  }
}

/** Applies a `commit` or `change` frame. Returns the offsets that are missing in front of it. */
export function takeOver(frame: Frame, state: LogState): OffsetGap[] {
  if (frame.head.kind === 'change') state.change(JSON.parse(frame.directory.toString()) as StateChange);
  return frame.commit === undefined ? [] : state.apply(frame.commit);
}
