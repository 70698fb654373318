import { BatchReader } from '../../records/batch-reader.ts';
import type { CommitLog } from './commit-log.ts';
import { CompactedWriter } from './compacted-writer.ts';
import type { Disk } from './disk.ts';
import { KeyTable } from './key-table.ts';
import { batchesIn, type SliceToRead } from './read-batches.ts';
import { removeFiles } from './remove-files.ts';
import { compactedName, isSegment, numberIn } from './segment.ts';
import type { Slice } from './slice.ts';
import type { Compacted, StateChange } from './state-change.ts';
import type { CleaningConfig } from './topic-config.ts';

/** A partition to be compacted. */
export interface ToCompact {
  readonly topic: number;
  readonly partition: number;
  readonly config: CleaningConfig;
}

export interface CompactionOptions {
  readonly log: CommitLog;
  readonly disk: Disk;
  readonly nowMs: number;
  /** What the keys of one pass may take in memory; those of one file it takes in any case. */
  readonly keyBytes: number;
  /** Called between portions of work; what it throws ends the pass. */
  readonly pause: () => Promise<void>;
}

/**
 * Kafka's compaction, of some partitions at once: of each key the newest record stays, with its offset, and a tombstone for
 * `delete.retention.ms` after there was nothing left that it deletes. Records without a key stay.
 *
 * What is new in sealed segments is read once for its keys; then that and what earlier passes left is written into files of each
 * partition's own. One frame of the log puts them into force, all at once; before it nothing has changed, and behind it the former
 * files are removed.
 */
export async function compact(partitions: readonly ToCompact[], options: CompactionOptions): Promise<void> {
  const pass = new Pass(partitions, options);
  try {
    await pass.readKeys();
    await pass.write();
  } catch (error) {
    await pass.abandon();
    throw error;
  }
  // from here on the log tells which files count: if this fails, the next process that opens it removes the others
  await pass.enforce();
}

/** One partition in a pass. */
interface Part extends ToCompact {
  /** The topic's. */
  readonly name: string;
  readonly group: number;
  readonly writer: CompactedWriter;
  readonly start: number;
  readonly before: Compacted | undefined;
  /** Up to here it was read for its keys. */
  through: number;
  /** Tombstones in front of this offset have waited long enough. */
  readonly deadTombstones: number;
  /** Records that time retention deletes, as long as none came that stays. */
  expiredBefore: number;
  isExpiring: boolean;
  newStart: number;
}

class Pass {
  readonly #options: CompactionOptions;
  #parts: readonly Part[];
  readonly #keys = new KeyTable();
  readonly #reader = new BatchReader();
  /** The segments that were read for their keys. */
  readonly #covered: string[] = [];

  constructor(partitions: readonly ToCompact[], options: CompactionOptions) {
    const { log, disk, nowMs } = options;
    let { nextFile } = log.state;
    this.#options = options;
    this.#parts = partitions.map(({ topic, partition, config }, group): Part => {
      const [name] = [...log.state.topics].find(([, { number }]) => number === topic)!;
      const { start, compacted } = log.state.at(topic, partition)!;
      const { before, sinceMs } = compacted?.tombstones ?? { before: 0, sinceMs: 0 };
      const writer = new CompactedWriter({
        disk,
        logId: log.state.logId,
        topic,
        partition,
        newNumber: () => nextFile++,
      });
      return {
        topic,
        name,
        partition,
        config,
        group,
        writer,
        start,
        before: compacted,
        through: compacted?.through ?? 0,
        deadTombstones: sinceMs + config.deleteRetentionMs <= nowMs ? before : 0,
        expiredBefore: config.deletes ? nowMs - config.retentionMs : -Infinity,
        isExpiring: config.deletes,
        newStart: start,
      };
    });
  }

  async readKeys(): Promise<void> {
    await this.#cover();
    // for others there was no room this time
    this.#parts = this.#parts.filter(({ through, before }) => through > (before?.through ?? 0));
  }

  async #cover(): Promise<void> {
    const { keyBytes } = this.#options;
    const files = new Set(this.#parts.flatMap(part => this.#dirty(part).map(({ file }) => file)));
    for (const file of [...files].sort((a, b) => numberIn(a) - numberIn(b))) {
      if (this.#covered.length > 0 && this.#keys.bytes >= keyBytes) return;
      const slices = this.#slicesIn(file);
      await this.#read(slices, ({ group }, reader) => {
        if (reader.keyStart >= 0) this.#keys.put(group, reader.buffer, reader.keyStart, reader.keyEnd, reader.offset);
      });
      for (const { of, slice } of slices) of.through = slice.endOffset;
      this.#covered.push(file);
    }
  }

  async write(): Promise<void> {
    const keep = (part: Part, reader: BatchReader) => {
      if (this.#stays(part, reader)) part.writer.append(reader);
    };
    for (const part of this.#parts)
      for (const slice of this.#slices(part)) if (!isSegment(slice.file)) await this.#read([{ of: part, slice }], keep);
    for (const file of this.#covered) await this.#read(this.#slicesIn(file), keep);
    for (const { writer } of this.#parts) await writer.finish();
    await this.#options.disk.sync();
  }

  async abandon(): Promise<void> {
    const names = await Promise.all(this.#parts.map(({ writer }) => writer.abandon()));
    await removeFiles(this.#options.disk, this.#options.log.files, names.flat());
  }

  async enforce(): Promise<void> {
    const { log, disk } = this.#options;
    let inForce: readonly Part[] = [];
    await log.change(
      () => {
        // a topic may have been deleted meanwhile
        inForce = this.#parts.filter(({ topic, partition }) => log.state.at(topic, partition) !== undefined);
        return inForce.length === 0 ? undefined : this.#change(inForce);
      },
      () => {
        for (const { topic, partition, through, writer } of inForce) {
          const files = writer.files.map(({ number, entry }) => [compactedName(number), entry] as const);
          log.index.compacted(topic, partition, through, files);
          log.index.trim(log.state, topic);
        }
      },
    );
    const former = inForce.flatMap(({ before }) => before?.files ?? []).map(([number]) => number);
    const unused = this.#parts.filter(part => !inForce.includes(part)).flatMap(({ writer }) => writer.files);
    const names = [...former, ...unused.map(({ number }) => number)].map(compactedName);
    await removeFiles(disk, log.files, names);
  }

  #change(parts: readonly Part[]): StateChange {
    const { nowMs } = this.#options;
    return {
      starts: parts
        .filter(({ newStart, start }) => newStart > start)
        .map(({ topic, partition, newStart }) => [topic, partition, newStart]),
      compacted: parts.map(({ topic, partition, writer, through, before, deadTombstones }) => {
        const waiting = before !== undefined && deadTombstones === 0 && before.tombstones.before > 0;
        const compacted: Compacted = {
          files: writer.files.map(({ number, entry }) => [number, entry.endOffset]),
          through,
          tombstones: waiting ? before.tombstones : { before: through, sinceMs: nowMs },
        };
        return [topic, partition, compacted];
      }),
    };
  }

  #stays(part: Part, { keyStart, keyEnd, valueStart, buffer, offset, timestamp }: BatchReader): boolean {
    if (offset < part.start) return false;
    if (part.isExpiring) {
      if (timestamp < part.expiredBefore) {
        part.newStart = offset + 1;
        return false;
      }
      part.isExpiring = false;
    }
    if (keyStart < 0) return true;
    if (this.#keys.newest(part.group, buffer, keyStart, keyEnd) > offset) return false;
    return valueStart >= 0 || offset >= part.deadTombstones;
  }

  async #read(slices: readonly SliceToRead<Part>[], take: (part: Part, reader: BatchReader) => void): Promise<void> {
    const { log, pause } = this.#options;
    const reader = this.#reader;
    for await (const portion of batchesIn(log.files, log.index, slices)) {
      for (const { of, batch } of portion) {
        reader.load(batch, { topic: of.name, partition: of.partition });
        while (reader.next()) take(of, reader);
      }
      for (const of of new Set(portion.map(each => each.of))) await of.writer.flush();
      await pause();
    }
  }

  #slices({ topic, partition }: Part): readonly Slice[] {
    return this.#options.log.index.slices(topic, partition);
  }

  #dirty(part: Part): Slice[] {
    return dirtySlices(this.#slices(part), part.before?.through ?? 0);
  }

  #slicesIn(file: string): SliceToRead<Part>[] {
    return this.#parts.flatMap(part =>
      this.#dirty(part)
        .filter(slice => slice.file === file)
        .map(slice => ({ of: part, slice })),
    );
  }
}

/** What is in sealed segments and was not compacted yet. */
export const dirtySlices = (slices: readonly Slice[], through: number): Slice[] =>
  slices.filter(({ file, stored, endOffset }) => stored !== undefined && isSegment(file) && endOffset > through);
