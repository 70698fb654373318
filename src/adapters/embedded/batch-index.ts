import { endianness } from 'node:os';
import type { BatchEntry } from './directory.ts';

const WORDS = 5;
const LITTLE_ENDIAN = endianness() === 'LE';

/**
 * Where one partition's batches lie in one segment: five words a batch (offset from the first one, delta to its last offset,
 * place in the file, length, CRC), 20 bytes in memory and in the footer.
 */
export class BatchIndex {
  count = 0;
  #words: Uint32Array;

  constructor(
    readonly firstOffset: number,
    words = new Uint32Array(WORDS * 4),
    count = 0,
  ) {
    this.#words = words;
    this.count = count;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  push(batch: BatchEntry, position: number): void {
    const at = this.count * WORDS;
    if (at === this.#words.length) {
      const larger = new Uint32Array(at * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    const words = this.#words;
    words[at] = batch.baseOffset - this.firstOffset;
    words[at + 1] = batch.lastDelta;
    words[at + 2] = position;
    words[at + 3] = batch.length;
    words[at + 4] = batch.crc;
    this.count++;
  }

  at(i: number): BatchEntry & { readonly position: number } {
    const words = this.#words.subarray(i * WORDS, i * WORDS + WORDS);
    return {
      baseOffset: this.firstOffset + words[0]!,
      lastDelta: words[1]!,
      position: words[2]!,
      length: words[3]!,
      crc: words[4]!,
    };
  }

  baseOffset(i: number): number {
    return this.firstOffset + this.#words[i * WORDS]!;
  }

  /** The first batch that ends at or behind the offset; `count` when there is none. */
  find(offset: number): number {
    const words = this.#words;
    const wanted = offset - this.firstOffset;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[middle * WORDS]! + words[middle * WORDS + 1]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Big endian, as a footer holds it. */
  encode(): Buffer {
    const bytes = Buffer.from(new Uint8Array(this.#words.buffer, 0, this.count * WORDS * 4));
    return LITTLE_ENDIAN ? bytes.swap32() : bytes;
  }

  static byteLength(count: number): number {
    return count * WORDS * 4;
  }

  /** The bytes are the caller's to give away. */
  static decode(firstOffset: number, bytes: Buffer): BatchIndex {
    const words = Buffer.alloc(bytes.length);
    bytes.copy(words);
    if (LITTLE_ENDIAN) words.swap32();
    const count = bytes.length / (WORDS * 4);
    return new BatchIndex(firstOffset, new Uint32Array(words.buffer, words.byteOffset, count * WORDS), count);
  }
}
