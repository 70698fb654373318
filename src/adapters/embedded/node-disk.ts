import { mkdir, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { FatalError } from '../../errors.ts';
import type { Disk, DiskFile } from './disk.ts';
import { lockFolder } from './folder-lock.ts';

/** A folder of the file system. It is made when the first file in it is. */
export async function nodeDisk(folder: string): Promise<Disk> {
  return new NodeDisk(folder);
}

class NodeDisk implements Disk {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  pathOf(name: string): string {
    return join(this.#folder, name);
  }

  async list(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw folderUnusable(this.#folder, error);
    }
  }

  async open(name: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const path = this.pathOf(name);
    if (mode === 'create') await this.#makeFolder();
    const flags = { create: 'w+', write: 'r+', read: 'r' }[mode];
    return new NodeFile(path, await attempt(path, 'opened', () => open(path, flags)));
  }

  async remove(name: string): Promise<void> {
    const path = this.pathOf(name);
    await attempt(path, 'removed', () => unlink(path));
  }

  async sync(): Promise<void> {
    // a folder cannot be opened on Windows, whose file systems keep their own journal of names
    if (process.platform === 'win32') return;
    await attempt(this.#folder, 'synced', async () => {
      const folder = await open(this.#folder, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    });
  }

  async lock(holder: string): Promise<() => Promise<void>> {
    await this.#makeFolder();
    try {
      return await lockFolder(this.#folder, holder);
    } catch (error) {
      throw error instanceof FatalError ? error : folderUnusable(this.#folder, error);
    }
  }

  async #makeFolder(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true });
    } catch (error) {
      throw folderUnusable(this.#folder, error);
    }
  }
}

class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return attempt(this.#path, 'read', async () => (await this.#handle.stat()).size);
  }

  async read(position: number, into: Buffer): Promise<Buffer> {
    const { length } = into;
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await attempt(this.#path, 'read', () =>
        this.#handle.read(into, filled, length - filled, position + filled),
      );
      if (bytesRead === 0) return into.subarray(0, filled);
      filled += bytesRead;
    }
    return into;
  }

  async write(position: number, buffers: readonly Uint8Array[]): Promise<void> {
    let rest = [...buffers];
    while (rest.length > 0) {
      const now = rest.slice(0, MOST_BUFFERS);
      const { bytesWritten } = await attempt(this.#path, 'written', () => this.#handle.writev(now, position));
      position += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
  }

  async sync(): Promise<void> {
    await attempt(this.#path, 'synced', () => this.#handle.datasync());
  }

  async truncate(size: number): Promise<void> {
    await attempt(this.#path, 'cut', () => this.#handle.truncate(size));
  }

  async close(): Promise<void> {
    await attempt(this.#path, 'closed', () => this.#handle.close());
  }
}

/** What one call takes (IOV_MAX). */
const MOST_BUFFERS = 1024;

/** What is left of the buffers after their first `written` bytes: a write may end early without an error. */
function behind(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let i = 0;
  while (i < buffers.length && written >= buffers[i]!.length) written -= buffers[i++]!.length;
  const rest = buffers.slice(i);
  if (written > 0) rest[0] = rest[0]!.subarray(written);
  return rest;
}

async function attempt<T>(path: string, verb: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw diskError(path, verb, error);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

function diskError(path: string, verb: string, error: unknown): FatalError {
  const code = codeOf(error);
  const why =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? `the disk is full (${code}). Make room and start again: nothing is half committed.`
      : code === 'EMFILE' || code === 'ENFILE'
        ? `too many files are open (${code}). Raise the limit (ulimit -n) and start again.`
        : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
          ? `it is not permitted (${code}). Check the owner and the rights of the folder.`
          : `${code}. Check the disk, then start again: nothing is half committed.`;
  return new FatalError('TOPO_DISK', `${path} could not be ${verb}: ${why}`, { path }, { cause: error });
}

function folderUnusable(folder: string, error: unknown): FatalError {
  const what = `The data folder ${folder} cannot be used (${codeOf(error)}).`;
  const advice = 'Check that it is a folder that you may write to, or name another one (--data).';
  return new FatalError('TOPO_FOLDER_UNUSABLE', `${what} ${advice}`, { path: folder }, { cause: error });
}
