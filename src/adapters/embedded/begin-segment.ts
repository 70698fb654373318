import type { Disk, DiskFile } from './disk.ts';
import { packFrame, tagOf } from './frame.ts';
import type { LogState } from './log-state.ts';
import type { Tail } from './replay.ts';
import { segmentName } from './segment.ts';

/** Makes a segment that begins with the state so far. Durable when it resolves. */
export async function beginSegment(
  disk: Disk,
  state: LogState,
  { segment, number, crc }: Pick<Tail, 'segment' | 'number' | 'crc'>,
): Promise<{ file: DiskFile; tail: Tail }> {
  const head = { kind: 'state', segment, number, previousCrc: crc, logTag: tagOf(state.logId) } as const;
  const frame = packFrame(head, state.encode());
  const file = await disk.open(segmentName(segment), 'create');
  try {
    await file.write(0, [frame.bytes]);
    await file.sync();
    await disk.sync();
  } catch (error) {
    await file.close();
    throw error;
  }
  const position = frame.bytes.length;
  return { file, tail: { segment, generation: 0, before: number, position, frame: 0, number, crc: frame.crc } };
}
