import { randomBytes } from 'node:crypto';
import { halfSipHash } from './half-sip-hash.ts';

/** What an entry takes beside its key: hash, group, place, length, offset, and its slots. */
const ENTRY_BYTES = 32;
/** Below this many bytes a loop compares faster than `Buffer.compare`. */
const SHORT = 32;

/**
 * The offset of each key's newest record, for keys of several partitions. Keys are kept and compared byte by byte: two are never taken
 * for one. Typed arrays, so that a million keys are nothing to the garbage collector.
 */
export class KeyTable {
  readonly #key0 = randomBytes(4).readInt32BE();
  readonly #key1 = randomBytes(4).readInt32BE();
  #count = 0;
  /** One entry past the number of the entry; 0 for a free slot. Twice as many as entries at least. */
  #slots = new Int32Array(2048);
  #hashes = new Uint32Array(1024);
  #groups = new Uint32Array(1024);
  #starts = new Uint32Array(1024);
  #lengths = new Uint32Array(1024);
  #offsets = new Float64Array(1024);
  #keys = Buffer.allocUnsafeSlow(16 * 1024);
  #keysLength = 0;

  /** What it holds, about. */
  get bytes(): number {
    return this.#count * ENTRY_BYTES + this.#keysLength;
  }

  /** Notes a record of a partition (`group`), whose key lies in `buffer` from `start` to `end`. Offsets of a key rise. */
  put(group: number, buffer: Buffer, start: number, end: number, offset: number): void {
    const hash = this.#hash(group, buffer, start, end);
    const slot = this.#slot(hash, group, buffer, start, end);
    const entry = this.#slots[slot]!;
    if (entry > 0) {
      this.#offsets[entry - 1] = offset;
      return;
    }
    this.#slots[slot] = this.#add(hash, group, buffer, start, end, offset) + 1;
    if (this.#count * 2 > this.#slots.length) this.#grow();
  }

  /** The offset of the key's newest record; -1 for a key that is not there. */
  newest(group: number, buffer: Buffer, start: number, end: number): number {
    const entry = this.#slots[this.#slot(this.#hash(group, buffer, start, end), group, buffer, start, end)]!;
    return entry === 0 ? -1 : this.#offsets[entry - 1]!;
  }

  #hash(group: number, buffer: Buffer, start: number, end: number): number {
    return halfSipHash(buffer, start, end, this.#key0, this.#key1 ^ group);
  }

  /** Where the key is, or would be. */
  #slot(hash: number, group: number, buffer: Buffer, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0) return slot;
      if (this.#hashes[entry] === hash && this.#groups[entry] === group && this.#isKey(entry, buffer, start, end))
        return slot;
    }
  }

  #isKey(entry: number, buffer: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (this.#lengths[entry] !== length) return false;
    const keys = this.#keys;
    const at = this.#starts[entry]!;
    if (length > SHORT) return keys.compare(buffer, start, end, at, at + length) === 0;
    for (let i = 0; i < length; i++) if (keys[at + i] !== buffer[start + i]) return false;
    return true;
  }

  #add(hash: number, group: number, buffer: Buffer, start: number, end: number, offset: number): number {
    const entry = this.#count++;
    if (entry === this.#hashes.length) {
      this.#hashes = widened(this.#hashes, Uint32Array);
      this.#groups = widened(this.#groups, Uint32Array);
      this.#starts = widened(this.#starts, Uint32Array);
      this.#lengths = widened(this.#lengths, Uint32Array);
      this.#offsets = widened(this.#offsets, Float64Array);
    }
    const length = end - start;
    if (this.#keysLength + length > this.#keys.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#keysLength + length, this.#keys.length * 2));
      this.#keys.copy(larger, 0, 0, this.#keysLength);
      this.#keys = larger;
    }
    this.#hashes[entry] = hash;
    this.#groups[entry] = group;
    this.#starts[entry] = this.#keysLength;
    this.#lengths[entry] = length;
    this.#offsets[entry] = offset;
    buffer.copy(this.#keys, this.#keysLength, start, end);
    this.#keysLength += length;
    return entry;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      let slot = this.#hashes[entry]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function widened<T extends Uint32Array | Float64Array>(array: T, type: new (length: number) => T): T {
  const wider = new type(array.length * 2);
  wider.set(array);
  return wider;
}
