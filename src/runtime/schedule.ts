import type { Unit } from './unit.ts';

/** What a step does with the entries of its store that fall due. */
export interface DueEntries {
  /**
   * Hands on what the entry comes to, and changes or removes it. It may be called for an entry that is gone or falls due later
   * by now: that is passed over (and scheduled anew where it falls due later).
   */
  fire(key: string, due: number): void;
  /** After `fire` threw, and what it did was taken back: removes what was due, and tells what of it to dead-letter. */
  discard(key: string, due: number): Discarded;
  /** When an entry that is in the store at the start falls due; null: never. `timestamp` is the entry's. */
  dueOf(key: string, value: Uint8Array, timestamp: number): number | null;
}

/** What of something that failed and is no record is worth dead letters. */
export type Discarded = DueSubject | readonly DueSubject[] | null;

/** What is kept of something that fell due and failed. */
export interface DueSubject {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  /** Packed. */
  readonly headers?: Uint8Array;
}

/**
 * What of a step's store falls due when, in order of time and then of key, and the step's stream time: the largest timestamp
 * that reached it. It is made from the store at the start and kept in memory since; an entry too many does no harm, because
 * `fire` looks at the store.
 */
export class Schedule {
  /** The step's time, ms. */
  now = -1;
  /** When the first entry falls due. */
  next = Infinity;
  /** As of the last epoch that was closed: `now` and `awaited`. */
  #closedNow = -1;
  #closedAwaited = NOBODY;
  /** Due times, of which those that have no keys any more are passed over. */
  #heap: number[] = [];
  readonly #keys = new Map<number, string[] | Set<string>>();
  /** The due time whose keys are in order, the first last. */
  #sorted = -1;
  /** The first entry is to go before its time. */
  isEarly = false;
  /**
   * Which units that were taken back had moved its time, and wait for what is due by that: the number of each, the innermost last.
   * What is due goes before any other unit.
   */
  awaited: readonly number[] = NOBODY;

  constructor(
    readonly step: string,
    readonly entries: DueEntries,
    /** Where its step stands in the topology: of what is due at once in several steps, the first one's goes first. */
    readonly rank: number,
    private readonly log: TimeLog,
    private readonly unit: Unit,
  ) {
    log.schedules.push(this);
  }

  add(due: number, key: string): void {
    const keys = this.#keys.get(due);
    if (keys) {
      if (Array.isArray(keys)) keys.push(key);
      else keys.add(key);
      if (due === this.#sorted) this.#sorted = -1;
      return;
    }
    this.#keys.set(due, [key]);
    push(this.#heap, due);
    if (due < this.next) this.next = due;
  }

  /** Takes an entry out before it is due, if the unit under way succeeds. */
  remove(due: number, key: string): void {
    const keys = this.#keys.get(due);
    // what is being taken out anyway stays, and finds nothing
    if (keys === undefined || due === this.#sorted || !this.#delete(keys, due, key)) return;
    this.log.taken(this, due, key);
    if (due === this.next) this.#toNext();
    if (this.#heap.length > 2 * this.#keys.size + SPARE_TIMES)
      this.#heap = [...this.#keys.keys()].sort((a, b) => a - b);
  }

  #delete(keys: string[] | Set<string>, due: number, key: string): boolean {
    if (Array.isArray(keys) && keys.length > FEW_KEYS) this.#keys.set(due, (keys = new Set(keys)));
    if (!Array.isArray(keys)) {
      const isThere = keys.delete(key);
      if (keys.size === 0) this.#keys.delete(due);
      return isThere;
    }
    const at = keys.indexOf(key);
    if (at >= 0) keys.splice(at, 1);
    if (keys.length === 0) this.#keys.delete(due);
    return at >= 0;
  }

  /** A record reached the step: what is due by its time comes first. */
  advance(timestamp: number): void {
    if (timestamp <= this.now) return;
    this.now = timestamp;
    if (this.next > this.now) return;
    this.log.advanced(this);
    this.unit.withoutRecord(() => {
      while (this.next <= this.now) this.#fire();
    });
  }

  /** Fires the first entry before its time, to make room. */
  fireFirst(): void {
    this.isEarly = true;
    this.log.advanced(this);
    this.unit.withoutRecord(() => this.#fire());
    this.isEarly = false;
  }

  #fire(): void {
    const due = this.next;
    this.entries.fire(this.take(), due);
  }

  /** The first entry is due, or is to make room. */
  get isDue(): boolean {
    return this.next <= this.now || this.isEarly;
  }

  /** The key of the first entry; there must be one. */
  get firstKey(): string {
    return this.#first().at(-1)!;
  }

  /** Removes the first entry, for good if the unit under way succeeds. */
  take(): string {
    const due = this.next;
    const keys = this.#first();
    const key = keys.pop()!;
    if (keys.length === 0) {
      this.#keys.delete(due);
      this.#sorted = -1;
      this.#toNext();
    }
    this.log.taken(this, due, key);
    return key;
  }

  /** The keys that are due first, in order, the first last. */
  #first(): string[] {
    const due = this.next;
    const keys = this.#keys.get(due)!;
    if (this.#sorted === due) return keys as string[];
    const sorted = [...new Set(keys)].sort().reverse();
    this.#keys.set(due, sorted);
    this.#sorted = due;
    return sorted;
  }

  /** Past due times without keys. */
  #toNext(): void {
    const heap = this.#heap;
    while (heap.length > 0 && !this.#keys.has(heap[0]!)) pop(heap);
    this.next = heap[0] ?? Infinity;
  }

  /** At the start: where the last commit left it. */
  begin(now: number, awaited: readonly number[]): void {
    this.now = now;
    this.awaited = awaited;
    this.closeEpoch();
  }

  /** What is due is done: the innermost unit that waits for it may go on. */
  settled(): void {
    this.awaited = this.awaited.slice(0, -1);
  }

  /** Whether its time moved since the last epoch was closed, or who waits for what is due by it is another one. */
  get hasMoved(): boolean {
    return this.now !== this.#closedNow || this.awaited.join() !== this.#closedAwaited.join();
  }

  closeEpoch(): void {
    this.#closedNow = this.now;
    this.#closedAwaited = this.awaited;
  }

  /** Back to the end of the last closed epoch; the log puts back what was taken since. */
  abort(): void {
    this.now = this.#closedNow;
    this.awaited = this.#closedAwaited;
    this.isEarly = false;
  }
}

const NOBODY: readonly number[] = [];
/** Due times without keys that a schedule bears before it clears them away. */
const SPARE_TIMES = 1000;
/** So many keys of one due time are searched through; more are made a set. */
const FEW_KEYS = 32;

/** What was taken out of a task's schedules, to put it back where the unit or the epoch is taken back; and what units wait for. */
export class TimeLog {
  readonly schedules: Schedule[] = [];
  readonly #taken: { readonly schedule: Schedule; readonly due: number; readonly key: string }[] = [];
  #unitStart = 0;
  #advanced: Schedule[] = [];

  taken(schedule: Schedule, due: number, key: string): void {
    this.#taken.push({ schedule, due, key });
  }

  /** The unit makes entries of a schedule fire. */
  advanced(schedule: Schedule): void {
    this.#advanced.push(schedule);
  }

  /** Takes the unit back. It waits for what is due in those it returns, by rank: it had moved their times, which do not go back. */
  rollback(): readonly Schedule[] {
    this.#putBack(this.#unitStart);
    const advanced = this.#advanced;
    this.#advanced = [];
    const moved = byRank(new Set(advanced));
    const number = this.#innermost + 1;
    for (const schedule of moved) schedule.awaited = [...schedule.awaited, number];
    return moved;
  }

  /** The first schedule of which something is due that a unit waits for, the innermost one first. */
  get left(): Schedule | undefined {
    for (let number = this.#innermost; number > 0; number--)
      for (const schedule of byRank(this.schedules)) {
        if (schedule.awaited.at(-1) !== number) continue;
        if (schedule.isDue) return schedule;
        schedule.settled();
      }
    return undefined;
  }

  /** Of the units that wait: units nest where one is what another one waits for. */
  get #innermost(): number {
    return this.schedules.reduce((most, { awaited }) => Math.max(most, awaited.at(-1) ?? 0), 0);
  }

  endUnit(): void {
    this.#unitStart = this.#taken.length;
    if (this.#advanced.length > 0) this.#advanced = [];
  }

  closeEpoch(): void {
    this.#taken.length = 0;
    this.endUnit();
  }

  abort(): void {
    this.#putBack(0);
    this.endUnit();
  }

  #putBack(from: number): void {
    for (const { schedule, due, key } of this.#taken.splice(from)) schedule.add(due, key);
  }
}

const byRank = (schedules: Iterable<Schedule>): Schedule[] => [...schedules].sort((a, b) => a.rank - b.rank);

function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (heap[above]! <= value) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = value;
}

function pop(heap: number[]): void {
  const value = heap.pop()!;
  const { length } = heap;
  if (length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= length) break;
    if (below + 1 < length && heap[below + 1]! < heap[below]!) below++;
    if (heap[below]! >= value) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = value;
}
