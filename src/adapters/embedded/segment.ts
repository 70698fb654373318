import type { SealedSegment } from './state-change.ts';

/**
 * The files of a log. `<segment>.<generation>.seg`: a segment; generation 0 as it was appended, later ones written anew without
 * what is dead. `<number>.compacted`: what compaction left of one partition.
 */
const SEGMENT = /^(\d{8,})\.(\d+)\.seg$/;
const COMPACTED = /^(\d{8,})\.compacted$/;

const padded = (number: number): string => String(number).padStart(8, '0');

export const segmentName = (segment: number, generation = 0): string => `${padded(segment)}.${generation}.seg`;

export const compactedName = (file: number): string => `${padded(file)}.compacted`;

export const isSegment = (name: string): boolean => SEGMENT.test(name);

export const isLogFile = (name: string): boolean => SEGMENT.test(name) || COMPACTED.test(name);

/** The number in the name of a log file. */
export const numberIn = (name: string): number => parseInt(name, 10);

/** The newest segment among a folder's files, as it was written first, if that is there. */
export function lastSegment(names: readonly string[]): SealedSegment | undefined {
  let last: SealedSegment | undefined;
  for (const name of names) {
    const [, segment, generation] = SEGMENT.exec(name) ?? [];
    const found = [Number(segment), Number(generation)] as const;
    if (
      segment !== undefined &&
      (last === undefined || found[0] > last[0] || (found[0] === last[0] && found[1] < last[1]))
    )
      last = found;
  }
  return last;
}
