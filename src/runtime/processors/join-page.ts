import { readVarint, varintSize, writeVarint } from '../../records/varint.ts';

/**
 * A page: records of one key and one stretch of time that wait to be joined, in order of arrival. In front stand the number of
 * the last page of that key and time (4 bytes, little endian; kept in page 0 only) and the earliest timestamp whose close is
 * scheduled (8 bytes). An entry is a byte of flags, then as varints the time behind the stretch's start and the value's length,
 * then the value, and headers with their length where the record had any. A page is never changed, only replaced.
 */
const PENDING_AT = 4;
const HEADER_BYTES = 12;
const JOINED = 1;
const HAS_HEADERS = 2;
const NO_PAGE = new Uint8Array(HEADER_BYTES);
const NEVER = 0xffff_ffff;
const HIGH = 0x1_0000_0000;

export const lastPageOf = (page: Uint8Array): number => uint32(page, 0);

/** The earliest timestamp of a waiting entry whose close is scheduled; Infinity where nothing waits. */
export function pendingOf(page: Uint8Array): number {
  const high = uint32(page, PENDING_AT + 4);
  return high === NEVER ? Infinity : high * HIGH + uint32(page, PENDING_AT);
}

export function setLastPage(page: Uint8Array, last: number): void {
  setUint32(page, 0, last);
}

export function setPending(page: Uint8Array, timestamp: number): void {
  const isNever = timestamp === Infinity;
  setUint32(page, PENDING_AT, isNever ? NEVER : timestamp >>> 0);
  setUint32(page, PENDING_AT + 4, isNever ? NEVER : Math.floor(timestamp / HIGH));
}

/** `at` is where a `PageReader` found the entry. */
export function setJoined(page: Uint8Array, at: number): void {
  page[at]! |= JOINED;
}

/** A page as it can be changed before it is put. */
export function copyOf(page: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(page.length);
  copy.set(page, 0);
  return copy;
}

/** How much larger a page gets by this entry. */
export const entryBytes = (offset: number, value: Uint8Array, headers: Uint8Array | null): number =>
  1 +
  varintSize(offset) +
  varintSize(value.length) +
  value.length +
  (headers === null ? 0 : varintSize(headers.length) + headers.length);

/** The page (null: a new one) with one more entry. */
export function withEntry(
  page: Uint8Array | null,
  offset: number,
  value: Uint8Array,
  headers: Uint8Array | null,
  isJoined: boolean,
): Uint8Array {
  const former = page ?? NO_PAGE;
  const grown = Buffer.allocUnsafe(former.length + entryBytes(offset, value, headers));
  grown.set(former, 0);
  if (page === null) setPending(grown, Infinity);
  let position = former.length;
  grown[position++] = (isJoined ? JOINED : 0) | (headers === null ? 0 : HAS_HEADERS);
  position = writeVarint(grown, position, offset);
  position = writeVarint(grown, position, value.length);
  grown.set(value, position);
  if (headers !== null) {
    position = writeVarint(grown, position + value.length, headers.length);
    grown.set(headers, position);
  }
  return grown;
}

/** Goes through a page's entries. */
export class PageReader {
  buffer: Uint8Array = NO_PAGE;
  position = 0;
  /** Where the entry stands. */
  at = 0;
  isJoined = false;
  /** The entry's time, ms behind the start of the page's stretch. */
  offset = 0;
  #valueStart = 0;
  #valueEnd = 0;
  #headersStart = -1;

  /** Before the page's first entry, or the one that stands at `position`. */
  load(page: Uint8Array, position = HEADER_BYTES): this {
    this.buffer = page;
    this.position = position;
    return this;
  }

  next(): boolean {
    if (this.position >= this.buffer.length) return false;
    this.at = this.position;
    const flags = this.buffer[this.position++]!;
    this.isJoined = (flags & JOINED) !== 0;
    this.offset = readVarint(this);
    const length = readVarint(this);
    this.#valueStart = this.position;
    this.#valueEnd = this.position += length;
    this.#headersStart = -1;
    if ((flags & HAS_HEADERS) === 0) return true;
    const headersLength = readVarint(this);
    this.#headersStart = this.position;
    this.position += headersLength;
    return true;
  }

  get value(): Uint8Array {
    return this.buffer.subarray(this.#valueStart, this.#valueEnd);
  }

  /** Packed; null where the record had none. */
  get headers(): Uint8Array | null {
    return this.#headersStart < 0 ? null : this.buffer.subarray(this.#headersStart, this.position);
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function setUint32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = (value >>> (8 * i)) & 0xff;
}
