import { RecordError } from '../../errors.ts';
import type { IntervalSlot, TimingSlot } from '../../graph/process.ts';
import { NO_HEADERS, decodeHeaders, encodeHeaders } from '../../records/headers.ts';
import type { Site } from '../chain.ts';
import type { Discarded, DueEntries, Schedule } from '../schedule.ts';
import { payloadOf, stamped, timestampOf } from '../stamped.ts';
import type { Store } from '../store.ts';
import { bytesOfKey } from '../store-key.ts';

type UserFunction<R = void> = (context: unknown) => R;

/** Calls a function of the user's as what fell due: under this key (null: none), at this time, with these headers. */
export type Fire = <R>(fn: UserFunction<R>, key: string | null, timestamp: number, headers: Uint8Array) => R;

/** Names the timer or interval in a dead letter, whose value is mostly null. */
const NAME_HEADER = 'topo.timer';
/** Between a timer's name and its key. Names hold none, so that an interval's entry, its name alone, is no timer's. */
const END = '\0';

/**
 * The timers and intervals of a `process` step that go by one clock, and the store that keeps them: for a timer when it is due and
 * the headers of the record that set it, for an interval when it fired last.
 */
export class Timing implements DueEntries {
  readonly #schedule: Schedule;
  readonly #store: Store;
  /** When intervals by the clock began with this start. */
  readonly #began = new Map<string, number>();
  /** What the function under way fell due at: the timers that it sets are later, or they would fire for ever. */
  #firing = -1;

  constructor(
    private readonly site: Site,
    store: string,
    private readonly time: 'stream' | 'wall',
    private readonly slot: TimingSlot,
    private readonly callAs: Fire,
  ) {
    this.#store = site.store(store);
    this.#schedule = site.schedule(store, this, time);
  }

  /** A record reached the step. */
  advance(timestamp: number): void {
    this.#schedule.advance(timestamp);
  }

  /** Intervals that never fired: by stream time they do with the first record, by the clock an interval from now. */
  begin(step: string): void {
    for (const [name, { everyMs }] of Object.entries(this.slot.intervals)) {
      if (this.#store.get(name) !== null) continue;
      if (this.time === 'stream') {
        this.#schedule.add(0, name);
        continue;
      }
      const now = this.site.clock.now();
      this.#schedule.add(now + everyMs, name);
      this.#began.set(name, now);
    }
    this.keepBegun(step);
  }

  /** Has the moments kept at which intervals began, so that one longer than the time between two restarts comes to its end. */
  keepBegun(step: string): void {
    for (const [name, began] of this.#began) {
      const run = () => {
        if (this.#store.get(name) === null) this.#store.put(name, stamped(NO_HEADERS, began), began);
      };
      this.site.submit({ step, run, discard: () => null });
    }
  }

  /** What the timer of this key is set for; null where it is not set. */
  get(name: string, key: string): number | null {
    const stored = this.#store.get(name + END + key);
    return stored === null ? null : timestampOf(stored);
  }

  /** @throws RecordError for what is no time, or not after the firing that sets it */
  set(name: string, key: string, time: number): void {
    if (!Number.isSafeInteger(time) || time < 0)
      throw new RecordError('TOPO_USER_FUNCTION', `timer '${name}' is set for what is no time in ms since 1970`);
    if (time <= this.#firing)
      throw new RecordError(
        'TOPO_USER_FUNCTION',
        `timer '${name}' is set by one that fired, for no later time: it would fire for ever`,
      );
    const { unit } = this.site;
    const entry = name + END + key;
    const stored = this.#store.get(entry);
    const before = stored === null ? null : timestampOf(stored);
    if (before !== time) {
      if (before !== null) this.#schedule.remove(before, entry);
      this.#schedule.add(time, entry);
    }
    this.#store.put(entry, stamped(unit.headerBytes, time), unit.timestamp);
  }

  cancel(name: string, key: string): void {
    const entry = name + END + key;
    const stored = this.#store.get(entry);
    if (stored === null) return;
    this.#schedule.remove(timestampOf(stored), entry);
    this.#store.put(entry, null, this.site.unit.timestamp);
  }

  /** Null for what an earlier version of the topology had: it is kept, and goes on where it is declared again. */
  dueOf(entry: string, value: Uint8Array): number | null {
    const { timers, intervals } = this.slot;
    const at = entry.indexOf(END);
    if (at < 0) return Object.hasOwn(intervals, entry) ? this.#nextOf(intervals[entry]!, timestampOf(value)) : null;
    return Object.hasOwn(timers, entry.slice(0, at)) ? timestampOf(value) : null;
  }

  fire(entry: string, due: number): void {
    const at = entry.indexOf(END);
    this.#firing = due;
    try {
      if (at < 0) this.#fireInterval(entry, due);
      else this.#fireTimer(entry, at, due);
    } finally {
      this.#firing = -1;
    }
  }

  discard(entry: string, due: number): Discarded {
    const at = entry.indexOf(END);
    const stored = this.#store.get(entry);
    if (at < 0) {
      const { now } = this.#schedule;
      this.#pass(entry, due);
      return { key: null, value: null, timestamp: now, headers: named(NO_HEADERS, entry) };
    }
    if (stored === null) return null;
    const [name, key] = [entry.slice(0, at), entry.slice(at + 1)];
    const [timestamp, headers] = [timestampOf(stored), payloadOf(stored)];
    this.#store.put(entry, null, timestamp);
    const discardOf = this.slot.discards?.[name];
    const values = discardOf === undefined ? [null] : this.callAs(discardOf, key, timestamp, headers);
    const subject = { key: bytesOfKey(key), timestamp, headers: named(headers, name) };
    return values.map(value => ({ ...subject, value }));
  }

  #fireTimer(entry: string, at: number, due: number): void {
    const stored = this.#store.get(entry);
    if (stored === null) return;
    const time = timestampOf(stored);
    // the unit that set it for `due` was taken back
    if (time > due) return;
    this.#store.put(entry, null, time);
    this.callAs(this.slot.timers[entry.slice(0, at)]!, entry.slice(at + 1), time, payloadOf(stored));
  }

  #fireInterval(name: string, due: number): void {
    const interval = this.slot.intervals[name]!;
    const stored = this.#store.get(name);
    const next = stored === null ? due : this.#nextOf(interval, timestampOf(stored));
    if (next > due) {
      this.#schedule.add(next, name);
      return;
    }
    const { now } = this.#schedule;
    this.#pass(name, due);
    this.callAs(interval.run, null, now, NO_HEADERS);
  }

  /** Notes that an interval fires now, however often it was due. */
  #pass(name: string, due: number): void {
    const interval = this.slot.intervals[name]!;
    const { everyMs } = interval;
    const { now } = this.#schedule;
    // by the clock it keeps the beat it began with; by stream time that of 1970
    const last = this.time === 'stream' ? now : due + everyMs * Math.floor((now - due) / everyMs);
    this.#store.put(name, stamped(NO_HEADERS, last), now);
    this.#schedule.add(this.#nextOf(interval, last), name);
  }

  #nextOf({ everyMs }: IntervalSlot, last: number): number {
    return this.time === 'stream' ? (Math.floor(last / everyMs) + 1) * everyMs : last + everyMs;
  }
}

const named = (headers: Uint8Array, name: string): Uint8Array =>
  encodeHeaders([...decodeHeaders(headers), [NAME_HEADER, Buffer.from(name)]]);
