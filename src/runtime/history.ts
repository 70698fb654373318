import { timeAt, timeText } from '../serdes/windowed.ts';
import type { Store } from './store.ts';

/** A row as it was from a time up to, and without, another. */
export interface Version {
  readonly from: number;
  readonly to: number;
  /** Null: there was none. */
  readonly value: Uint8Array | null;
}

/** A page that grows larger is parted: each new version rewrites one. */
const PAGE_BYTES = 2048;
/** Into how many parts of its time. */
const PARTS = 16;
/** Behind the key: a slice's or part's beginning, and how deep it lies. */
const PLACE_LENGTH = 9;
const LEAF = 0;
const BRANCH = 1;
/** from, to, length (-1: no value). */
const VERSION_BYTES = 20;

/**
 * The versions of rows that were followed by others. They lie in the slice of time in which they ended: each key has a page a
 * slice, and where that is full, a page for each sixteenth of the slice in which something lies, and so on. So one version is
 * found, added or changed with a few point reads and the writing of a page, however often a row changes. No two versions of a row
 * end at one time; they follow one another without gaps, except in front of what was deleted without having been there.
 */
export class History {
  readonly #store: Store;
  readonly #retentionMs: number;
  readonly #sliceMs: number;

  constructor(store: Store, { retentionMs, sliceMs }: { readonly retentionMs: number; readonly sliceMs: number }) {
    this.#store = store;
    this.#retentionMs = retentionMs;
    this.#sliceMs = sliceMs;
  }

  /** The first version of a row to end after a time; null where none ends until `last`. */
  firstEndingAfter(key: string, time: number, last: number): Version | null {
    for (let start = this.#sliceOf(time); start <= last; start += this.#sliceMs) {
      const found = this.#find(key, start, this.#sliceMs, 0, time);
      if (found !== null) return found;
    }
    return null;
  }

  /** Instead of the version that ends when this one does, if there is one. Returns the entry of a slice that has begun. */
  put(key: string, version: Version): string | null {
    let start = this.#sliceOf(version.to);
    let width = this.#sliceMs;
    const slice = placed(key, start, 0);
    for (let depth = 0; ; depth++) {
      const place = placed(key, start, depth);
      const page = this.#store.get(place);
      if (page === null || page[0] === LEAF) {
        this.#write(key, start, width, depth, page === null ? [version] : inserted(readLeaf(page), version));
        return page === null && depth === 0 ? slice : null;
      }
      const mask = maskOf(page);
      width = Math.ceil(width / PARTS);
      const part = Math.floor((version.to - start) / width);
      if ((mask & (1 << part)) === 0) this.#store.put(place, branch(mask | (1 << part)), start);
      start += part * width;
    }
  }

  /** When nothing of a slice can be asked for any more; null for an entry that goes with its slice. */
  dueOf(entry: string): number | null {
    return depthIn(entry) > 0 ? null : startIn(entry) + this.#sliceMs - 1 + this.#retentionMs;
  }

  /** Forgets a slice. */
  forget(slice: string): void {
    this.#remove(slice.slice(0, -PLACE_LENGTH), startIn(slice), this.#sliceMs, 0);
  }

  #sliceOf(time: number): number {
    return time - (time % this.#sliceMs);
  }

  #find(key: string, start: number, width: number, depth: number, time: number): Version | null {
    const page = this.#store.get(placed(key, start, depth));
    if (page === null) return null;
    if (page[0] === LEAF) return firstAfter(page, time);
    const mask = maskOf(page);
    const partMs = Math.ceil(width / PARTS);
    for (let part = time <= start ? 0 : Math.floor((time - start) / partMs); part < PARTS; part++) {
      if ((mask & (1 << part)) === 0) continue;
      const found = this.#find(key, start + part * partMs, partMs, depth + 1, time);
      if (found !== null) return found;
    }
    return null;
  }

  #write(key: string, start: number, width: number, depth: number, versions: readonly Version[]): void {
    const bytes = versions.reduce((sum, { value }) => sum + VERSION_BYTES + (value?.length ?? 0), 1);
    if (bytes <= PAGE_BYTES || versions.length === 1) {
      this.#store.put(placed(key, start, depth), leaf(versions, bytes), start);
      return;
    }
    const partMs = Math.ceil(width / PARTS);
    const parts = new Map<number, Version[]>();
    for (const version of versions) {
      const part = Math.floor((version.to - start) / partMs);
      parts.set(part, [...(parts.get(part) ?? []), version]);
    }
    let mask = 0;
    for (const [part, own] of parts) {
      mask |= 1 << part;
      this.#write(key, start + part * partMs, partMs, depth + 1, own);
    }
    this.#store.put(placed(key, start, depth), branch(mask), start);
  }

  #remove(key: string, start: number, width: number, depth: number): void {
    const place = placed(key, start, depth);
    const page = this.#store.get(place);
    if (page === null) return;
    if (page[0] === BRANCH) {
      const mask = maskOf(page);
      const partMs = Math.ceil(width / PARTS);
      for (let part = 0; part < PARTS; part++)
        if ((mask & (1 << part)) !== 0) this.#remove(key, start + part * partMs, partMs, depth + 1);
    }
    this.#store.put(place, null, start);
  }
}

const placed = (key: string, start: number, depth: number): string =>
  key + timeText(start) + String.fromCharCode(depth);
const startIn = (entry: string): number => timeAt(entry, entry.length - PLACE_LENGTH);
const depthIn = (entry: string): number => entry.charCodeAt(entry.length - 1);

const branch = (mask: number): Uint8Array => Uint8Array.of(BRANCH, mask >> 8, mask & 0xff);
const maskOf = (page: Uint8Array): number => (page[1]! << 8) | page[2]!;

/** In order of their ends. */
function leaf(versions: readonly Version[], bytes: number): Uint8Array {
  const page = Buffer.allocUnsafe(bytes);
  let position = page.writeUInt8(LEAF, 0);
  for (const { from, to, value } of versions) {
    position = page.writeDoubleBE(from, position);
    position = page.writeDoubleBE(to, position);
    position = page.writeInt32BE(value?.length ?? -1, position);
    if (value !== null) page.set(value, position);
    position += value?.length ?? 0;
  }
  return page;
}

function readLeaf(page: Uint8Array): Version[] {
  const versions: Version[] = [];
  const view = viewOf(page);
  for (let position = 1; position < page.length; position = endOf(view, position))
    versions.push(versionAt(page, view, position));
  return versions;
}

function firstAfter(page: Uint8Array, time: number): Version | null {
  const view = viewOf(page);
  for (let position = 1; position < page.length; position = endOf(view, position))
    if (view.getFloat64(position + 8) > time) return versionAt(page, view, position);
  return null;
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array): DataView => new DataView(buffer, byteOffset, length);
const endOf = (view: DataView, position: number): number =>
  position + VERSION_BYTES + Math.max(0, view.getInt32(position + 16));

function versionAt(page: Uint8Array, view: DataView, position: number): Version {
  const start = position + VERSION_BYTES;
  return {
    from: view.getFloat64(position),
    to: view.getFloat64(position + 8),
    value: view.getInt32(position + 16) < 0 ? null : page.subarray(start, endOf(view, position)),
  };
}

function inserted(versions: readonly Version[], version: Version): Version[] {
  const before = versions.filter(({ to }) => to < version.to);
  const after = versions.filter(({ to }) => to > version.to);
  return [...before, version, ...after];
}
