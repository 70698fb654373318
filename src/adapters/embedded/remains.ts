import { maxTimestampOf, recordCountOf } from '../../records/batch.ts';
import type { AppendEntry, BatchEntry } from './directory.ts';
import { isGood, storedBatchFault, type Frame, type FrameScan } from './scan.ts';

/** What is left of one place in a file: a frame, whole or without some of its batches, or bytes that are none any more. */
export interface Remains {
  readonly position: number;
  readonly frame: Frame | undefined;
  /** What is wrong there. */
  readonly fault: string | undefined;
  readonly badBatches: ReadonlySet<BatchEntry>;
}

/** Where in a file its frames are looked for, and what is known of the frame before. */
export interface RemainsFrom {
  readonly segment: number;
  readonly logTag: number;
  readonly position: number;
  readonly number: number;
  /** Undefined: that frame cannot be read. */
  readonly crc: number | undefined;
  /** Its frames have no numbers of their own. */
  readonly isRewritten: boolean;
}

const NONE: ReadonlySet<BatchEntry> = new Set();

/**
 * All that is left of a damaged file, in its order. It ends with the footer, or with the last frame that has another one behind it
 * or is whole: whether what comes then was ever a commit is for the caller to tell.
 */
export async function* remainsOf(scan: FrameScan, from: RemainsFrom): AsyncGenerator<Remains, void> {
  const { segment, logTag, isRewritten } = from;
  const log = { segment, logTag };
  let { position, number, crc } = from;
  for (;;) {
    const follows = crc === undefined ? {} : { previousCrc: crc, number, isRewritten };
    const found = await scan.read(position, { ...log, ...follows });
    if (found === undefined) return;
    let frame: Frame | undefined;
    if (isGood(found)) {
      frame = found;
      yield { position, frame, fault: undefined, badBatches: NONE };
      if (frame.head.kind === 'footer') return;
    } else {
      const next = await scan.search(position + 1, log, isRewritten ? number - 1 : number);
      if (next === undefined) return;
      frame = found.frame;
      const badBatches = frame === undefined ? NONE : await badBatchesIn(scan, frame);
      yield { position, frame, fault: found.reason, badBatches };
      position = next.position;
    }
    if (frame !== undefined) position = frame.end;
    number = frame?.head.number ?? number;
    crc = frame?.crc;
  }
}

async function badBatchesIn(scan: FrameScan, { commit, bodyPosition }: Frame): Promise<Set<BatchEntry>> {
  const bad = new Set<BatchEntry>();
  let position = bodyPosition;
  for (const entry of commit?.appends.flatMap(({ batches }) => batches) ?? []) {
    if (storedBatchFault(await scan.bytesAt(position, entry.length), entry) !== undefined) bad.add(entry);
    position += entry.length;
  }
  return bad;
}

/** The batches that are left of a frame, as they are written to another file. */
export async function survivorsOf(
  scan: FrameScan,
  { frame, badBatches }: Remains,
): Promise<{ appends: AppendEntry[]; batches: Buffer[] }> {
  const appends: AppendEntry[] = [];
  const batches: Buffer[] = [];
  let position = frame!.bodyPosition;
  for (const append of frame!.commit?.appends ?? []) {
    const kept: BatchEntry[] = [];
    const bytes: Buffer[] = [];
    for (const entry of append.batches) {
      if (!badBatches.has(entry)) {
        kept.push(entry);
        bytes.push(await scan.bytesAt(position, entry.length));
      }
      position += entry.length;
    }
    if (kept.length === 0) continue;
    appends.push({
      ...append,
      baseOffset: kept[0]!.baseOffset,
      records: bytes.reduce((sum, batch) => sum + recordCountOf(batch), 0),
      maxTimestamp: bytes.reduce((max, batch) => Math.max(max, maxTimestampOf(batch)), -Infinity),
      batches: kept,
    });
    batches.push(...bytes);
  }
  return { appends, batches };
}
