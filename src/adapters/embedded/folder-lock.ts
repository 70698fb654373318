import { createHash, randomBytes } from 'node:crypto';
import { readdir, realpath, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FatalError } from '../../errors.ts';

/**
 * A folder is held by listening on a local socket in it: that ends with the process, by kill -9 too, and across containers that
 * share the folder; a file with a process id would outlive its process and mean another one later.
 *
 * Everybody who wants the folder listens on a name of their own and only then looks for others, so of two who come at once at
 * least one sees the other. Names that nobody answers to are left-overs and removed: no name is used twice, so nobody's fresh
 * one is removed by mistake.
 */
export async function lockFolder(folder: string, holder: string): Promise<() => Promise<void>> {
  if (process.platform === 'win32') return lockByPipe(folder, holder);
  const place = await socketPlace(folder);
  for (let attempt = 1; ; attempt++) {
    const own = new Socket(place, holder);
    await own.listen();
    const other = await liveOther(place, own.name);
    if (other === undefined) {
      own.held = true;
      return () => own.close();
    }
    await own.close();
    // two who met while both were looking step back and look again, after different times
    if (other !== LOOKING || attempt === 20) throw locked(folder, other === LOOKING ? 'another process' : other);
    await sleep(5 + Math.random() * 50);
  }
}

/** What a socket says whose owner has not got the folder yet. */
const LOOKING = '?';
const ANSWER_MS = 1000;
/** The shortest limit on a socket's path is macOS's: 104 bytes with the terminating zero. */
export const LONGEST_PATH = 103;
const NAME_BYTES = 'lock.'.length + 16 + '.sock'.length;

/** Sockets of one folder: `<directory>/<prefix><random>.sock`. */
interface SocketPlace {
  readonly directory: string;
  readonly prefix: string;
}

class Socket {
  readonly name: string;
  readonly #path: string;
  readonly #server: Server;
  held = false;

  constructor(place: SocketPlace, holder: string) {
    this.name = `${place.prefix}${randomBytes(8).toString('hex')}.sock`;
    this.#path = join(place.directory, this.name);
    this.#server = createServer(peer => {
      peer.on('error', () => {}); // who asked and went away
      peer.end(this.held ? holder : LOOKING);
    });
  }

  async listen(): Promise<void> {
    await listenOn(this.#server, this.#path);
  }

  async close(): Promise<void> {
    await new Promise(resolve => this.#server.close(resolve)); // removes the file, too
  }
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.removeListener('error', reject);
      server.unref(); // does not keep the process alive
      resolve();
    });
  });
}

/** Somebody else who is alive, in their own words; left-overs are removed. */
async function liveOther(place: SocketPlace, own: string): Promise<string | undefined> {
  for (const name of await readdir(place.directory)) {
    if (name === own || !name.startsWith(place.prefix) || !name.endsWith('.sock')) continue;
    const path = join(place.directory, name);
    const answer = await ask(path);
    if (answer !== undefined) return answer;
    await unlink(path).catch(() => {}); // somebody else was faster
  }
  return undefined;
}

/** What the owner of a socket says; a guess when it does not answer in time; undefined when there is no owner. */
function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const peer = connect({ path });
    peer.setEncoding('utf8').setTimeout(ANSWER_MS, () => {
      peer.destroy();
      resolve('another process, which does not answer');
    });
    peer.on('data', (text: string) => (answer += text));
    peer.on('end', () => resolve(answer));
    peer.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
      else if (error.code === 'ECONNRESET') resolve(answer || LOOKING);
      else reject(error);
    });
  });
}

/** The folder itself, by its shorter path; where that is too long or takes no sockets, the system's temporary folder. */
async function socketPlace(folder: string): Promise<SocketPlace> {
  const absolute = await realpath(folder);
  const short = relative(process.cwd(), absolute) || '.';
  const directory = short.length < absolute.length ? short : absolute;
  if (Buffer.byteLength(directory) + 1 + NAME_BYTES <= LONGEST_PATH) {
    const place = { directory, prefix: 'lock.' };
    if (await takesSockets(place)) return place;
  }
  const { dev, ino } = await stat(absolute, { bigint: true });
  return { directory: tmpdir(), prefix: `topo-${dev.toString(36)}-${ino.toString(36)}.` };
}

async function takesSockets(place: SocketPlace): Promise<boolean> {
  const probe = new Socket({ ...place, prefix: 'probe.' }, '');
  try {
    await probe.listen();
    await probe.close();
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EROFS' || code === 'ENOSPC') throw error;
    return false;
  }
}

/** On Windows a named pipe belongs to its process, and its name can be taken once. */
async function lockByPipe(folder: string, holder: string): Promise<() => Promise<void>> {
  const id = createHash('sha256')
    .update((await realpath(folder)).toLowerCase())
    .digest('hex')
    .slice(0, 32);
  const path = `\\\\.\\pipe\\topo-${id}`;
  const server = createServer(peer => {
    peer.on('error', () => {});
    peer.end(holder);
  });
  try {
    await listenOn(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw locked(folder, (await ask(path)) ?? 'another process');
  }
  return async () => {
    await new Promise(resolve => server.close(resolve));
  };
}

function locked(folder: string, holder: string): FatalError {
  return new FatalError(
    'TOPO_FOLDER_LOCKED',
    `The data folder ${folder} is in use by ${holder}. Stop that one first, or name another folder (--data).`,
    { path: folder },
  );
}
