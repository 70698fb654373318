import type { ListStore, StoreDeclaration } from '../../graph/process.ts';
import { readVarint, varintSize, writeVarint } from '../../records/varint.ts';
import { asBuffer } from '../../serdes/utf8.ts';
import type { Store } from '../store.ts';
import { decode, encode } from '../values.ts';

/** A page that holds something takes no more beyond this: each value that is added writes its page anew. */
const PAGE_BYTES = 2048;
const HEAD_BYTES = 8;

/**
 * A list for each key, in pages: a value's length as varint, then the value. The entries' keys are the key and a number of four
 * bytes; the pages begin at 1. Number 0 holds how many values there are and which page is the last, and its timestamp is the
 * largest of theirs.
 */
export class PagedList implements ListStore<never> {
  readonly #serde: StoreDeclaration['value'];

  constructor(
    { value }: StoreDeclaration,
    private readonly store: Store,
    private readonly keyUnderWay: () => string,
    private readonly now: () => number,
  ) {
    this.#serde = value;
  }

  push(value: never): number {
    const { store } = this;
    const key = this.keyUnderWay();
    const { count, last } = this.#head(key);
    const timestamp = count === 0 ? this.now() : Math.max(store.timestamp, this.now());
    const bytes = encode(this.#serde, value, 'state');
    const page = last === 0 ? null : store.get(entryOf(key, last))!;
    const isFull = page === null || page.length + bytes.length > PAGE_BYTES;
    const to = isFull ? last + 1 : last;
    store.put(entryOf(key, to), grown(isFull ? null : page, bytes), timestamp);
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.writeUInt32BE(count + 1, 0);
    head.writeUInt32BE(to, 4);
    store.put(entryOf(key, 0), head, timestamp);
    return count + 1;
  }

  take(): never[] {
    return this.takeBytes().map(value => decode(this.#serde, value, 'value'));
  }

  takeBytes(): Uint8Array[] {
    const { store } = this;
    const key = this.keyUnderWay();
    const { count, last } = this.#head(key);
    const values: Uint8Array[] = [];
    for (let number = 1; number <= last; number++) {
      const reader = { buffer: store.get(entryOf(key, number))!, position: 0 };
      while (reader.position < reader.buffer.length) {
        const length = readVarint(reader);
        values.push(reader.buffer.subarray(reader.position, reader.position + length));
        reader.position += length;
      }
    }
    if (count > 0) for (let number = 0; number <= last; number++) store.put(entryOf(key, number), null, this.now());
    return values;
  }

  get timestamp(): number {
    return this.#head(this.keyUnderWay()).count === 0 ? -1 : this.store.timestamp;
  }

  #head(key: string): { readonly count: number; readonly last: number } {
    const head = this.store.get(entryOf(key, 0));
    if (head === null) return EMPTY;
    const buffer = asBuffer(head);
    return { count: buffer.readUInt32BE(0), last: buffer.readUInt32BE(4) };
  }
}

const EMPTY = { count: 0, last: 0 };

function grown(page: Uint8Array | null, value: Uint8Array): Uint8Array {
  const before = page === null ? 0 : page.length;
  const larger = Buffer.allocUnsafe(before + varintSize(value.length) + value.length);
  if (page !== null) larger.set(page, 0);
  larger.set(value, writeVarint(larger, before, value.length));
  return larger;
}

const entryOf = (key: string, number: number): string => key + numberText(number);

/** Four bytes, big endian, one character each. */
export const numberText = (number: number): string =>
  String.fromCharCode(number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff);
