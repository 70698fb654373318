import type { Socket } from 'node:net';
import type { ErrorCode, Place } from '../../errors.ts';
import type { NewTopic, TopicPartition } from '../../runtime/ports.ts';

/**
 * What goes over the local socket: messages of `jsonBytes uint32, bodyBytes uint32`, JSON, body, each answered by one. The body of an
 * append is its batches, one behind the other.
 */
export type LocalRequest = { readonly version: number } & (
  | { readonly create: readonly NewTopic[] }
  | { readonly append: readonly (TopicPartition & { readonly batches: readonly number[] })[] }
);

export type LocalAnswer =
  | { readonly done: true }
  | {
      readonly error: {
        readonly name: string;
        readonly code: ErrorCode;
        readonly message: string;
        readonly place: Place;
      };
    };

/** Of the messages. Both ends are of one version, or say so. */
export const LOCAL_VERSION = 1;
export const HEAD_BYTES = 8;

export interface MessageSize {
  readonly jsonBytes: number;
  readonly bodyBytes: number;
}

export const sizeIn = (head: Buffer): MessageSize => ({
  jsonBytes: head.readUInt32BE(0),
  bodyBytes: head.readUInt32BE(4),
});

/** Resolves when all of it is handed to the system, no faster than the other end takes it. @throws when that went away */
export async function send(
  socket: Socket,
  message: LocalRequest | LocalAnswer,
  body: readonly Buffer[] = [],
): Promise<void> {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(json.length, 0);
  head.writeUInt32BE(
    body.reduce((sum, part) => sum + part.length, 0),
    4,
  );
  for (const part of [Buffer.concat([head, json]), ...body])
    await new Promise<void>((resolve, reject) => socket.write(part, error => (error ? reject(error) : resolve())));
}

/** A socket's bytes, as many at a time as are asked for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Undefined when it ends before. The buffer is the caller's. */
  async read(length: number): Promise<Buffer | undefined> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let filled = 0; filled < length;) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) return undefined;
        this.#rest = next.value;
      }
      const copied = this.#rest.copy(bytes, filled);
      this.#rest = this.#rest.subarray(copied);
      filled += copied;
    }
    return bytes;
  }
}
