import { batchFault, baseOffsetOf, BATCH_AT } from '../../records/batch.ts';
import { readDirectory, type CommitDirectory } from './directory.ts';
import type { DiskFile } from './disk.ts';
import { HEAD_BYTES, headCrc, MAGIC_BYTES, readHead, storedCrc, type FrameHead } from './frame.ts';

/** A frame whose head, directory and batches are as they were written. */
export interface Frame {
  readonly head: FrameHead;
  readonly crc: number;
  readonly position: number;
  readonly bodyPosition: number;
  readonly end: number;
  readonly directory: Buffer;
  /** Of a `commit` or `compacted` frame. */
  readonly commit: CommitDirectory | undefined;
}

/** Bytes that are no good frame. */
export interface BadFrame {
  readonly position: number;
  readonly reason: string;
  /** When its head and directory can be believed: only batches of it are bad, or missing. */
  readonly frame?: Frame;
}

/** What the frame must be for it to follow the one before it. */
export interface Expected {
  readonly segment: number;
  readonly logTag?: number;
  readonly previousCrc?: number;
  readonly number?: number;
  /** In a segment that was written anew, only the last frame has a number of its own, and stands for all commits there were. */
  readonly isRewritten?: boolean;
}

/** Small frames are read this many bytes at once. */
const WINDOW_BYTES = 1024 * 1024;

/** What is scanned. */
export type Scanned = Pick<DiskFile, 'size' | 'read'>;

/** A file read from front to back. */
class Window {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(
    readonly file: Scanned,
    readonly size: number,
  ) {}

  /** Fewer bytes at the end of the file. */
  async at(position: number, length: number): Promise<Buffer> {
    const from = position - this.#start;
    if (from >= 0 && from + length <= this.#bytes.length) return this.#bytes.subarray(from, from + length);
    const bytes = Buffer.allocUnsafeSlow(Math.min(Math.max(length, WINDOW_BYTES), this.size - position));
    this.#bytes = await this.file.read(position, bytes);
    this.#start = position;
    return this.#bytes.subarray(0, length);
  }
}

/** Reads the frames of one segment file, as large as it is when this is opened. */
export class FrameScan {
  readonly #window: Window;

  private constructor(window: Window) {
    this.#window = window;
  }

  static async open(file: Scanned): Promise<FrameScan> {
    return new FrameScan(new Window(file, await file.size()));
  }

  get size(): number {
    return this.#window.size;
  }

  /** The frame at `position`; undefined at the end of the file. */
  async read(position: number, expected: Expected): Promise<Frame | BadFrame | undefined> {
    if (position >= this.size) return undefined;
    const head = readHead(await this.#window.at(position, HEAD_BYTES));
    if (typeof head === 'string') return { position, reason: head };
    const bodyPosition = position + HEAD_BYTES + head.directoryBytes;
    if (bodyPosition > this.size) return { position, reason: 'it ends within its directory' };
    const front = await this.#window.at(position, bodyPosition - position);
    const crc = storedCrc(front);
    if (front.length < bodyPosition - position || headCrc(front, head.directoryBytes) !== crc)
      return { position, reason: 'its CRC does not match' };
    const strange = strangeness(head, expected);
    if (strange !== undefined) return { position, reason: strange };
    const directory = Buffer.from(front.subarray(HEAD_BYTES));
    const commit = head.kind === 'commit' || head.kind === 'compacted' ? readDirectory(directory) : undefined;
    const end = bodyPosition + head.bodyBytes;
    const frame = { head, crc, position, bodyPosition, end, directory, commit };
    if (end > this.size) return { position, reason: 'it ends within its batches', frame };
    const reason = commit && (await this.#bodyFault(commit, bodyPosition));
    return reason === undefined ? frame : { position, reason, frame };
  }

  /** The next good frame of this log at or behind `position`, with a number above `number`. */
  async search(
    position: number,
    expected: Omit<Expected, 'number' | 'previousCrc'>,
    number: number,
  ): Promise<Frame | undefined> {
    for (let at = position; at < this.size;) {
      const bytes = await this.#window.at(at, Math.min(WINDOW_BYTES, this.size - at));
      const found = bytes.indexOf(MAGIC_BYTES);
      if (found < 0) {
        // the magic may lie across two windows
        at += Math.max(1, bytes.length - MAGIC_BYTES.length + 1);
        continue;
      }
      const frame = await this.read(at + found, expected);
      if (frame !== undefined && isGood(frame) && (frame.head.number > number || frame.head.kind === 'footer'))
        return frame;
      at += found + 1;
    }
    return undefined;
  }

  /** Bytes of the file, to be used before anything else is read. Fewer at its end. */
  bytesAt(position: number, length: number): Promise<Buffer> {
    return this.#window.at(position, length);
  }

  async #bodyFault(commit: CommitDirectory, position: number): Promise<string | undefined> {
    for (const append of commit.appends)
      for (const entry of append.batches) {
        const batch = await this.#window.at(position, entry.length);
        const fault = storedBatchFault(batch, entry);
        if (fault !== undefined) return `a batch in it is damaged: ${fault}`;
        position += entry.length;
      }
    return undefined;
  }
}

export const isGood = (frame: Frame | BadFrame): frame is Frame => 'head' in frame;

/** What is wrong with a stored batch. Base offset and leader epoch lie outside its own CRC, so the index is asked too. */
export function storedBatchFault(
  batch: Buffer,
  entry: { readonly baseOffset: number; readonly length: number; readonly crc: number },
): string | undefined {
  if (batch.length < entry.length) return `only ${batch.length} of ${entry.length} bytes`;
  const fault = batchFault(batch);
  if (fault !== undefined) return fault;
  if (batch.readUInt32BE(BATCH_AT.crc) !== entry.crc) return 'it is another batch';
  if (baseOffsetOf(batch) !== entry.baseOffset) return 'its base offset is another one';
  if (batch.readInt32BE(BATCH_AT.leaderEpoch) !== -1) return 'its leader epoch is not -1';
  return undefined;
}

function strangeness(head: FrameHead, expected: Expected): string | undefined {
  if (head.segment !== expected.segment) return `it belongs to segment ${head.segment}`;
  if (expected.logTag !== undefined && head.logTag !== expected.logTag) return 'it belongs to another log';
  if (expected.previousCrc !== undefined && head.previousCrc !== expected.previousCrc)
    return 'it does not continue the frame before it';
  const counts = head.kind === 'commit' || head.kind === 'change';
  if (expected.number === undefined) return undefined;
  const number = expected.number + (counts && !expected.isRewritten ? 1 : 0);
  if (expected.isRewritten ? head.number < number : head.number !== number) return `its number is ${head.number}`;
  return undefined;
}
