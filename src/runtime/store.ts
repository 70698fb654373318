import { FatalError, RecordError } from '../errors.ts';
import { DEFAULT_MAX_MESSAGE_BYTES } from './outputs.ts';
import type { OutputWriter } from './outputs.ts';
import type { TaskState } from './ports.ts';
import { payloadOf, payloadTextOf, stamped, timestampOf } from './stamped.ts';
import { bytesOfKey, textOfKey } from './store-key.ts';

/** What an entry weighs besides its key and value: an object, its places in map and ring, a text. Measured on Node 20 to about ±20 %. */
const ENTRY_BYTES = 200;
/** Longer values stand in the cache as bytes: text would have to be copied for each look at it, and saves little of them. */
const LONGEST_TEXT = 512;
/** Entries that one addition looks at to find some to drop. */
const EVICTION_STEPS = 16;
/** Room for a record's frame and key lengths in a changelog batch. */
const RECORD_OVERHEAD_BYTES = 128;

interface Entry {
  readonly key: string;
  /**
   * Bytes, a state as the store's form has it, or, where it is short and nobody has changed it since it was read or closed, text of
   * one character a byte: that weighs half of what bytes do, which are two objects and memory of their own. Null: known to be absent.
   */
  value: unknown;
  /** Whether `value` is a state. */
  isState: boolean;
  /** Of the value, as bytes. */
  size: number;
  timestamp: number;
  /** The last epoch that changed it. */
  epoch: number;
  /** Asked for since eviction came by last. */
  isUsed: boolean;
}

/**
 * How a store's values stand in memory where they are not bytes there. Nobody changes a state, and one that `sizeOf` has passed is
 * sure to encode: so it is encoded once an epoch, however often it was replaced.
 */
export interface StateForm {
  encode(state: unknown): Uint8Array;
  /** @throws RecordError */
  decode(bytes: Uint8Array): unknown;
  /** As many bytes as `encode` gives, or a few more. @throws RecordError where it gives none */
  sizeOf(state: unknown): number;
}

/** A state write, as `TaskState.write` takes it. */
export type StateWrite = readonly [key: string, value: Uint8Array | null];

/**
 * A processor's store: encoded values by key, each with the timestamp of its last change. Keys are the record keys' bytes, one
 * character a byte (latin1), which JavaScript maps hash fastest.
 *
 * Reads go through a cache bounded in bytes, which also remembers what is absent. When it is full, what was not asked for since
 * the last look is dropped (second chance); never what was changed in this epoch or is still on its way to the disk.
 */
export class Store {
  /** Timestamp of the value that `get` returned last. */
  timestamp = -1;
  dirtyBytes = 0;
  /** Set by the step whose store it is, where `getState` and `putState` are used. */
  form: StateForm | undefined;
  /** How often an entry was looked for; several looks at one entry in a row are one. */
  lookups = 0;
  /** How often it was not in the cache, but read from the disk. */
  misses = 0;
  readonly #entries = new Map<string, Entry>();
  /** The same entries in a row; eviction goes round it. */
  #ring: Entry[] = [];
  #hand = 0;
  #bytes = 0;
  /** The entry asked for last: what is read is often written next. */
  #last: Entry | undefined;
  #dirty: Entry[] = [];
  #epoch = 1;
  #closedEpoch = 0;
  /** Entries changed in this epoch or before are on disk. */
  #flushedEpoch = 0;
  readonly #prefix: string;
  readonly #maxValueBytes: number;

  constructor(
    readonly name: string,
    private readonly state: TaskState,
    private readonly undo: UndoLog,
    private readonly cacheBytes: number,
    changelogMaxBytes = DEFAULT_MAX_MESSAGE_BYTES,
  ) {
    this.#prefix = storePrefix(name);
    this.#maxValueBytes = changelogMaxBytes - RECORD_OVERHEAD_BYTES;
  }

  /** Null when absent. The bytes must not be changed. @throws FatalError when the disk fails */
  get(key: string): Uint8Array | null {
    const entry = this.#find(key);
    this.timestamp = entry.timestamp;
    return entry.isState ? this.form!.encode(entry.value) : bytesOf(entry.value);
  }

  has(key: string): boolean {
    return this.#find(key).value !== null;
  }

  /** As `get`, in the store's form. The state must not be changed. @throws RecordError when it does not decode */
  getState(key: string): unknown {
    const entry = this.#find(key);
    this.timestamp = entry.timestamp;
    if (!entry.isState && entry.value !== null) {
      entry.value = this.form!.decode(bytesOf(entry.value)!);
      entry.isState = true;
    }
    return entry.value;
  }

  /** A null value deletes. Taken back when the unit fails. @throws RecordError when it would not fit its changelog */
  put(key: string, value: Uint8Array | null, timestamp: number): void {
    this.#put(key, value, value === null ? 0 : value.length, false, timestamp);
  }

  /** As `put`, in the store's form. */
  putState(key: string, state: unknown, timestamp: number): void {
    this.#put(key, state, state === null ? 0 : this.form!.sizeOf(state), state !== null, timestamp);
  }

  #put(key: string, value: unknown, size: number, isState: boolean, timestamp: number): void {
    if (size + key.length > this.#maxValueBytes)
      throw new RecordError(
        'TOPO_RECORD_TOO_LARGE',
        `a state of ${size} bytes does not fit a record of its changelog (${this.#maxValueBytes} bytes at most)`,
      );
    const entry = this.#find(key);
    this.undo.push(this, entry);
    const grown = size - entry.size;
    this.#bytes += grown;
    entry.value = value;
    entry.isState = isState;
    entry.size = size;
    entry.timestamp = timestamp;
    if (entry.epoch !== this.#epoch) {
      entry.epoch = this.#epoch;
      this.#dirty.push(entry);
      this.dirtyBytes += weightOf(entry);
    } else {
      this.dirtyBytes += grown;
    }
    if (this.#bytes > this.cacheBytes) this.#evict();
  }

  /** Undoes the last `put` of `entry`. */
  restore(entry: Entry, value: unknown, isState: boolean, size: number, timestamp: number, epoch: number): void {
    const shrunk = entry.size - size;
    this.#bytes -= shrunk;
    if (epoch === entry.epoch) this.dirtyBytes -= shrunk;
    else {
      this.#dirty.pop();
      this.dirtyBytes -= weightOf(entry);
    }
    entry.value = value;
    entry.isState = isState;
    entry.size = size;
    entry.timestamp = timestamp;
    entry.epoch = epoch;
  }

  get isDirty(): boolean {
    return this.#dirty.length > 0;
  }

  /** What the cache holds, entries not yet written included. */
  get cachedBytes(): number {
    return this.#bytes;
  }

  /**
   * Ends the epoch: one changelog record, where there is a changelog, and one state write for each key it changed. The entries stay in the cache until
   * `flushed`; the next epoch may begin before. What the cache keeps of them is no view: a serde's bytes may be one into a
   * larger buffer, which one cold entry would hold for as long as it stays.
   */
  closeEpoch(changelog: OutputWriter | null, writes: StateWrite[]): void {
    for (const entry of this.#dirty) {
      const { key, isState, timestamp } = entry;
      const value = isState ? this.form!.encode(entry.value) : bytesOf(entry.value);
      changelog?.appendText(timestamp, key, value);
      if (value === null) writes.push([this.#prefix + key, null]);
      else {
        if (!isState) entry.value = value.length <= LONGEST_TEXT ? textOfKey(value) : new Uint8Array(value);
        writes.push([this.#prefix + key, stamped(value, timestamp)]);
      }
    }
    this.#dirty = [];
    this.dirtyBytes = 0;
    this.#closedEpoch = this.#epoch++;
  }

  /** The writes of the last closed epoch have reached the state. */
  flushed(): void {
    this.#flushedEpoch = this.#closedEpoch;
  }

  /** Forgets the open epoch; the last closed one must be flushed. */
  abort(): void {
    for (const entry of this.#dirty) {
      this.#entries.delete(entry.key);
      this.#bytes -= weightOf(entry);
    }
    this.#ring = this.#ring.filter(({ epoch }) => epoch !== this.#epoch);
    this.#hand = 0;
    this.#last = undefined;
    this.#dirty = [];
    this.dirtyBytes = 0;
    this.#epoch++;
  }

  #find(key: string): Entry {
    if (this.#last?.key === key) return this.#last;
    this.lookups++;
    const found = this.#entries.get(key) ?? this.#add(key);
    found.isUsed = true;
    this.#last = found;
    return found;
  }

  /** A store with a form is asked for the state next. */
  #kept(stored: Uint8Array): Uint8Array | string {
    const isText = this.form === undefined && stored.length <= LONGEST_TEXT;
    return isText ? payloadTextOf(stored) : payloadOf(stored);
  }

  #read(key: string): Uint8Array | undefined {
    try {
      return this.state.get(this.#prefix + key);
    } catch (cause) {
      throw new FatalError('TOPO_DISK', `store '${this.name}' cannot be read from disk`, {}, { cause });
    }
  }

  #add(key: string): Entry {
    this.misses++;
    const stored = this.#read(key);
    const value = stored === undefined ? null : this.#kept(stored);
    const timestamp = stored === undefined ? -1 : timestampOf(stored);
    const size = value === null ? 0 : value.length;
    const entry: Entry = { key, value, isState: false, size, timestamp, epoch: 0, isUsed: true };
    this.#bytes += weightOf(entry);
    if (this.#bytes > this.cacheBytes) this.#evict();
    this.#entries.set(key, entry);
    this.#ring.push(entry);
    return entry;
  }

  /** The last entry takes the place of one that is dropped. */
  #evict(): void {
    for (let step = 0; step < EVICTION_STEPS && this.#bytes > this.cacheBytes && this.#ring.length > 1; step++) {
      if (this.#hand >= this.#ring.length - 1) this.#hand = 0;
      const entry = this.#ring[this.#hand]!;
      if (entry.isUsed || entry.epoch > this.#flushedEpoch) {
        entry.isUsed = false;
        this.#hand++;
        continue;
      }
      this.#entries.delete(entry.key);
      this.#bytes -= weightOf(entry);
      this.#ring[this.#hand++] = this.#ring.pop()!;
    }
  }
}

/** What an entry adds to the cache's bytes. */
const weightOf = ({ key, size }: Entry): number => ENTRY_BYTES + key.length + size;

/** An entry's value where it is no state. */
const bytesOf = (value: unknown): Uint8Array | null =>
  typeof value === 'string' ? bytesOfKey(value) : (value as Uint8Array | null);

/** What the stores of a task must take back if the unit under way fails. */
export class UndoLog {
  #length = 0;
  readonly #stores: Store[] = [];
  readonly #entries: Entry[] = [];
  readonly #values: unknown[] = [];
  readonly #isStates: boolean[] = [];
  readonly #sizes: number[] = [];
  readonly #timestamps: number[] = [];
  readonly #epochs: number[] = [];

  push(store: Store, entry: Entry): void {
    const at = this.#length++;
    this.#stores[at] = store;
    this.#entries[at] = entry;
    this.#values[at] = entry.value;
    this.#isStates[at] = entry.isState;
    this.#sizes[at] = entry.size;
    this.#timestamps[at] = entry.timestamp;
    this.#epochs[at] = entry.epoch;
  }

  endUnit(): void {
    this.#length = 0;
  }

  /** Whether the unit under way has changed nothing yet. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  rollback(): void {
    while (this.#length > 0) {
      const at = --this.#length;
      this.#stores[at]!.restore(
        this.#entries[at]!,
        this.#values[at],
        this.#isStates[at]!,
        this.#sizes[at]!,
        this.#timestamps[at]!,
        this.#epochs[at]!,
      );
    }
  }
}

/** Keys of a store in its task's state: behind this prefix, up to `storeEnd`. Step names hold no NUL. */
export const storePrefix = (name: string): string => `s/${name}\0`;
export const storeEnd = (name: string): string => `s/${name}\x01`;
