import {
  directorySize,
  writeDirectory,
  type AppendEntry,
  type CommitDirectory,
  type OffsetEntry,
} from './directory.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { Footer, FooterEntry } from './footer.ts';
import { HEAD_BYTES, tagOf, writeHead, type FrameKind } from './frame.ts';
import { writeFooter } from './seal.ts';
import { beginSlice, extendSlice, type PlacedSlice } from './slice.ts';

/** So much is synced at a time: a file that is synced whole at its end holds the log's own syncs up for long. */
const SYNC_BYTES = 4 * 1024 * 1024;

/** Writes a file of the log that is whole from the beginning: its frames, one behind the other, then its footer. */
export class FileWriter {
  position = 0;
  readonly #file: DiskFile;
  readonly #number: number;
  readonly #logTag: number;
  readonly #slices = new Map<string, PlacedSlice>();
  #crc = 0;
  #unsynced = 0;
  #isClosed = false;

  private constructor(
    file: DiskFile,
    readonly name: string,
    number: number,
    logId: string,
  ) {
    this.#file = file;
    this.#number = number;
    this.#logTag = tagOf(logId);
  }

  /** `number`: the segment's, or the compacted file's. */
  static async create(disk: Disk, name: string, number: number, logId: string): Promise<FileWriter> {
    return new FileWriter(await disk.open(name, 'create'), name, number, logId);
  }

  /** A frame whose directory is the given bytes, and which has no body. */
  async frame(kind: FrameKind, number: number, directory: Buffer): Promise<void> {
    const front = Buffer.concat([Buffer.alloc(HEAD_BYTES), directory]);
    await this.#write(kind, number, front, directory.length, []);
  }

  /** A frame of batches, which lie in the order of the directory's appends. */
  async batches(
    kind: 'commit' | 'compacted',
    number: number,
    appends: readonly AppendEntry[],
    batches: readonly Buffer[],
    offsets: readonly OffsetEntry[] = [],
  ): Promise<void> {
    const directory: CommitDirectory = { appends, offsets };
    const size = directorySize(directory);
    const front = Buffer.alloc(HEAD_BYTES + size);
    writeDirectory(front, HEAD_BYTES, directory);
    let position = this.position + front.length;
    for (const append of appends) {
      const { slice } = this.#sliceOf(append);
      position = extendSlice(slice, position, append);
    }
    await this.#write(kind, number, front, size, batches);
  }

  /** Durable when it resolves, but for its name: the folder must be synced. */
  async seal(range: Pick<Footer, 'first' | 'last'>): Promise<readonly FooterEntry[]> {
    const head = { logTag: this.#logTag, segment: this.#number, previousCrc: this.#crc };
    try {
      return await writeFooter(this.#file, head, range, [...this.#slices.values()], this.position);
    } finally {
      await this.close();
    }
  }

  /** Leaves it as it is. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }

  #sliceOf({ topic, partition, baseOffset }: AppendEntry): PlacedSlice {
    const key = `${topic}/${partition}`;
    const known = this.#slices.get(key);
    if (known !== undefined) return known;
    const placed = { topic, partition, slice: beginSlice(this.name, baseOffset) };
    this.#slices.set(key, placed);
    return placed;
  }

  async #write(
    kind: FrameKind,
    number: number,
    front: Buffer,
    directoryBytes: number,
    body: readonly Buffer[],
  ): Promise<void> {
    const bodyBytes = body.reduce((sum, batch) => sum + batch.length, 0);
    const place = { segment: this.#number, previousCrc: this.#crc, logTag: this.#logTag };
    this.#crc = writeHead(front, { kind, number, directoryBytes, bodyBytes, ...place });
    await this.#file.write(this.position, [front, ...body]);
    this.position += front.length + bodyBytes;
    this.#unsynced += front.length + bodyBytes;
    if (this.#unsynced < SYNC_BYTES) return;
    await this.#file.sync();
    this.#unsynced = 0;
  }
}
