import { BATCH_AT, baseOffsetOf, lastOffsetOf, maxTimestampOf, recordCountOf } from '../../records/batch.ts';
import type { CommitLog } from './commit-log.ts';
import { damaged } from './damage.ts';
import type { AppendEntry } from './directory.ts';
import type { Disk } from './disk.ts';
import { FileWriter } from './file-writer.ts';
import type { FooterEntry } from './footer.ts';
import { batchesIn, type SliceToRead } from './read-batches.ts';
import { removeFiles } from './remove-files.ts';
import { readBeginning, type Beginning } from './replay.ts';
import { segmentName } from './segment.ts';
import type { PartitionPlace, SealedSegment } from './state-change.ts';

export interface RewriteOptions {
  readonly log: CommitLog;
  readonly disk: Disk;
  /** Called between portions of work; what it throws ends it. */
  readonly pause: () => Promise<void>;
}

const FRAME_BYTES = 512 * 1024;

/**
 * Writes neighbouring sealed segments anew, as one and without what is dead in them: what lies in front of its partition's start, was
 * compacted, or belongs to a deleted topic. A frame of the log puts the new file into force; before it nothing has changed, and
 * behind it the former ones are removed.
 *
 * The file begins with the state in front of the first segment, and ends with what groups had committed behind the last one, so
 * that it can stand for all of them also where it must be read without its footer.
 */
export async function rewrite(
  segments: readonly SealedSegment[],
  follower: SealedSegment,
  { log, disk, pause }: RewriteOptions,
): Promise<void> {
  const [first, generation] = segments[0]!;
  const files = new Set(segments.map(sealed => segmentName(...sealed)));
  const name = segmentName(first, generation + 1);
  const before = await beginningOf(log, segments[0]!);
  const behind = await beginningOf(log, follower);
  const writer = await FileWriter.create(disk, name, first, log.state.logId);
  let entries: readonly FooterEntry[];
  try {
    const { number } = before.tail;
    await writer.frame('state', number, before.state.encode());
    await writer.frame('change', number, Buffer.from(JSON.stringify(before.state.changesTo(behind.state))));
    for (const file of files) await copyLive(file, number, writer, log, pause);
    const last = behind.tail.before;
    await writer.batches('commit', last, [], [], behind.state.allOffsets());
    entries = await writer.seal({ first: number + 1, last });
    await disk.sync();
  } catch (error) {
    await writer.close();
    await removeFiles(disk, log.files, [name]);
    throw error;
  }
  await log.change(
    () => ({ rewritten: { segments: segments.map(([segment]) => segment), generation: generation + 1 } }),
    () => {
      log.index.move(files, name, entries);
      log.index.trim(log.state);
    },
  );
  await removeFiles(disk, log.files, [...files]);
}

/** Takes sealed segments away that hold nothing any more, from the first one on. */
export async function dropFirst(segments: readonly SealedSegment[], { log, disk }: RewriteOptions): Promise<void> {
  await log.change(() => ({ rewritten: { segments: segments.map(([segment]) => segment) } }));
  await removeFiles(
    disk,
    log.files,
    segments.map(sealed => segmentName(...sealed)),
  );
}

async function beginningOf(log: CommitLog, sealed: SealedSegment): Promise<Beginning> {
  const name = segmentName(...sealed);
  const beginning = await log.files.use(name, file => readBeginning(file, sealed));
  if (typeof beginning === 'string')
    throw damaged(log.files.pathOf(name), `It is unreadable from byte 0 on: ${beginning}.`);
  return beginning;
}

async function copyLive(
  file: string,
  number: number,
  writer: FileWriter,
  log: CommitLog,
  pause: () => Promise<void>,
): Promise<void> {
  const chunk = new Chunk();
  const flush = async () => {
    if (chunk.bytes > 0) await writer.batches('commit', number, chunk.appends(), chunk.batches());
    chunk.clear();
  };
  const slices = [...log.index.slicesIn(file)].map(({ topic, partition, slice }): SliceToRead<PartitionPlace> => ({
    slice,
    of: [topic, partition],
  }));
  for await (const portion of batchesIn(log.files, log.index, slices)) {
    for (const { of, batch } of portion) {
      const [topic, partition] = of;
      if (lastOffsetOf(batch) >= (log.state.at(topic, partition)?.start ?? Infinity))
        chunk.add(topic, partition, batch);
    }
    if (chunk.bytes >= FRAME_BYTES) await flush();
    await pause();
  }
  await flush();
}

/** Batches of one frame, by partition. */
class Chunk {
  bytes = 0;
  readonly #parts = new Map<
    string,
    { readonly topic: number; readonly partition: number; readonly batches: Buffer[] }
  >();

  add(topic: number, partition: number, batch: Buffer): void {
    const key = `${topic}/${partition}`;
    const part = this.#parts.get(key) ?? { topic, partition, batches: [] };
    this.#parts.set(key, part);
    part.batches.push(batch);
    this.bytes += batch.length;
  }

  appends(): AppendEntry[] {
    return [...this.#parts.values()].map(({ topic, partition, batches }) => ({
      topic,
      partition,
      baseOffset: baseOffsetOf(batches[0]!),
      endOffset: lastOffsetOf(batches.at(-1)!) + 1,
      records: batches.reduce((sum, batch) => sum + recordCountOf(batch), 0),
      maxTimestamp: batches.reduce((max, batch) => Math.max(max, maxTimestampOf(batch)), -Infinity),
      batches: batches.map(batch => ({
        baseOffset: baseOffsetOf(batch),
        lastDelta: lastOffsetOf(batch) - baseOffsetOf(batch),
        length: batch.length,
        crc: batch.readUInt32BE(BATCH_AT.crc),
      })),
    }));
  }

  batches(): Buffer[] {
    return [...this.#parts.values()].flatMap(({ batches }) => batches);
  }

  clear(): void {
    this.#parts.clear();
    this.bytes = 0;
  }
}
