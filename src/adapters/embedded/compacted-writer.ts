import { BATCH_AT } from '../../records/batch.ts';
import type { BatchReader } from '../../records/batch-reader.ts';
import type { Disk } from './disk.ts';
import { FileWriter } from './file-writer.ts';
import type { FooterEntry } from './footer.ts';
import { NO_COMMITS } from './seal.ts';
import { compactedName } from './segment.ts';
import { SparseBatchWriter, type SparseBatch } from './sparse-batch.ts';

const FRAME_BYTES = 256 * 1024;
/** Places in a file are uint32, and so are offsets in its frames and its index, from the first one on. */
const FILE_BYTES = 1024 * 1024 * 1024;
const MOST_OFFSETS = 2 ** 31;

/** A file that is sealed, by its number, and what its footer says. */
export interface CompactedFile {
  readonly number: number;
  readonly entry: FooterEntry;
}

interface OpenFile {
  readonly number: number;
  readonly firstOffset: number;
  readonly writer: FileWriter;
}

export interface CompactedWriterOptions {
  readonly disk: Disk;
  readonly logId: string;
  readonly topic: number;
  readonly partition: number;
  readonly newNumber: () => number;
}

/** Writes what is left of one partition into files of its own. */
export class CompactedWriter {
  readonly files: CompactedFile[] = [];
  readonly #options: CompactedWriterOptions;
  readonly #batch = new SparseBatchWriter();
  #waiting: SparseBatch[] = [];
  #waitingBytes = 0;
  #file: OpenFile | undefined;

  constructor(options: CompactedWriterOptions) {
    this.#options = options;
  }

  /** Keeps the reader's record. */
  append(reader: BatchReader): void {
    const full = this.#batch.append(reader);
    if (full !== undefined) this.#wait(full);
  }

  /** Writes what waits, when that is enough. */
  async flush(): Promise<void> {
    if (this.#waitingBytes >= FRAME_BYTES) await this.#writeWaiting();
  }

  /** Seals the last file. Durable then, but for the files' names. */
  async finish(): Promise<void> {
    const last = this.#batch.finish();
    if (last !== undefined) this.#wait(last);
    await this.#writeWaiting();
    await this.#seal();
  }

  /** Closes what is open, and returns the names of all files that were made: they are the caller's to remove. */
  async abandon(): Promise<string[]> {
    await this.#file?.writer.close();
    const open = this.#file === undefined ? [] : [this.#file.number];
    return [...this.files.map(({ number }) => number), ...open].map(compactedName);
  }

  #wait(batch: SparseBatch): void {
    this.#waiting.push(batch);
    this.#waitingBytes += batch.bytes.length;
  }

  async #writeWaiting(): Promise<void> {
    for (let rest = this.#waiting; rest.length > 0;) {
      const base = rest[0]!.baseOffset;
      const far = rest.findIndex(({ lastOffset }) => lastOffset - base > MOST_OFFSETS);
      const count = far < 0 ? rest.length : Math.max(1, far);
      await this.#writeFrame(rest.slice(0, count));
      rest = rest.slice(count);
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  async #writeFrame(batches: readonly SparseBatch[]): Promise<void> {
    const { topic, partition } = this.#options;
    const { baseOffset } = batches[0]!;
    const { lastOffset } = batches.at(-1)!;
    const file = this.#file;
    if (file !== undefined && (file.writer.position > FILE_BYTES || lastOffset - file.firstOffset > MOST_OFFSETS))
      await this.#seal();
    const { writer } = (this.#file ??= await this.#begin(baseOffset));
    const append = {
      topic,
      partition,
      baseOffset,
      endOffset: lastOffset + 1,
      records: batches.reduce((sum, { records }) => sum + records, 0),
      maxTimestamp: Math.max(...batches.map(({ maxTimestamp }) => maxTimestamp)),
      batches: batches.map(batch => ({
        baseOffset: batch.baseOffset,
        lastDelta: batch.lastOffset - batch.baseOffset,
        length: batch.bytes.length,
        crc: batch.bytes.readUInt32BE(BATCH_AT.crc),
      })),
    };
    await writer.batches(
      'compacted',
      0,
      [append],
      batches.map(({ bytes }) => bytes),
    );
  }

  async #begin(firstOffset: number): Promise<OpenFile> {
    const { disk, logId, newNumber } = this.#options;
    const number = newNumber();
    return { number, firstOffset, writer: await FileWriter.create(disk, compactedName(number), number, logId) };
  }

  async #seal(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    const [entry] = await file.writer.seal(NO_COMMITS);
    this.files.push({ number: file.number, entry: entry! });
    this.#file = undefined;
  }
}
