import { constants } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLogFile, lastSegment, segmentName } from '../src/adapters/embedded/segment.ts';

/** Makes a folder for the bench's logs and states, and removes it at the end, however that comes. */
export async function withWorkFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'topo-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The backlog for one run. Sealed segments never change: they are linked, so that no copy still waits to be written. */
export async function copyBacklog(backlog: string, folder: string): Promise<void> {
  const from = join(backlog, 'log');
  const to = join(folder, 'log');
  await mkdir(to, { recursive: true });
  const names = await readdir(from);
  const last = segmentName(...lastSegment(names)!);
  for (const name of names)
    await (isLogFile(name) && name !== last
      ? link(join(from, name), join(to, name))
      : copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE));
}
