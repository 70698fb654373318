import type { Store } from '../store.ts';
import { KeyLists, numberText } from './key-lists.ts';

/** A left row as it is kept with its foreign key. */
export interface Subscriber {
  /** As stores know it. */
  readonly key: string;
  readonly version: number;
  readonly left: Uint8Array;
  /** Packed. */
  readonly headers: Uint8Array;
  readonly timestamp: number;
}

/** In a row's value: its number in its foreign key's list, its version, its headers' length; then headers and left value. */
const AT = { number: 0, version: 4, headersLength: 12 } as const;
const FRONT_BYTES = 16;

/**
 * The left rows of each foreign key, in one store: a value for each row, and a list of their keys. A changed row writes its own
 * value alone; one that comes or goes writes the list's as well. Nothing is scanned.
 */
export class Subscriptions {
  readonly #lists: KeyLists;

  constructor(private readonly store: Store) {
    this.#lists = new KeyLists(store);
  }

  put(foreignKey: string, row: Omit<Subscriber, 'headers'>, headers: Uint8Array): void {
    const { key, version, left, timestamp } = row;
    const at = rowKey(foreignKey, key);
    const stored = this.store.get(at);
    const number = stored === null ? this.#lists.add(foreignKey, key, timestamp) : numberIn(stored);
    const bytes = Buffer.allocUnsafe(FRONT_BYTES + headers.length + left.length);
    bytes.writeUInt32BE(number, AT.number);
    bytes.writeDoubleBE(version, AT.version);
    bytes.writeUInt32BE(headers.length, AT.headersLength);
    bytes.set(headers, FRONT_BYTES);
    bytes.set(left, FRONT_BYTES + headers.length);
    this.store.put(at, bytes, timestamp);
  }

  remove(foreignKey: string, key: string, timestamp: number): void {
    const at = rowKey(foreignKey, key);
    const stored = this.store.get(at);
    if (stored === null) return;
    const number = numberIn(stored);
    this.store.put(at, null, timestamp);
    const moved = this.#lists.remove(foreignKey, number, timestamp);
    if (moved !== null) this.#renumber(rowKey(foreignKey, moved), number);
  }

  /** Every row of a foreign key. No row may be put or removed meanwhile. */
  *of(foreignKey: string): Generator<Subscriber> {
    for (const key of this.#lists.keys(foreignKey)) {
      const stored = this.store.get(rowKey(foreignKey, key))!;
      const { timestamp } = this.store;
      const view = new DataView(stored.buffer, stored.byteOffset, FRONT_BYTES);
      const headersEnd = FRONT_BYTES + view.getUint32(AT.headersLength);
      yield {
        key,
        version: view.getFloat64(AT.version),
        headers: stored.subarray(FRONT_BYTES, headersEnd),
        left: stored.subarray(headersEnd),
        timestamp,
      };
    }
  }

  #renumber(at: string, number: number): void {
    const bytes = Buffer.from(this.store.get(at)!);
    bytes.writeUInt32BE(number, AT.number);
    this.store.put(at, bytes, this.store.timestamp);
  }
}

/** The foreign key's length stands in front, so that no two pairs of keys come to one text. */
const rowKey = (foreignKey: string, key: string): string => `r${numberText(foreignKey.length)}${foreignKey}${key}`;

const numberIn = (stored: Uint8Array): number => new DataView(stored.buffer, stored.byteOffset).getUint32(AT.number);
