import type { DiskFile } from './disk.ts';
import { packFooter } from './footer.ts';
import { tagOf } from './frame.ts';
import type { LogIndex } from './log-index.ts';
import type { LogState } from './log-state.ts';
import type { Tail } from './replay.ts';

/** Gives a segment its footer, behind its last frame. Its successor must be durable by then: a footer says that there is one. */
export async function sealSegment(file: DiskFile, tail: Tail, state: LogState, index: LogIndex): Promise<void> {
  const indexes = [...index.unsealed(tail.segment)].map(each => ({
    ...each,
    endOffset: state.endOf(each.topic, each.partition),
  }));
  const head = { logTag: tagOf(state.logId), segment: tail.segment, previousCrc: tail.crc };
  const { footer, bytes } = packFooter(head, { first: tail.before + 1, last: tail.number }, indexes, tail.position);
  await file.write(tail.position, bytes);
  await file.sync();
  index.sealed(tail.segment, footer.entries);
}
