import type { Disk } from './disk.ts';
import { HEAD_BYTES, headCrc, packFrame, readHead, storedCrc, tagOf } from './frame.ts';
import { LogState } from './log-state.ts';
import type { Tail } from './replay.ts';

/**
 * Written when a broker closes in order, removed before the next one appends. While it is there, a log that ends before it has
 * lost its end, which the log alone could not tell from a commit that never was.
 */
const NAME = 'clean-stop';

export interface CleanStop {
  readonly number: number;
  /** Of the last head. */
  readonly crc: number;
  readonly state: LogState;
}

export async function writeCleanStop(disk: Disk, tail: Tail, state: LogState): Promise<void> {
  const { number, segment, crc } = tail;
  const head = { kind: 'state', number, segment, previousCrc: crc, logTag: tagOf(state.logId) } as const;
  const file = await disk.open(NAME, 'create');
  try {
    await file.write(0, [packFrame(head, state.encode()).bytes]);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.sync();
}

/** Durably gone when it resolves. */
export async function removeCleanStop(disk: Disk): Promise<void> {
  if (!(await disk.list()).includes(NAME)) return;
  await disk.remove(NAME);
  await disk.sync();
}

/** `unreadable`: a stop that did not come to its end, or damage; nothing can be checked against it. */
export async function readCleanStop(disk: Disk): Promise<CleanStop | 'unreadable' | undefined> {
  if (!(await disk.list()).includes(NAME)) return undefined;
  const file = await disk.open(NAME, 'read');
  try {
    const bytes = await file.read(0, Buffer.alloc(await file.size()));
    const head = readHead(bytes);
    if (typeof head === 'string' || bytes.length !== HEAD_BYTES + head.directoryBytes) return 'unreadable';
    if (headCrc(bytes, head.directoryBytes) !== storedCrc(bytes)) return 'unreadable';
    return { number: head.number, crc: head.previousCrc, state: LogState.decode(bytes.subarray(HEAD_BYTES)) };
  } finally {
    await file.close();
  }
}
