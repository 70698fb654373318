import type { Disk, DiskFile } from '../../../src/adapters/embedded/disk.ts';

/** What happens instead of an operation that changes the disk; a write may leave a part of its bytes. */
export type Fate = (operation: string, writePart: () => Promise<void>) => Promise<void>;

/** A disk on which the n-th operation that changes it, counted from 1, meets its fate. */
export class FatedDisk implements Disk {
  operations = 0;
  readonly #disk: Disk;
  /** Which one. */
  at: number;
  readonly #fate: Fate;

  constructor(disk: Disk, at: number, fate: Fate) {
    this.#disk = disk;
    this.at = at;
    this.#fate = fate;
  }

  pathOf(name: string): string {
    return this.#disk.pathOf(name);
  }

  list(): Promise<string[]> {
    return this.#disk.list();
  }

  lock(holder: string): Promise<() => Promise<void>> {
    return this.#disk.lock(holder);
  }

  async open(name: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    if (mode === 'create') await this.change(`create ${name}`);
    const file = await this.#disk.open(name, mode);
    return {
      size: () => file.size(),
      read: (position, into) => file.read(position, into),
      close: () => file.close(),
      write: async (position, buffers) => {
        const all = Buffer.concat(buffers);
        await this.change(`write ${name}`, () => file.write(position, [all.subarray(0, all.length >> 1)]));
        await file.write(position, buffers);
      },
      sync: async () => {
        await this.change(`sync ${name}`);
        await file.sync();
      },
      truncate: async size => {
        await this.change(`truncate ${name}`);
        await file.truncate(size);
      },
    };
  }

  async remove(name: string): Promise<void> {
    await this.change(`remove ${name}`);
    await this.#disk.remove(name);
  }

  async sync(): Promise<void> {
    await this.change('sync the folder');
    await this.#disk.sync();
  }

  private async change(operation: string, writePart = async () => {}): Promise<void> {
    if (++this.operations === this.at) await this.#fate(operation, writePart);
  }
}

/** A disk whose process is killed in the middle of its n-th operation. */
export class DyingDisk extends FatedDisk {
  constructor(disk: Disk, at: number) {
    super(disk, at, async (_operation, writePart) => {
      await writePart();
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => {});
    });
  }
}
