import { FatalError } from '../../errors.ts';
import type { Disk, DiskFile } from './disk.ts';

/** A disk in memory, for tests and the test driver. It outlives the broker on it, so a test can open it again. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, MemoryFile>();
  #holder: string | undefined;

  pathOf(name: string): string {
    return `memory:${name}`;
  }

  async list(): Promise<string[]> {
    return [...this.files.keys()];
  }

  async open(name: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    let file = this.files.get(name);
    if (mode === 'create') this.files.set(name, (file = new MemoryFile()));
    if (file === undefined) throw new FatalError('TOPO_DISK', `There is no ${this.pathOf(name)}.`);
    return file;
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  async sync(): Promise<void> {}

  async lock(holder: string): Promise<() => Promise<void>> {
    if (this.#holder !== undefined)
      throw new FatalError('TOPO_FOLDER_LOCKED', `This disk is in use by ${this.#holder}.`);
    this.#holder = holder;
    return async () => {
      this.#holder = undefined;
    };
  }
}

/** A file's bytes. Open handles are the file itself: closing one does nothing. */
export class MemoryFile implements DiskFile {
  #bytes = Buffer.alloc(0);
  #size = 0;

  /** The content, as a view. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  async size(): Promise<number> {
    return this.#size;
  }

  async read(position: number, into: Buffer): Promise<Buffer> {
    return into.subarray(0, this.bytes.copy(into, 0, position, position + into.length));
  }

  async write(position: number, buffers: readonly Uint8Array[]): Promise<void> {
    const end = buffers.reduce((sum, buffer) => sum + buffer.length, position);
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, this.#bytes.length * 2));
      this.bytes.copy(larger);
      this.#bytes = larger;
    }
    for (const buffer of buffers) {
      this.#bytes.set(buffer, position);
      position += buffer.length;
    }
    this.#size = Math.max(this.#size, end);
  }

  async sync(): Promise<void> {}

  async truncate(size: number): Promise<void> {
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = Math.min(size, this.#size);
  }

  async close(): Promise<void> {}
}
