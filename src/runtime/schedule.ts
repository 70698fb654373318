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
  /** As of the last epoch that was closed: `now` and `isLeftDue`. */
  #closedNow = -1;
  #wasLeftDue = false;
  /** The unit that changed these two last, by its number in the log, and how they were before; where it was taken back, how it left them. */
  #movedIn = -1;
  #otherNow = -1;
  #otherLeftDue = false;
  /** The unit that reached the step last. */
  #seenIn = -1;
  /** Due times, of which those that have no keys any more are passed over. */
  #heap: number[] = [];
  readonly #keys = new Map<number, string[] | Set<string>>();
  /** The due time whose keys are in order, the first last. */
  #sorted = -1;

  /** What is due by its time could not go yet: it goes with the next record, though that does not move the time. */
  isLeftDue = false;

  constructor(
    readonly step: string,
    readonly entries: DueEntries,
    private readonly log: TimeLog,
    private readonly unit: Unit,
  ) {}

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
    const isFirst = this.#seenIn !== this.log.unit;
    this.#seenIn = this.log.unit;
    if (timestamp > this.now) this.reach(timestamp);
    else if (!this.isLeftDue) return;
    else this.reach(this.now);
    if (this.next > this.now) return;
    // what is due only now that the step has taken something of the unit stands or falls with that
    if (isFirst) this.log.fires(this, this.now);
    this.unit.withoutRecord(() => {
      while (this.next <= this.now) this.#fire();
    });
  }

  /** The unit under way moves its time on. */
  reach(time: number): void {
    if (this.#movedIn !== this.log.unit) {
      this.#movedIn = this.log.unit;
      this.#otherNow = this.now;
      this.#otherLeftDue = this.isLeftDue;
      this.log.moved(this);
    }
    this.now = time;
    this.isLeftDue = false;
  }

  /** Back to how it was before the unit that moved it; then, where that unit is given up, to how that left it. */
  turnBack(): void {
    [this.now, this.#otherNow] = [this.#otherNow, this.now];
    [this.isLeftDue, this.#otherLeftDue] = [this.#otherLeftDue, this.isLeftDue];
  }

  /** Fires the first entry before its time, to make room. */
  fireFirst(): void {
    const place = this.log.fires(this, EARLY);
    this.unit.withoutRecord(() => this.#fire());
    // once it could go, it stands or falls with the unit that wanted room
    this.log.hasFired(place);
  }

  #fire(): void {
    const due = this.next;
    this.entries.fire(this.take(), due);
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
  begin(now: number, isLeftDue: boolean): void {
    this.now = now;
    this.isLeftDue = isLeftDue;
    this.closeEpoch();
  }

  /** Whether its time moved since the last epoch was closed, or what is due by it could not go. */
  get hasMoved(): boolean {
    return this.now !== this.#closedNow || this.isLeftDue !== this.#wasLeftDue;
  }

  closeEpoch(): void {
    this.#closedNow = this.now;
    this.#wasLeftDue = this.isLeftDue;
  }

  /** Back to the end of the last closed epoch; the log puts back what was taken since. */
  abort(): void {
    this.now = this.#closedNow;
    this.isLeftDue = this.#wasLeftDue;
  }
}

/** In place of a time: the first entry goes before it is due. */
export const EARLY = -Infinity;
/** Due times without keys that a schedule bears before it clears them away. */
const SPARE_TIMES = 1000;
/** So many keys of one due time are searched through; more are made a set. */
const FEW_KEYS = 32;

/** What a unit that was taken back had made due: the entries of a schedule up to a time, or, at `EARLY`, its first one. */
export interface Due {
  readonly schedule: Schedule;
  readonly until: number;
}

/** What the unit under way, and those before it in the epoch, did to a task's schedules: to take it back where that is taken back. */
export class TimeLog {
  /** Numbers the units, each attempt at one. */
  unit = 0;
  readonly #taken: { readonly schedule: Schedule; readonly due: number; readonly key: string }[] = [];
  #unitStart = 0;
  /** Whose time the unit has moved. Arrays that are filled anew by each unit. */
  readonly #moved: Schedule[] = [];
  #movedCount = 0;
  /** Whose entries it has made fire, in that order, and up to which time. */
  readonly #fired: Schedule[] = [];
  readonly #until: number[] = [];
  #firedCount = 0;

  taken(schedule: Schedule, due: number, key: string): void {
    this.#taken.push({ schedule, due, key });
  }

  moved(schedule: Schedule): void {
    this.#moved[this.#movedCount++] = schedule;
  }

  /** The unit makes entries of a schedule fire. Returns the place of this note, for `hasFired`. */
  fires(schedule: Schedule, until: number): number {
    this.#fired[this.#firedCount] = schedule;
    this.#until[this.#firedCount] = until;
    return this.#firedCount++;
  }

  /** Forgets a note. */
  hasFired(place: number): void {
    this.#firedCount--;
    for (let at = place; at < this.#firedCount; at++) {
      this.#fired[at] = this.#fired[at + 1]!;
      this.#until[at] = this.#until[at + 1]!;
    }
  }

  /** An attempt at a unit begins. */
  begin(): void {
    this.unit++;
    this.#movedCount = 0;
    this.#firedCount = 0;
  }

  /** Takes the unit back, the times too. Returns what it had made due, in that order. */
  rollback(): readonly Due[] {
    this.#putBack(this.#unitStart);
    this.turnBack();
    return Array.from({ length: this.#firedCount }, (_, at) => ({
      schedule: this.#fired[at]!,
      until: this.#until[at]!,
    }));
  }

  /** The times that the unit has moved are again what they were before; called once more, what they were then. */
  turnBack(): void {
    for (let at = 0; at < this.#movedCount; at++) this.#moved[at]!.turnBack();
  }

  endUnit(): void {
    this.#unitStart = this.#taken.length;
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
