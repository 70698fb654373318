import { timeAt, timeText } from '../../serdes/windowed.ts';
import type { Store } from '../store.ts';
import type { Matches } from './join-matches.ts';
import {
  PageReader,
  copyOf,
  entryBytes,
  lastPageOf,
  pendingOf,
  setJoined,
  setLastPage,
  setPending,
  withEntry,
} from './join-page.ts';
import type { Serde } from '../../serdes/serde.ts';

/** A page is rewritten with each entry it gets: small enough for that, large enough that a hot key has few of them. */
const PAGE_BYTES = 2048;
/** Behind the record's key: the start of the stretch of time, the page's number. */
const TIME_BYTES = 8;
const NUMBER_BYTES = 4;
const FIRST_PAGE = '\0'.repeat(NUMBER_BYTES);

export interface JoinBufferOptions {
  /** In front of every key: one character, which orders what falls due at one time. */
  readonly mark: string;
  /** How much time a page spans. */
  readonly bucketMs: number;
  /** A record can be joined until stream time is past its timestamp by this much. */
  readonly closesAfterMs: number;
  /** Whether a record that found no partner is reported when it closes. */
  readonly reportsUnmatched: boolean;
  readonly schedule: (due: number, pageKey: string) => void;
}

/**
 * The records of one side of a join that wait for the other side's, in pages by key and stretch of time, so that point reads
 * find them and a hot key's record rewrites one page. Each page has at most one close in the schedule, the earliest; the first
 * page of a stretch ends with the removal of all of its pages.
 *
 * Which stretches there are is kept in memory, as their closes are: most records look for what is not there.
 */
export class JoinBuffer {
  readonly #reader = new PageReader();
  /** Keys of the first pages that there may be. */
  readonly #present = new Set<string>();
  /** Those removed in the open epoch: they are there again if it is aborted. */
  #removed: string[] = [];
  /** The text of the two stretches used last: neighbours, as a record looks at no more. */
  readonly #textStarts = [-1, -1];
  readonly #texts = ['', ''];

  constructor(
    readonly store: Store,
    readonly options: JoinBufferOptions,
  ) {}

  /** A page that is in the store at the start. Returns when it falls due; null: never by itself. */
  opened(pageKey: string, page: Uint8Array): number | null {
    if (pageKey.endsWith(FIRST_PAGE)) this.#present.add(pageKey);
    return this.#dueOf(pageKey, page);
  }

  closing(): void {
    if (this.#removed.length > 0) this.#removed = [];
  }

  aborted(): void {
    for (const firstKey of this.#removed) this.#present.add(firstKey);
    this.#removed = [];
  }

  /** Collects the records of a key from one time to another, both included, and marks them as joined. */
  find(key: string, from: number, to: number, matches: Matches): void {
    const { bucketMs } = this.options;
    if (from > to) return;
    for (let start = bucketStart(from, bucketMs); start <= to; start += bucketMs) {
      const firstKey = this.#firstKey(key, start);
      const first = this.#first(firstKey);
      if (first === null) continue;
      matches.beginStretch();
      this.#findIn(firstKey, first, start, from, to, matches);
      const last = lastPageOf(first);
      for (let number = 1; number <= last; number++) {
        const pageKey = numbered(firstKey, number);
        this.#findIn(pageKey, this.store.get(pageKey)!, start, from, to, matches);
      }
      matches.endStretch();
    }
  }

  #findIn(pageKey: string, page: Uint8Array, start: number, from: number, to: number, matches: Matches): void {
    const reader = this.#reader.load(page);
    const { reportsUnmatched } = this.options;
    let marked: Uint8Array | null = null;
    while (reader.next()) {
      const time = start + reader.offset;
      if (time < from || time > to) continue;
      matches.add(page, reader.at, time);
      if (reader.isJoined || !reportsUnmatched) continue;
      marked ??= copyOf(page);
      setJoined(marked, reader.at);
    }
    if (marked !== null) this.store.put(pageKey, marked, this.store.timestamp);
  }

  /** `headers`: packed, null for none. */
  append(key: string, timestamp: number, value: Uint8Array, headers: Uint8Array | null, isJoined: boolean): void {
    const { store } = this;
    const { bucketMs, reportsUnmatched, schedule } = this.options;
    const start = bucketStart(timestamp, bucketMs);
    const offset = timestamp - start;
    const firstKey = this.#firstKey(key, start);
    const first = this.#first(firstKey);
    let number = first === null ? 0 : lastPageOf(first);
    let page = number === 0 ? first : store.get(numbered(firstKey, number))!;
    if (page !== null && page.length + entryBytes(offset, value, headers) > PAGE_BYTES) {
      page = null;
      number++;
      const counted = copyOf(first!);
      setLastPage(counted, number);
      store.put(firstKey, counted, timestamp);
    }
    // what nobody reports is as good as joined, also for a join that reports it one day and finds this page
    const grown = withEntry(page, offset, value, headers, isJoined || !reportsUnmatched);
    const pageKey = number === 0 ? firstKey : numbered(firstKey, number);
    if (first === null) this.#present.add(firstKey);
    if (reportsUnmatched && !isJoined && timestamp < pendingOf(grown)) {
      setPending(grown, timestamp);
      schedule(this.closeOf(timestamp), pageKey);
    } else if (first === null) schedule(this.#removalOf(start), pageKey);
    store.put(pageKey, grown, timestamp);
  }

  /** When the record of this time can be joined no more. */
  closeOf(timestamp: number): number {
    return timestamp + this.options.closesAfterMs + 1;
  }

  #dueOf(pageKey: string, page: Uint8Array): number | null {
    const pending = pendingOf(page);
    if (pending < Infinity) return this.closeOf(pending);
    return pageKey.endsWith(FIRST_PAGE) ? this.#removalOf(this.startOf(pageKey)) : null;
  }

  /**
   * Ends what a page keeps at that time: its unmatched records are marked as done, and where all is closed the pages are
   * removed. Returns the page as it was where it has records to report.
   */
  close(pageKey: string, due: number): Uint8Array | null {
    const page = this.store.get(pageKey);
    if (page === null) {
      // the unit that made it was taken back, or it is removed
      this.#present.delete(pageKey);
      return null;
    }
    const earliest = this.#dueOf(pageKey, page);
    if (earliest === null || earliest > due) return null;
    if (pendingOf(page) === Infinity) {
      this.#remove(pageKey, lastPageOf(page), due);
      return null;
    }
    this.#closeRecords(pageKey, page, due);
    return page;
  }

  #closeRecords(pageKey: string, page: Uint8Array, due: number): void {
    const start = this.startOf(pageKey);
    const closed = copyOf(page);
    let pending = Infinity;
    let isAllClosed = true;
    const reader = this.#reader.load(page);
    while (reader.next()) {
      const time = start + reader.offset;
      if (this.closeOf(time) > due) {
        isAllClosed = false;
        if (!reader.isJoined && time < pending) pending = time;
      } else if (!reader.isJoined) setJoined(closed, reader.at);
    }
    if (isAllClosed && lastPageOf(page) === 0 && pageKey.endsWith(FIRST_PAGE)) return this.#remove(pageKey, 0, due);
    setPending(closed, pending);
    this.store.put(pageKey, closed, due);
    const next = this.#dueOf(pageKey, closed);
    if (next !== null) this.options.schedule(next, pageKey);
  }

  /** Marks one record as done, whatever becomes of it. */
  settle(pageKey: string, position: number, due: number): void {
    const settled = copyOf(this.store.get(pageKey)!);
    setJoined(settled, position);
    this.store.put(pageKey, settled, due);
  }

  /** If the unit is taken back, what fell due runs again before any record could miss the pages. */
  #remove(firstKey: string, last: number, due: number): void {
    for (let number = 1; number <= last; number++) this.store.put(numbered(firstKey, number), null, due);
    this.store.put(firstKey, null, due);
    if (this.#present.delete(firstKey)) this.#removed.push(firstKey);
  }

  /** One later than the close of the last record that a stretch can have. */
  #removalOf(start: number): number {
    return this.closeOf(start + this.options.bucketMs);
  }

  #first(firstKey: string): Uint8Array | null {
    return this.#present.has(firstKey) ? this.store.get(firstKey) : null;
  }

  #firstKey(key: string, start: number): string {
    const { mark, bucketMs } = this.options;
    const slot = (start / bucketMs) % 2;
    if (this.#textStarts[slot] !== start) {
      this.#textStarts[slot] = start;
      this.#texts[slot] = timeText(start) + FIRST_PAGE;
    }
    return mark + key + this.#texts[slot]!;
  }

  /** The record key in a page's key. */
  keyOf(pageKey: string): string {
    return pageKey.slice(1, -TIME_BYTES - NUMBER_BYTES);
  }

  /** Where a page's stretch of time begins. */
  startOf(pageKey: string): number {
    return timeAt(pageKey, pageKey.length - TIME_BYTES - NUMBER_BYTES);
  }
}

/** One input of the join. */
export interface JoinSide {
  readonly isLeft: boolean;
  readonly buffer: JoinBuffer;
  readonly serde: Serde<unknown>;
  /** The other side's records that one of this side joins lie from so long before it … */
  readonly backMs: number;
  /** … to so long after it. */
  readonly aheadMs: number;
}

const bucketStart = (timestamp: number, bucketMs: number): number => timestamp - (timestamp % bucketMs);

/** The key of a further page. */
const numbered = (firstKey: string, number: number): string =>
  firstKey.slice(0, -NUMBER_BYTES) +
  String.fromCharCode(number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff);
