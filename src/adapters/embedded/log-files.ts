import type { Disk, DiskFile } from './disk.ts';

interface OpenFile {
  readonly file: Promise<DiskFile>;
  users: number;
  isClosed?: true;
}

/** The log's files opened for reading: at most `limit` stay open while nobody reads from them. */
export class LogFiles {
  readonly #disk: Disk;
  readonly #limit: number;
  /** The one used longest ago first. */
  readonly #open = new Map<string, OpenFile>();

  constructor(disk: Disk, limit = 64) {
    this.#disk = disk;
    this.#limit = limit;
  }

  pathOf(name: string): string {
    return this.#disk.pathOf(name);
  }

  /** As `DiskFile.read`. */
  async read(name: string, position: number, into: Buffer): Promise<Buffer> {
    return this.use(name, file => file.read(position, into));
  }

  async use<T>(name: string, action: (file: DiskFile) => Promise<T>): Promise<T> {
    let open = this.#open.get(name);
    if (open === undefined) open = { file: this.#disk.open(name, 'read'), users: 0 };
    this.#open.delete(name);
    this.#open.set(name, open);
    open.users++;
    try {
      return await action(await open.file);
    } catch (error) {
      // a file that could not be opened is tried again by the next reader
      if (this.#open.get(name) === open && open.users === 1) this.#open.delete(name);
      throw error;
    } finally {
      open.users--;
      if (open.users === 0 && this.#open.get(name) !== open) await closeFile(open);
      else await this.#trim();
    }
  }

  /** The file is gone from the folder: who still reads it may finish. */
  async forget(name: string): Promise<void> {
    const open = this.#open.get(name);
    this.#open.delete(name);
    if (open?.users === 0) await closeFile(open);
  }

  async close(): Promise<void> {
    for (const [name, open] of [...this.#open]) await this.#close(name, open);
  }

  async #trim(): Promise<void> {
    if (this.#open.size <= this.#limit) return;
    for (const [name, open] of this.#open) {
      if (this.#open.size <= this.#limit) return;
      if (open.users === 0) await this.#close(name, open);
    }
  }

  async #close(name: string, open: OpenFile): Promise<void> {
    this.#open.delete(name);
    await closeFile(open);
  }
}

async function closeFile(open: OpenFile): Promise<void> {
  if (open.isClosed) return;
  open.isClosed = true;
  const opened = await open.file.catch(() => undefined);
  await opened?.close();
}
