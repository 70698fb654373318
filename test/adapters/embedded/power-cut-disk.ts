import type { Disk, DiskFile } from '../../../src/adapters/embedded/disk.ts';
import { MemoryDisk, MemoryFile } from '../../../src/adapters/embedded/memory-disk.ts';
import { FatalError } from '../../../src/errors.ts';

const PAGE_BYTES = 512;

/** What was done to a file since its last sync: applied to what is durable, it gives what the program sees. */
type Change = { readonly position: number; readonly bytes: Buffer } | { readonly size: number };

interface StoredFile {
  durable: Buffer;
  seen: MemoryFile;
  pending: Change[];
}

/**
 * A disk whose power is cut at its n-th operation that changes something. What was not synced by then is lost, kept or kept in
 * part, page by page and name by name, as the random numbers say.
 */
export class PowerCutDisk implements Disk {
  operations = 0;
  off = false;
  /**
   * Syncs of files fail, and what they should have made durable counts as written from then on. Nothing takes it back: files are not
   * cut either, as if the process died of it.
   */
  failsSyncs = false;
  /** Set to hold a file's sync up. */
  beforeSync: (() => Promise<void>) | undefined;
  readonly #cutAt: number;
  readonly #random: () => number;
  #names: Map<string, StoredFile>;
  readonly #durableNames: Map<string, StoredFile>;
  #changedNames: (() => void)[] = [];

  constructor(before: MemoryDisk, cutAt: number, random: () => number) {
    this.#cutAt = cutAt;
    this.#random = random;
    this.#names = new Map(
      [...before.files].map(([name, seen]) => [name, { durable: Buffer.from(seen.bytes), seen, pending: [] }]),
    );
    this.#durableNames = new Map(this.#names);
  }

  /** The disk as it is when the power is back. */
  async afterCut(): Promise<MemoryDisk> {
    for (const change of this.#changedNames) if (this.#random() < 0.5) change();
    const disk = new MemoryDisk();
    for (const [name, { durable, pending }] of this.#durableNames) {
      const file = new MemoryFile();
      await file.write(0, [durable]);
      for (const change of pending) await this.#applyPart(file, change);
      disk.files.set(name, file);
    }
    return disk;
  }

  pathOf(name: string): string {
    return name;
  }

  async list(): Promise<string[]> {
    return [...this.#names.keys()];
  }

  async lock(): Promise<() => Promise<void>> {
    return async () => {};
  }

  async open(name: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    if (mode === 'create') {
      this.#step();
      const made: StoredFile = { durable: Buffer.alloc(0), seen: new MemoryFile(), pending: [] };
      this.#names.set(name, made);
      this.#changedNames.push(() => this.#durableNames.set(name, made));
    }
    const file = this.#names.get(name)!;
    const { seen } = file;
    return {
      size: () => seen.size(),
      read: (position, into) => seen.read(position, into),
      close: async () => {},
      write: async (position, buffers) => {
        file.pending.push({ position, bytes: Buffer.concat(buffers) });
        this.#step();
        await seen.write(position, buffers);
      },
      truncate: async size => {
        if (this.failsSyncs) throw new FatalError('TOPO_DISK', 'The disk fails.');
        file.pending.push({ size });
        this.#step();
        await seen.truncate(size);
      },
      sync: async () => {
        await this.beforeSync?.();
        this.#step();
        if (!this.failsSyncs) for (const change of file.pending) file.durable = await applied(file.durable, change);
        file.pending = [];
        if (this.failsSyncs) throw new FatalError('TOPO_DISK', 'The sync failed.');
      },
    };
  }

  async remove(name: string): Promise<void> {
    this.#step();
    this.#names.delete(name);
    this.#changedNames.push(() => this.#durableNames.delete(name));
  }

  async sync(): Promise<void> {
    this.#step();
    for (const change of this.#changedNames) change();
    this.#changedNames = [];
  }

  #step(): void {
    if (++this.operations === this.#cutAt) this.off = true;
    if (this.off) throw new FatalError('TOPO_DISK', 'The power is off.');
  }

  async #applyPart(file: MemoryFile, change: Change): Promise<void> {
    const luck = this.#random();
    if (luck < 0.25) return;
    if ('size' in change) return file.truncate(change.size);
    for (let at = 0; at < change.bytes.length; at += PAGE_BYTES)
      if (luck > 0.75 || this.#random() < 0.5)
        await file.write(change.position + at, [change.bytes.subarray(at, at + PAGE_BYTES)]);
  }
}

async function applied(content: Buffer, change: Change): Promise<Buffer> {
  const file = new MemoryFile();
  await file.write(0, [content]);
  await ('size' in change ? file.truncate(change.size) : file.write(change.position, [change.bytes]));
  return Buffer.from(file.bytes);
}
