import type { Disk, DiskFile } from './disk.ts';
import { segmentName } from './segment.ts';

interface OpenFile {
  readonly file: Promise<DiskFile>;
  users: number;
}

/** Segment files opened for reading: at most `limit` stay open while nobody reads from them. */
export class SegmentFiles {
  readonly #disk: Disk;
  readonly #limit: number;
  /** The one used longest ago first. */
  readonly #open = new Map<number, OpenFile>();

  constructor(disk: Disk, limit = 64) {
    this.#disk = disk;
    this.#limit = limit;
  }

  pathOf(segment: number): string {
    return this.#disk.pathOf(segmentName(segment));
  }

  /** As `DiskFile.read`. */
  async read(segment: number, position: number, into: Buffer): Promise<Buffer> {
    return this.use(segment, file => file.read(position, into));
  }

  async use<T>(segment: number, action: (file: DiskFile) => Promise<T>): Promise<T> {
    let open = this.#open.get(segment);
    if (open === undefined) open = { file: this.#disk.open(segmentName(segment), 'read'), users: 0 };
    this.#open.delete(segment);
    this.#open.set(segment, open);
    open.users++;
    try {
      return await action(await open.file);
    } catch (error) {
      // a file that could not be opened is tried again by the next reader
      if (this.#open.get(segment) === open && open.users === 1) await this.#close(segment, open);
      throw error;
    } finally {
      open.users--;
      await this.#trim();
    }
  }

  async close(): Promise<void> {
    for (const [segment, open] of [...this.#open]) await this.#close(segment, open);
  }

  async #trim(): Promise<void> {
    if (this.#open.size <= this.#limit) return;
    for (const [segment, open] of this.#open) {
      if (this.#open.size <= this.#limit) return;
      if (open.users === 0) await this.#close(segment, open);
    }
  }

  async #close(segment: number, open: OpenFile): Promise<void> {
    this.#open.delete(segment);
    const file = await open.file.catch(() => undefined);
    await file?.close();
  }
}
