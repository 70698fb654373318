import { damaged, describeGaps } from './damage.ts';
import type { Disk, DiskFile } from './disk.ts';
import { readFooter } from './footer.ts';
import { tagOf } from './frame.ts';
import type { LogFiles } from './log-files.ts';
import type { LogIndex } from './log-index.ts';
import type { LogState } from './log-state.ts';
import { FrameScan, isGood } from './scan.ts';
import { NO_COMMITS, writeFooter } from './seal.ts';
import { compactedName } from './segment.ts';
import { beginSlice, extendSlice, type OpenSlice } from './slice.ts';

interface Reading {
  readonly state: LogState;
  readonly index: LogIndex;
  readonly names: readonly string[];
  /** A footer that is gone is written again. */
  readonly repairs: boolean;
}

/** Takes the files of compacted partitions into the index. @throws FatalError `TOPO_LOG_DAMAGED` naming the offsets that are missing */
export async function readCompacted(disk: Disk, files: LogFiles, reading: Reading): Promise<void> {
  for (const topic of reading.state.topics.values())
    for (const [partition, { start, compacted }] of topic.partitions.entries()) {
      let from = 0;
      for (const [number, end] of compacted?.files ?? []) {
        const place = { topic: topic.number, partition, name: topic.name, number, from: Math.max(from, start), end };
        await readOne(disk, files, place, reading);
        from = end;
      }
    }
}

interface CompactedFile {
  readonly topic: number;
  readonly partition: number;
  /** Of the topic. */
  readonly name: string;
  readonly number: number;
  readonly from: number;
  readonly end: number;
}

async function readOne(
  disk: Disk,
  files: LogFiles,
  file: CompactedFile,
  { state, index, names, repairs }: Reading,
): Promise<void> {
  const { topic, partition, end, number } = file;
  const name = compactedName(number);
  const lost = (what: string, from: number) => {
    const gaps = describeGaps([{ topic: file.name, partition, from, to: end }]);
    return damaged(files.pathOf(name), `${what} ${gaps}`, { topic: file.name, partition });
  };
  if (!names.includes(name)) throw lost('The file is gone.', file.from);
  const footer = await files.use(name, opened => readFooter(opened, number));
  const [entry] = footer?.entries ?? [];
  if (entry !== undefined) {
    if (entry.topic !== topic || entry.partition !== partition || entry.endOffset !== end)
      throw lost('It is another file.', file.from);
    return index.addFooter(name, [entry]);
  }
  const { slice, position, crc, reason } = await files.use(name, opened =>
    readFrames(opened, number, state.logId, file),
  );
  if (slice?.endOffset !== end) throw lost(`From byte ${position} on: ${reason}.`, slice?.endOffset ?? file.from);
  index.adopt([{ topic, partition, slice }]);
  if (!repairs) return;
  const written = await disk.open(name, 'write');
  try {
    await written.truncate(position);
    const head = { logTag: tagOf(state.logId), segment: number, previousCrc: crc };
    index.sealed(name, await writeFooter(written, head, NO_COMMITS, [{ topic, partition, slice }], position));
  } finally {
    await written.close();
  }
}

/** Reads a file that has lost its footer, up to its end or the first frame that is bad. */
async function readFrames(
  file: DiskFile,
  number: number,
  logId: string,
  { topic, partition }: Pick<CompactedFile, 'topic' | 'partition'>,
): Promise<{ slice: OpenSlice | undefined; position: number; crc: number; reason: string }> {
  const scan = await FrameScan.open(file);
  const expected = { segment: number, logTag: tagOf(logId) };
  let slice: OpenSlice | undefined;
  let position = 0;
  let crc = 0;
  for (;;) {
    const frame = await scan.read(position, { ...expected, previousCrc: crc });
    if (frame === undefined || !isGood(frame) || frame.head.kind !== 'compacted') {
      const reason = frame === undefined ? 'the file ends' : isGood(frame) ? 'no records follow' : frame.reason;
      return { slice, position, crc, reason };
    }
    for (const append of frame.commit!.appends) {
      if (append.topic !== topic || append.partition !== partition) continue;
      slice ??= beginSlice(compactedName(number), append.baseOffset);
      extendSlice(slice, frame.bodyPosition, append);
    }
    position = frame.end;
    crc = frame.crc;
  }
}
