import type { Disk } from './disk.ts';
import { FileWriter } from './file-writer.ts';
import { hasBadIndex, readFooter } from './footer.ts';
import { tagOf } from './frame.ts';
import type { LogFiles } from './log-files.ts';
import type { LogState, Topic } from './log-state.ts';
import type { Losses } from './losses.ts';
import { remainsOf, survivorsOf, type RemainsFrom } from './remains.ts';
import { FrameScan } from './scan.ts';
import { NO_COMMITS } from './seal.ts';
import { compactedName } from './segment.ts';

interface Accepting {
  readonly disk: Disk;
  readonly files: LogFiles;
  readonly names: readonly string[];
  /** At the log's end. It gets the names of the new files. */
  readonly state: LogState;
  readonly losses: Losses;
}

/** Reads the files of compacted partitions whole, and writes those that are damaged anew with what is left of them. */
export async function acceptCompacted(accepting: Accepting): Promise<void> {
  for (const topic of accepting.state.topics.values())
    for (const [partition, found] of topic.partitions.entries()) {
      const { compacted } = found;
      if (compacted === undefined) continue;
      const kept: (readonly [number, number])[] = [];
      let from = 0;
      for (const [number, end] of compacted.files) {
        const left = await acceptOne({ topic, partition, number, from, end }, accepting);
        if (left !== undefined) kept.push(left);
        from = end;
      }
      found.compacted = { ...compacted, files: kept };
    }
}

interface CompactedFile {
  readonly topic: Topic;
  readonly partition: number;
  readonly number: number;
  readonly from: number;
  readonly end: number;
}

/** The file, or the one in its place, and where its offsets end; undefined when nothing is left. */
async function acceptOne(
  file: CompactedFile,
  { disk, files, names, state, losses }: Accepting,
): Promise<readonly [number, number] | undefined> {
  const { topic, partition, number, end } = file;
  const { name: topicName, partitions } = topic;
  const name = compactedName(number);
  const { start } = partitions[partition]!;
  const missed = (from: number, to: number) => {
    if (to > Math.max(from, start)) losses.missed([{ topic: topicName, partition, from: Math.max(from, start), to }]);
  };
  const place = { segment: number, logTag: tagOf(state.logId), position: 0, number: 0, crc: 0, isRewritten: true };
  if (!names.includes(name)) {
    losses.fault(name, 'the file is gone');
    missed(file.from, end);
    return undefined;
  }
  const covered = await check(name, place, { ...file, files, losses, missed });
  if (covered < end) {
    if (!losses.faults.has(name)) losses.fault(name, `it holds nothing from offset ${covered} on any more`);
    missed(covered, end);
  }
  if (!losses.faults.has(name)) return [number, end];
  return rewrite(name, place, { disk, files, state });
}

/** Returns how far its offsets go. */
async function check(
  name: string,
  place: RemainsFrom,
  {
    from,
    number,
    files,
    losses,
    missed,
  }: CompactedFile & Pick<Accepting, 'files' | 'losses'> & { missed: (from: number, to: number) => void },
): Promise<number> {
  return files.use(name, async file => {
    let covered = from;
    let isBroken = false;
    for await (const { frame, fault, position, badBatches } of remainsOf(await FrameScan.open(file), place)) {
      if (fault !== undefined) losses.fault(name, `the frame at byte ${position} is bad: ${fault}`);
      isBroken ||= frame === undefined;
      for (const { baseOffset, endOffset } of frame?.commit?.appends ?? []) {
        if (isBroken) missed(covered, baseOffset);
        isBroken = false;
        covered = endOffset;
      }
      for (const { baseOffset, lastDelta } of badBatches) missed(baseOffset, baseOffset + lastDelta + 1);
    }
    const footer = await readFooter(file, number);
    if (footer !== undefined && (await hasBadIndex(file, footer))) losses.fault(name, 'the index in its footer is bad');
    return covered;
  });
}

async function rewrite(
  name: string,
  place: RemainsFrom,
  { disk, files, state }: Pick<Accepting, 'disk' | 'files' | 'state'>,
): Promise<readonly [number, number] | undefined> {
  const number = state.nextFile++;
  const writer = await FileWriter.create(disk, compactedName(number), number, state.logId);
  try {
    await files.use(name, async file => {
      const scan = await FrameScan.open(file);
      for await (const remains of remainsOf(scan, place)) {
        if (remains.frame?.commit === undefined) continue;
        const { appends, batches } = await survivorsOf(scan, remains);
        if (appends.length > 0) await writer.batches('compacted', 0, appends, batches);
      }
    });
    const [entry] = await writer.seal(NO_COMMITS);
    return entry && [number, entry.endOffset];
  } finally {
    await writer.close();
  }
}
