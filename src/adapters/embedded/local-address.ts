import { createHash } from 'node:crypto';
import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { LONGEST_PATH } from './folder-lock.ts';

const NAME = 'produce.sock';

/**
 * Where the process that holds a folder takes records from others: a socket in the folder, by the path that is short enough, or where
 * none is, or the folder takes no sockets, one in a folder of this user's own among the temporary ones. On Windows a named pipe.
 */
export async function localAddresses(folder: string): Promise<string[]> {
  const absolute = await realpath(folder);
  if (process.platform === 'win32') return [`\\\\.\\pipe\\topo-produce-${hashOf(absolute.toLowerCase())}`];
  const { dev, ino } = await stat(absolute, { bigint: true });
  const own = join(tmpdir(), `topo-${process.getuid!()}`);
  const inFolder = [absolute, relative(process.cwd(), absolute) || '.'].map(each => join(each, NAME));
  const inTemporary = (await isPrivate(own)) ? [join(own, `${dev.toString(36)}-${ino.toString(36)}.sock`)] : [];
  const [short] = inFolder.filter(isShort);
  return [...(short === undefined ? [] : [short]), ...inTemporary];
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const isShort = (path: string): boolean => Buffer.byteLength(path) <= LONGEST_PATH;

/** Makes the folder if it is not there. One that others can write to may hold anybody's sockets. */
async function isPrivate(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
  }
  const found = await lstat(folder);
  return found.isDirectory() && found.uid === process.getuid!() && (found.mode & 0o077) === 0;
}
