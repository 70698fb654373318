import { crc32c } from '@node-rs/crc32';
import { BatchIndex } from './batch-index.ts';
import { damaged } from './damage.ts';
import type { BatchEntry, CommitDirectory } from './directory.ts';
import type { FooterEntry } from './footer.ts';
import type { SegmentFiles } from './segment-files.ts';

/** One partition's part of one segment. */
interface Slice {
  readonly segment: number;
  readonly firstOffset: number;
  /** Where its index stands in the segment's footer; unknown until the segment is sealed. */
  stored?: FooterEntry;
  loaded?: BatchIndex;
}

/** A batch, and where it lies. */
export interface BatchPlace extends BatchEntry {
  readonly segment: number;
  readonly position: number;
}

const keyOf = (topic: number, partition: number): number => topic * 0x100000 + partition;

/** Where all batches lie. Indexes of sealed segments are read from their footers when needed, and a few of them are kept. */
export class LogIndex {
  readonly #files: SegmentFiles;
  readonly #limitBytes: number;
  readonly #slices = new Map<number, Slice[]>();
  /** Loaded ones that can be loaded again, the one used longest ago first. */
  readonly #evictable = new Set<Slice>();
  #evictableBytes = 0;

  constructor(files: SegmentFiles, limitBytes = 32 * 1024 * 1024) {
    this.#files = files;
    this.#limitBytes = limitBytes;
  }

  /** Adds a commit whose body begins at `position`. Segments come in order. */
  add(segment: number, position: number, commit: CommitDirectory): void {
    for (const { topic, partition, batches } of commit.appends) {
      const slices = this.#slicesOf(topic, partition);
      for (const batch of batches) {
        let slice = slices.at(-1);
        if (slice === undefined || slice.segment !== segment) {
          slice = { segment, firstOffset: batch.baseOffset, loaded: new BatchIndex(batch.baseOffset) };
          slices.push(slice);
        }
        slice.loaded!.push(batch, position);
        position += batch.length;
      }
    }
  }

  /** Adds what a sealed segment's footer lists. */
  addFooter(segment: number, entries: readonly FooterEntry[]): void {
    for (const entry of entries)
      this.#slicesOf(entry.topic, entry.partition).push({ segment, firstOffset: entry.firstOffset, stored: entry });
  }

  /** The indexes of a segment that is not sealed yet. */
  *unsealed(segment: number): Iterable<{ topic: number; partition: number; index: BatchIndex }> {
    for (const [key, slices] of this.#slices) {
      const slice = slices.at(-1);
      const before = slices.at(-2);
      const found = slice?.segment === segment ? slice : before?.segment === segment ? before : undefined;
      if (found?.loaded !== undefined && found.stored === undefined)
        yield { topic: Math.floor(key / 0x100000), partition: key % 0x100000, index: found.loaded };
    }
  }

  /** The segment has its footer now: its indexes need not stay in memory. */
  sealed(segment: number, entries: readonly FooterEntry[]): void {
    for (const entry of entries) {
      const slice = this.#slicesOf(entry.topic, entry.partition).findLast(each => each.segment === segment);
      if (slice === undefined) continue;
      slice.stored = entry;
      this.#keep(slice);
    }
  }

  /**
   * The batches from `offset` on: at least one if there is one, then while they fit `maxBytes` together.
   * `next` is the first offset of the batch behind them, undefined at the end.
   */
  async find(
    topic: number,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<{ places: BatchPlace[]; next: number | undefined }> {
    const slices = this.#slicesOf(topic, partition);
    const places: BatchPlace[] = [];
    let bytes = 0;
    for (let s = firstSlice(slices, offset); s < slices.length; s++) {
      const slice = slices[s]!;
      const index = slice.loaded ?? (await this.#load(slice));
      if (slice.stored !== undefined) this.#keep(slice);
      for (let i = index.find(offset); i < index.count; i++) {
        const batch = index.at(i);
        bytes += batch.length;
        if (places.length > 0 && bytes > maxBytes) return { places, next: batch.baseOffset };
        places.push({ ...batch, segment: slice.segment });
      }
    }
    return { places, next: undefined };
  }

  async #load(slice: Slice): Promise<BatchIndex> {
    const { position, count, crc } = slice.stored!;
    const length = BatchIndex.byteLength(count);
    const bytes = await this.#files.read(slice.segment, position, Buffer.allocUnsafeSlow(length));
    if (bytes.length < length || crc32c(bytes) !== crc)
      throw damaged(this.#files.pathOf(slice.segment), `The index in its footer, at byte ${position}, fails its CRC.`);
    return (slice.loaded = BatchIndex.decode(slice.firstOffset, bytes));
  }

  /** Counts the slice as used last, and forgets others when there are too many. */
  #keep(slice: Slice): void {
    if (this.#evictable.delete(slice)) this.#evictableBytes -= slice.loaded!.bytes;
    if (slice.loaded === undefined) return;
    this.#evictable.add(slice);
    this.#evictableBytes += slice.loaded.bytes;
    for (const oldest of this.#evictable) {
      if (this.#evictableBytes <= this.#limitBytes || oldest === slice) return;
      this.#evictable.delete(oldest);
      this.#evictableBytes -= oldest.loaded!.bytes;
      delete oldest.loaded;
    }
  }

  #slicesOf(topic: number, partition: number): Slice[] {
    const key = keyOf(topic, partition);
    let slices = this.#slices.get(key);
    if (slices === undefined) this.#slices.set(key, (slices = []));
    return slices;
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
