import { crc32c } from '@node-rs/crc32';
import { BatchIndex } from './batch-index.ts';
import { damaged } from './damage.ts';
import type { CommitDirectory } from './directory.ts';
import type { FooterEntry } from './footer.ts';
import type { LogFiles } from './log-files.ts';
import type { LogState } from './log-state.ts';
import { isSegment } from './segment.ts';
import {
  beginSlice,
  extendSlice,
  storedSlice,
  type BatchPlace,
  type OpenSlice,
  type PlacedSlice,
  type Slice,
  type Totals,
} from './slice.ts';

/** In a frame's directory and in the footer. */
const LISTED_BATCH_BYTES = 36;
const LISTED_SLICE_BYTES = 200;

const PARTITIONS = 0x100000;
const keyOf = (topic: number, partition: number): number => topic * PARTITIONS + partition;
const topicOf = (key: number): number => Math.floor(key / PARTITIONS);

/**
 * Where all batches lie: for each partition its slices, in order of their offsets. The indexes of sealed files are read from their
 * footers when needed, and a few of them are kept.
 */
export class LogIndex {
  /** Rises when slices are taken away: a place found before may be in a file that is gone. */
  version = 0;
  /** What those that are loaded and can be loaded again may take. */
  limitBytes = 32 * 1024 * 1024;
  readonly #files: LogFiles;
  /** The arrays are replaced, not cut, so that a search that waits goes on in the one it has. */
  readonly #slices = new Map<number, readonly Slice[]>();
  /** Loaded ones that can be loaded again, the one used longest ago first. */
  readonly #evictable = new Set<Slice>();
  #evictableBytes = 0;

  constructor(files: LogFiles) {
    this.#files = files;
  }

  /** Adds a commit whose body begins at `position`, to the file that is appended to. */
  add(file: string, position: number, commit: CommitDirectory): void {
    for (const append of commit.appends) {
      if (append.batches.length === 0) continue;
      const slices = this.slices(append.topic, append.partition);
      let slice = slices.at(-1);
      if (slice?.file !== file || slice.loaded === undefined) {
        slice = beginSlice(file, append.baseOffset);
        this.#slices.set(keyOf(append.topic, append.partition), [...slices, slice]);
      }
      position = extendSlice(slice as OpenSlice, position, append);
    }
  }

  /** Adds what a sealed file's footer lists. */
  addFooter(file: string, entries: readonly FooterEntry[]): void {
    for (const entry of entries) this.#insert(entry.topic, entry.partition, storedSlice(file, entry));
  }

  /** Adds what was read of a file that has no footer. */
  adopt(slices: Iterable<PlacedSlice>): void {
    for (const { topic, partition, slice } of slices) this.#insert(topic, partition, slice);
  }

  /** The slices of a file that is not sealed yet. */
  *unsealed(file: string): Iterable<PlacedSlice> {
    for (const [key, slices] of this.#slices) {
      const slice = slices.findLast(each => each.file === file);
      if (slice?.loaded !== undefined && slice.stored === undefined)
        yield { topic: topicOf(key), partition: key % PARTITIONS, slice: slice as OpenSlice };
    }
  }

  /** The file has its footer now: its indexes need not stay in memory. */
  sealed(file: string, entries: readonly FooterEntry[]): void {
    for (const entry of entries) {
      const slice = this.slices(entry.topic, entry.partition).findLast(each => each.file === file);
      if (slice === undefined) continue;
      slice.stored = entry;
      this.#keep(slice);
    }
  }

  slices(topic: number, partition: number): readonly Slice[] {
    return this.#slices.get(keyOf(topic, partition)) ?? [];
  }

  /** What the index knows in a file. */
  *slicesIn(file: string): Iterable<{ readonly topic: number; readonly partition: number; readonly slice: Slice }> {
    for (const [key, slices] of this.#slices)
      for (const slice of slices)
        if (slice.file === file) yield { topic: topicOf(key), partition: key % PARTITIONS, slice };
  }

  files(): string[] {
    return [...this.neededBytes().keys()];
  }

  /** Bytes of the batches that it knows in each file, with what it takes to list them there. */
  neededBytes(): Map<string, number> {
    const needed = new Map<string, number>();
    for (const slices of this.#slices.values())
      for (const { file, bytes, loaded, stored } of slices) {
        const batches = loaded?.count ?? stored!.count;
        needed.set(file, (needed.get(file) ?? 0) + bytes + batches * LISTED_BATCH_BYTES + LISTED_SLICE_BYTES);
      }
    return needed;
  }

  /** Takes away what the state has no use for any more: of one topic, or of all. */
  trim(state: LogState, topic?: number): void {
    for (const [key, slices] of [...this.#slices]) {
      if (topic !== undefined && topicOf(key) !== topic) continue;
      const partition = state.at(topicOf(key), key % PARTITIONS);
      const through = partition?.compacted?.through ?? 0;
      this.#replace(
        key,
        slices.filter(
          ({ file, endOffset }) =>
            partition !== undefined && endOffset > partition.start && (!isSegment(file) || endOffset > through),
        ),
      );
    }
  }

  /** What was in `files` is in another one now: what that has of a partition takes its place. */
  move(files: ReadonlySet<string>, to: string, entries: readonly FooterEntry[]): void {
    for (const [key, slices] of [...this.#slices])
      this.#replace(
        key,
        slices.filter(({ file }) => !files.has(file)),
      );
    this.addFooter(to, entries);
  }

  /** A partition's own files hold everything that was in front of `through`. */
  compacted(
    topic: number,
    partition: number,
    through: number,
    files: readonly (readonly [string, FooterEntry])[],
  ): void {
    const kept = this.slices(topic, partition).filter(({ endOffset }) => endOffset > through);
    this.#replace(keyOf(topic, partition), kept);
    for (const [file, entry] of files) this.#insert(topic, partition, storedSlice(file, entry));
  }

  /**
   * The batches from `offset` on that begin before `end`: at least one if there is one, then while they fit `maxBytes` together.
   * `next` is the first offset of the batch behind them; `end` when there is none.
   */
  async find(
    topic: number,
    partition: number,
    offset: number,
    end: number,
    maxBytes: number,
  ): Promise<{ places: BatchPlace[]; next: number }> {
    const slices = this.slices(topic, partition);
    const places: BatchPlace[] = [];
    let bytes = 0;
    for (let s = firstSlice(slices, offset); s < slices.length; s++) {
      const slice = slices[s]!;
      const index = slice.loaded ?? (await this.#read(slice));
      this.#use(slice);
      for (let i = index.find(offset); i < index.count; i++) {
        const batch = index.at(i);
        if (batch.baseOffset >= end) return { places, next: end };
        bytes += batch.length;
        if (places.length > 0 && bytes > maxBytes) return { places, next: batch.baseOffset };
        places.push({ ...batch, file: slice.file });
      }
    }
    return { places, next: end };
  }

  /** What lies in a partition from `offset` on. */
  async totals(topic: number, partition: number, offset: number): Promise<Pick<Totals, 'bytes' | 'records'>> {
    let [bytes, records] = [0, 0];
    for (const slice of this.slices(topic, partition)) {
      if (slice.firstOffset >= offset) {
        bytes += slice.bytes;
        records += slice.records;
        continue;
      }
      const index = await this.load(slice);
      let before = 0;
      for (let i = 0; i < index.count; i++) {
        const batch = index.at(i);
        const last = batch.baseOffset + batch.lastDelta;
        if (last >= offset) bytes += batch.length;
        before += Math.max(0, Math.min(last, offset - 1) - batch.baseOffset + 1);
      }
      // exact where offsets have no gaps in front of it
      records += Math.max(0, slice.records - before);
    }
    return { bytes, records };
  }

  async load(slice: Slice): Promise<BatchIndex> {
    const index = slice.loaded ?? (await this.#read(slice));
    this.#use(slice);
    return index;
  }

  #use(slice: Slice): void {
    if (slice.stored !== undefined && !slice.isGone) this.#keep(slice);
  }

  async #read(slice: Slice): Promise<BatchIndex> {
    const { position, count, crc } = slice.stored!;
    const length = BatchIndex.byteLength(count);
    const bytes = await this.#files.read(slice.file, position, Buffer.allocUnsafeSlow(length));
    if (bytes.length < length || crc32c(bytes) !== crc)
      throw damaged(this.#files.pathOf(slice.file), `The index in its footer, at byte ${position}, fails its CRC.`);
    return (slice.loaded = BatchIndex.decode(slice.firstOffset, bytes));
  }

  /** Counts the slice as used last, and forgets others when there are too many. */
  #keep(slice: Slice): void {
    if (this.#evictable.delete(slice)) this.#evictableBytes -= slice.loaded!.bytes;
    if (slice.loaded === undefined) return;
    this.#evictable.add(slice);
    this.#evictableBytes += slice.loaded.bytes;
    for (const oldest of this.#evictable) {
      if (this.#evictableBytes <= this.limitBytes || oldest === slice) return;
      this.#forget(oldest);
    }
  }

  #forget(slice: Slice): void {
    if (!this.#evictable.delete(slice)) return;
    this.#evictableBytes -= slice.loaded!.bytes;
    delete slice.loaded;
  }

  /** Puts a slice where its offsets belong. */
  #insert(topic: number, partition: number, slice: Slice): void {
    const slices = this.slices(topic, partition);
    const at = slices.findLastIndex(({ firstOffset }) => firstOffset < slice.firstOffset) + 1;
    this.#slices.set(keyOf(topic, partition), slices.toSpliced(at, 0, slice));
  }

  #replace(key: number, kept: readonly Slice[]): void {
    const slices = this.#slices.get(key) ?? [];
    if (kept.length === slices.length) return;
    const still = new Set(kept);
    for (const slice of slices) {
      if (still.has(slice)) continue;
      this.#forget(slice);
      slice.isGone = true;
    }
    if (kept.length > 0) this.#slices.set(key, kept);
    else this.#slices.delete(key);
    this.version++;
  }
}

/** The last slice that begins at or before the offset; the first one when none does. */
function firstSlice(slices: readonly Slice[], offset: number): number {
  let low = 0;
  let high = slices.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (slices[middle]!.firstOffset <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
