/** What a step does with the entries of its store that fall due. */
export interface DueEntries {
  /**
   * Hands on what the entry comes to, and changes or removes it. It may be called for an entry that is gone or falls due later
   * by now: that is passed over (and scheduled anew where it falls due later).
   */
  fire(key: string, due: number): void;
  /** After `fire` threw, and what it did was taken back: removes what was due, and tells what of it to dead-letter. */
  discard(key: string, due: number): DueSubject | null;
  /** When an entry that is in the store at the start falls due; null: never. `timestamp` is the entry's. */
  dueOf(key: string, value: Uint8Array, timestamp: number): number | null;
}

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
  /** As of the last epoch that was closed. */
  #closedNow = -1;
  readonly #heap: number[] = [];
  readonly #keys = new Map<number, string[]>();
  /** The due time whose keys are in order, the first last. */
  #sorted = -1;
  /** How many entries wait. */
  size = 0;
  /** The first entry is to go before its time. */
  isEarly = false;

  constructor(
    readonly step: string,
    readonly entries: DueEntries,
    private readonly log: TimeLog,
  ) {}

  add(due: number, key: string): void {
    this.size++;
    const keys = this.#keys.get(due);
    if (keys) {
      keys.push(key);
      if (due === this.#sorted) this.#sorted = -1;
      return;
    }
    this.#keys.set(due, [key]);
    push(this.#heap, due);
    this.next = this.#heap[0]!;
  }

  /** A record reached the step: what is due by its time comes first. */
  advance(timestamp: number): void {
    if (timestamp <= this.now) return;
    this.now = timestamp;
    if (this.next > timestamp) return;
    this.log.advanced(this);
    while (this.next <= this.now) {
      const due = this.next;
      this.entries.fire(this.take(), due);
    }
  }

  /** Fires the first entry before its time, to make room. */
  fireFirst(): void {
    this.isEarly = true;
    this.log.advanced(this);
    const due = this.next;
    this.entries.fire(this.take(), due);
    this.isEarly = false;
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
    this.size--;
    if (keys.length === 0) {
      this.#keys.delete(due);
      pop(this.#heap);
      this.next = this.#heap[0] ?? Infinity;
    }
    this.log.taken(this, due, key);
    return key;
  }

  /** The keys that are due first, in order, the first last. */
  #first(): string[] {
    const due = this.next;
    let keys = this.#keys.get(due)!;
    if (this.#sorted !== due) {
      this.size -= keys.length;
      keys = [...new Set(keys)].sort().reverse();
      this.size += keys.length;
      this.#keys.set(due, keys);
      this.#sorted = due;
    }
    return keys;
  }

  /** At the start: where the last commit left it. */
  begin(now: number): void {
    this.now = this.#closedNow = now;
  }

  /** Whether its time moved since the last epoch was closed. */
  get hasMoved(): boolean {
    return this.now !== this.#closedNow;
  }

  closeEpoch(): void {
    this.#closedNow = this.now;
  }

  /** Back to the end of the last closed epoch; the log puts back what was taken since. */
  abort(): void {
    this.now = this.#closedNow;
    this.isEarly = false;
  }
}

/** What was taken out of a task's schedules, to put it back where the unit or the epoch is taken back. */
export class TimeLog {
  readonly #taken: { readonly schedule: Schedule; readonly due: number; readonly key: string }[] = [];
  #unitStart = 0;
  #advanced: Schedule[] = [];

  taken(schedule: Schedule, due: number, key: string): void {
    this.#taken.push({ schedule, due, key });
  }

  advanced(schedule: Schedule): void {
    this.#advanced.push(schedule);
  }

  /** Takes the unit back. Returns the schedules whose entries it had made due: their time does not go back. */
  rollback(): readonly Schedule[] {
    this.#putBack(this.#unitStart);
    const advanced = this.#advanced;
    this.#advanced = [];
    return advanced;
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
