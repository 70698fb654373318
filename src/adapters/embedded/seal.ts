import type { DiskFile } from './disk.ts';
import { packFooter, type Footer, type FooterEntry } from './footer.ts';
import { tagOf, type FrameHead } from './frame.ts';
import type { LogIndex } from './log-index.ts';
import { fileOf, type Tail } from './replay.ts';
import type { PlacedSlice } from './slice.ts';

/** The range of a file whose frames are no commits. */
export const NO_COMMITS = { first: 1, last: 0 } as const;

/** Gives a segment its footer, behind its last frame. Its successor must be durable by then: a footer says that there is one. */
export async function sealSegment(file: DiskFile, tail: Tail, logId: string, index: LogIndex): Promise<void> {
  const name = fileOf(tail);
  const head = { logTag: tagOf(logId), segment: tail.segment, previousCrc: tail.crc };
  const range = { first: tail.before + 1, last: tail.number };
  index.sealed(name, await writeFooter(file, head, range, [...index.unsealed(name)], tail.position));
}

/** Seals a file whose frames end at `position`. Durable when it resolves. */
export async function writeFooter(
  file: DiskFile,
  head: Pick<FrameHead, 'logTag' | 'segment' | 'previousCrc'>,
  range: Pick<Footer, 'first' | 'last'>,
  slices: readonly PlacedSlice[],
  position: number,
): Promise<readonly FooterEntry[]> {
  const { footer, bytes } = packFooter(head, range, slices, position);
  await file.write(position, bytes);
  await file.sync();
  return footer.entries;
}
