import { FatalError } from '../errors.ts';
import type { BatchReader } from '../records/batch-reader.ts';
import type { Serde } from '../serdes/serde.ts';
import { decode, encode } from './values.ts';
import { bytesOfKey, textOfKey } from './store-key.ts';

/**
 * A key as a step hands it on: as the topology's functions see it, as bytes, and as stores know it (`text`: the bytes, one
 * character each). Nothing is cut out of a batch, decoded or turned into text before somebody asks. A step that changes the
 * key keeps one of these and turns it to each new key.
 */
export class KeyView {
  #reader: BatchReader | null = null;
  #serde: Serde<unknown> | null = null;
  #value: unknown;
  #hasValue = false;
  #bytes: Uint8Array | null = null;
  #hasBytes = false;
  #text: string | null = null;
  #hasText = false;

  /** The key of the reader's record. */
  ofRecord(reader: BatchReader, serde: Serde<unknown>): this {
    this.#reader = reader;
    this.#serde = serde;
    this.#hasValue = this.#hasBytes = this.#hasText = false;
    return this;
  }

  /** A key out of a store, whose bytes `serde` wrote. */
  ofText(text: string | null, serde: Serde<unknown>): this {
    this.#text = text;
    this.#serde = serde;
    this.#hasText = true;
    this.#hasValue = this.#hasBytes = false;
    return this;
  }

  /** A key that nothing has written yet. Without its serde, no step behind it may ask for its bytes or text. */
  ofValue(value: unknown, serde: Serde<unknown> | null = null): this {
    this.#value = value;
    this.#serde = serde;
    this.#reader = this.#bytes = this.#text = null;
    this.#hasValue = true;
    this.#hasBytes = this.#hasText = value === null;
    return this;
  }

  /** @throws RecordError `TOPO_DECODE` */
  get value(): unknown {
    if (!this.#hasValue) {
      const { bytes } = this;
      this.#value = bytes === null ? null : decode(this.#serde!, bytes, 'key');
      this.#hasValue = true;
    }
    return this.#value;
  }

  /** Whether it may be asked for as bytes. */
  get canBeWritten(): boolean {
    return this.#serde !== null || this.#hasBytes;
  }

  /** @throws RecordError `TOPO_ENCODE` */
  get bytes(): Uint8Array | null {
    if (!this.#hasBytes) {
      if (this.#hasText) this.#bytes = this.#text === null ? null : bytesOfKey(this.#text);
      else this.#bytes = this.#reader === null ? this.#written() : this.#reader.keyBytes();
      this.#hasBytes = true;
    }
    return this.#bytes;
  }

  /** @throws RecordError `TOPO_ENCODE` */
  get text(): string | null {
    if (!this.#hasText) {
      const reader = this.#reader;
      if (reader === null) this.#text = textOfKey(this.bytes!);
      else this.#text = reader.keyStart < 0 ? null : reader.keyText();
      this.#hasText = true;
    }
    return this.#text;
  }

  #written(): Uint8Array {
    if (this.#serde === null)
      throw new FatalError('TOPO_INTERNAL', 'a key that nothing has written was asked for as bytes');
    return encode(this.#serde, this.#value, 'key');
  }

  /** Whether `bytes` are what `serde` would write. */
  isWrittenAs(serde: Serde<unknown>): boolean {
    return this.#serde !== null && sameFormat(serde, this.#serde);
  }
}

const sameFormats = new WeakMap<Serde<unknown>, WeakMap<Serde<unknown>, boolean>>();

/** Whether two serdes write equal bytes, as their descriptions tell. A format of the user's own is only equal to itself. */
export function sameFormat(a: Serde<unknown>, b: Serde<unknown>): boolean {
  if (a === b) return true;
  let known = sameFormats.get(a);
  if (!known) sameFormats.set(a, (known = new WeakMap()));
  let same = known.get(b);
  if (same === undefined) {
    same = a.description.type !== 'custom' && JSON.stringify(a.description) === JSON.stringify(b.description);
    known.set(b, same);
  }
  return same;
}
