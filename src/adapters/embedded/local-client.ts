import { connect, type Socket } from 'node:net';
import { FatalError, TopologyError } from '../../errors.ts';
import type { Append, NewTopic } from '../../runtime/ports.ts';
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

/** A connection to the process that holds a folder. */
export interface HolderConnection {
  /** All or none. @throws what the broker there throws */
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  /** All of it in one commit, durable when it resolves. @throws what the broker there throws */
  append(appends: readonly Append[]): Promise<void>;
  close(): void;
}

/** Undefined when nobody listens. */
export async function connectToHolder(folder: string): Promise<HolderConnection | undefined> {
  for (const address of await localAddresses(folder)) {
    const socket = await connected(address);
    if (socket !== undefined) return new Connection(socket, folder);
  }
  return undefined;
}

class Connection implements HolderConnection {
  readonly #socket: Socket;
  readonly #folder: string;
  readonly #bytes: ByteReader;

  constructor(socket: Socket, folder: string) {
    this.#socket = socket;
    this.#folder = folder;
    this.#bytes = new ByteReader(socket);
  }

  createTopics(topics: readonly NewTopic[]): Promise<void> {
    return this.#ask({ version: LOCAL_VERSION, create: topics });
  }

  append(appends: readonly Append[]): Promise<void> {
    const append = appends.map(({ batches, ...place }) => ({ ...place, batches: batches.map(({ length }) => length) }));
    return this.#ask(
      { version: LOCAL_VERSION, append },
      appends.flatMap(({ batches }) => batches),
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(request: LocalRequest, body: readonly Buffer[] = []): Promise<void> {
    const answer = await this.#answerTo(request, body).catch((cause: unknown) => {
      throw this.#gone(cause);
    });
    if (answer === undefined) throw this.#gone(undefined);
    if ('done' in answer) return;
    const { name, code, message, place } = answer.error;
    throw name === 'TopologyError' ? new TopologyError(code, message, place) : new FatalError(code, message, place);
  }

  async #answerTo(request: LocalRequest, body: readonly Buffer[]): Promise<LocalAnswer | undefined> {
    await send(this.#socket, request, body);
    const head = await this.#bytes.read(HEAD_BYTES);
    const json = head && (await this.#bytes.read(sizeIn(head).jsonBytes));
    return json && (JSON.parse(json.toString()) as LocalAnswer);
  }

  #gone(cause: unknown): FatalError {
    return new FatalError(
      'TOPO_COMMIT_FAILED',
      `The process that holds ${this.#folder} ended before it said whether the records were written: all of them were, or none. ` +
        '`topo tail` shows which; if none, try again.',
      { path: this.#folder },
      { cause },
    );
  }
}

/** Undefined when nobody is there. */
function connected(path: string): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.on('error', () => {}); // who waits for an answer hears of it
      resolve(socket);
    });
    socket.once('error', () => resolve(undefined));
  });
}
