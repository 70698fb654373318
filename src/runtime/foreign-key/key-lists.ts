import { readVarint, varintSize, writeVarint } from '../../records/varint.ts';
import type { Store } from '../store.ts';

/** Keys in a full page. A change of a list writes two values of about so many keys at most. */
const PAGE = 64;

/** A list's end: how many full pages stand before it, and the keys behind them. */
interface End {
  readonly pages: number;
  readonly keys: readonly string[];
}

/**
 * Lists of keys in a store, each by a name, in pages: adding and removing take a fixed number of point reads and writes, however
 * long the list. Keys have numbers from 0 on; a removed key's number goes to the last one.
 */
export class KeyLists {
  constructor(private readonly store: Store) {}

  /** Returns the key's number. */
  add(list: string, key: string, timestamp: number): number {
    const { pages, keys } = this.#end(list);
    const grown = [...keys, key];
    if (grown.length < PAGE) this.#write(endKey(list), { pages, keys: grown }, timestamp);
    else {
      this.#write(pageKey(list, pages), { pages: 0, keys: grown }, timestamp);
      this.#write(endKey(list), { pages: pages + 1, keys: [] }, timestamp);
    }
    return pages * PAGE + grown.length - 1;
  }

  /** Returns the key that has the number now; null where the last one was removed. */
  remove(list: string, number: number, timestamp: number): string | null {
    let { pages, keys } = this.#end(list);
    if (keys.length === 0) {
      keys = this.#page(list, --pages);
      this.store.put(pageKey(list, pages), null, timestamp);
    }
    const rest = keys.slice(0, -1);
    const last = keys.at(-1)!;
    const isLast = number === pages * PAGE + rest.length;
    if (!isLast) {
      const page = Math.floor(number / PAGE);
      if (page === pages) rest[number % PAGE] = last;
      else {
        const full = [...this.#page(list, page)];
        full[number % PAGE] = last;
        this.#write(pageKey(list, page), { pages: 0, keys: full }, timestamp);
      }
    }
    if (pages === 0 && rest.length === 0) this.store.put(endKey(list), null, timestamp);
    else this.#write(endKey(list), { pages, keys: rest }, timestamp);
    return isLast ? null : last;
  }

  /** A page at a time. The list must not change meanwhile. */
  *keys(list: string): Generator<string> {
    const { pages, keys } = this.#end(list);
    for (let page = 0; page < pages; page++) yield* this.#page(list, page);
    yield* keys;
  }

  #end(list: string): End {
    const stored = this.store.get(endKey(list));
    return stored === null ? { pages: 0, keys: [] } : decoded(stored);
  }

  #page(list: string, page: number): readonly string[] {
    return decoded(this.store.get(pageKey(list, page))!).keys;
  }

  #write(storeKey: string, end: End, timestamp: number): void {
    this.store.put(storeKey, encoded(end), timestamp);
  }
}

const endKey = (list: string): string => `l${list}`;
const pageKey = (list: string, page: number): string => `p${numberText(page)}${list}`;

/** Four bytes, big endian, one character each. */
export const numberText = (n: number): string =>
  String.fromCharCode(n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff);

/** Full pages, then each key behind its length. */
function encoded({ pages, keys }: End): Buffer {
  let size = varintSize(pages);
  for (const key of keys) size += varintSize(key.length) + key.length;
  const bytes = Buffer.allocUnsafe(size);
  let position = writeVarint(bytes, 0, pages);
  for (const key of keys) {
    position = writeVarint(bytes, position, key.length);
    position += bytes.write(key, position, 'latin1');
  }
  return bytes;
}

function decoded(stored: Uint8Array): End {
  const buffer = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  const reader = { buffer, position: 0 };
  const pages = readVarint(reader);
  const keys: string[] = [];
  while (reader.position < buffer.length) {
    const length = readVarint(reader);
    keys.push(buffer.toString('latin1', reader.position, (reader.position += length)));
  }
  return { pages, keys };
}
