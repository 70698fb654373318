import { chmod, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { FatalError, TopoError } from '../../errors.ts';
import type { Append, Broker, Clock, Log } from '../../runtime/ports.ts';
import { appendOutside } from './append-outside.ts';
import { localAddresses } from './local-address.ts';
import {
  ByteReader,
  HEAD_BYTES,
  LOCAL_VERSION,
  send,
  sizeIn,
  type LocalAnswer,
  type LocalRequest,
} from './local-wire.ts';

/** Who says nothing for so long in the middle of a message is in others' way. */
const SILENT_MS = 10_000;
const LARGEST_JSON_BYTES = 64 * 1024 * 1024;

export interface LocalServerOptions {
  readonly broker: Broker;
  /** That this process holds. */
  readonly folder: string;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
}

/** Takes records from other processes of this user, for as long as this one holds the folder. */
export interface LocalServer {
  /** Answers what is being written, and ends. */
  close(): Promise<void>;
}

/** Listens where `connectToHolder` looks. Where that is not possible it says so, and nobody is served. */
export async function openLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const service = new Service(options);
  await service.listen();
  return service;
}

class Service implements LocalServer {
  readonly #options: LocalServerOptions;
  readonly #server: Server;
  readonly #serving = new Map<Socket, Promise<void>>();
  /** Their message is whole, and they wait for the answer. */
  readonly #answering = new Set<Socket>();
  #turn: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(options: LocalServerOptions) {
    this.#options = options;
    this.#server = createServer(socket => this.#take(socket));
    this.#server.unref(); // does not keep the process alive
  }

  async listen(): Promise<void> {
    let cause: unknown;
    for (const address of await localAddresses(this.#options.folder)) {
      try {
        if (process.platform !== 'win32') await unlink(address).catch(() => {}); // of a process that was killed
        await listenOn(this.#server, address);
        return;
      } catch (error) {
        cause = error;
      }
    }
    this.#options.log.warn(
      { path: this.#options.folder, error: String(cause) },
      'no local socket can be made: `topo produce` cannot write into this folder while this process holds it',
    );
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    for (const socket of this.#serving.keys()) if (!this.#answering.has(socket)) socket.destroy();
    await Promise.all(this.#serving.values());
    if (this.#server.listening) await new Promise(resolve => this.#server.close(resolve)); // removes the file, too
  }

  #take(socket: Socket): void {
    socket.on('error', () => {}); // who asked and went away
    socket.on('timeout', () => socket.destroy());
    if (this.#isClosing) return void socket.destroy();
    const served = this.#serve(socket)
      .catch(() => {})
      .finally(() => {
        socket.destroy();
        this.#serving.delete(socket);
        this.#answering.delete(socket);
      });
    this.#serving.set(socket, served);
  }

  async #serve(socket: Socket): Promise<void> {
    const bytes = new ByteReader(socket);
    while (!this.#isClosing) {
      const head = await bytes.read(HEAD_BYTES);
      if (head === undefined) return;
      const answer = await this.#inTurn(() => this.#receive(socket, bytes, head));
      if (answer === undefined) return;
      await send(socket, answer);
      this.#answering.delete(socket);
    }
  }

  /** One message at a time: it is held in memory. */
  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let done = () => {};
    this.#turn = new Promise(resolve => (done = resolve));
    await before;
    try {
      return await action();
    } finally {
      done();
    }
  }

  /** Undefined when the message does not come to its end: then nothing of it happens. */
  async #receive(socket: Socket, bytes: ByteReader, head: Buffer): Promise<LocalAnswer | undefined> {
    const { jsonBytes, bodyBytes } = sizeIn(head);
    if (jsonBytes > LARGEST_JSON_BYTES) return undefined;
    socket.setTimeout(SILENT_MS);
    const json = await bytes.read(jsonBytes);
    const body = json && (await bytes.read(bodyBytes));
    socket.setTimeout(0);
    if (json === undefined || body === undefined || this.#isClosing) return undefined;
    this.#answering.add(socket);
    try {
      await this.#act(JSON.parse(json.toString()) as LocalRequest, body);
      return { done: true };
    } catch (error) {
      const known = error instanceof TopoError ? error : new FatalError('TOPO_INTERNAL', String(error));
      const { name, code, message, place } = known;
      return { error: { name, code, message, place } };
    }
  }

  async #act(request: LocalRequest, body: Buffer): Promise<void> {
    const { broker, clock } = this.#options;
    if (request.version !== LOCAL_VERSION)
      throw new FatalError(
        'TOPO_FOLDER_LOCKED',
        `The process that holds ${this.#options.folder} is of another version of Topo. Use the same one, or stop it first.`,
      );
    if ('create' in request) return broker.createTopics(request.create);
    let position = 0;
    const appends = request.append.map(({ topic, partition, batches }): Append => ({
      topic,
      partition,
      batches: batches.map(length => body.subarray(position, (position += length))),
    }));
    await appendOutside(broker, appends, clock.now());
  }
}

/** For this user alone. */
async function listenOn(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  if (process.platform !== 'win32') await chmod(path, 0o600);
}
