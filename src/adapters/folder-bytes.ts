import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The size of all files in a folder and in those below it; 0 where there is none. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(orElse([]));
  const files = entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const sizes = await Promise.all(files.map(path => stat(path).then(({ size }) => size, orElse(0))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** For what is not there, or went while it was looked at. */
const orElse =
  <T>(nothing: T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    throw error;
  };
