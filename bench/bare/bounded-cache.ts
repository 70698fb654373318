import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { levelBuffers } from '../../src/adapters/level/level-state.ts';

/** What the engine's stores count for an entry besides key and value: both caches hold the same number of entries. */
const ENTRY_BYTES = 200;
/** Looked at to make room for one. While a write takes long, most entries cannot go: then the cache grows for a time. */
const MOST_STEPS = 16;

export interface Entry<T> {
  readonly key: string;
  value: T | undefined;
  timestamp: number;
  epoch: number;
  used: boolean;
}

/** What one partition's may take, in bytes. */
export interface StateMemory {
  readonly cacheBytes: number;
  /** Of its LevelDB. */
  readonly stateBytes: number;
}

/** How a value lies in the store: behind its timestamp, eight bytes. */
export interface ValueCodec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** Values that are bytes already. */
export const AS_BYTES: ValueCodec<Uint8Array> = { encode: bytes => bytes, decode: bytes => bytes };

/** One partition's state: LevelDB behind a map bounded in bytes, second-chance eviction, one write batch an epoch. */
export class BoundedCache<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly ring: Entry<T>[] = [];
  private hand = 0;
  private dirty: Entry<T>[] = [];
  private epoch = 1;
  private flushed = 0;

  private constructor(
    private readonly level: Level<string, Uint8Array>,
    private readonly capacity: number,
    private readonly codec: ValueCodec<T>,
  ) {}

  static async open<T>(
    folder: string,
    name: string,
    memory: StateMemory,
    entryBytes: number,
    codec: ValueCodec<T>,
  ): Promise<BoundedCache<T>> {
    await mkdir(folder, { recursive: true });
    const level = new Level<string, Uint8Array>(join(folder, name), {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      compression: false,
      blockSize: 16_384,
      ...levelBuffers(memory.stateBytes),
    });
    await level.open();
    return new BoundedCache(level, Math.floor(memory.cacheBytes / (ENTRY_BYTES + entryBytes)), codec);
  }

  get(key: string): Entry<T> {
    const found = this.entries.get(key);
    if (found !== undefined) {
      found.used = true;
      return found;
    }
    const stored = this.level.getSync(key);
    const entry: Entry<T> = { key, value: undefined, timestamp: 0, epoch: 0, used: false };
    if (stored !== undefined) {
      entry.value = this.codec.decode(stored.subarray(8));
      entry.timestamp = new DataView(stored.buffer, stored.byteOffset).getFloat64(0);
    }
    this.makeRoom();
    this.entries.set(key, entry);
    this.ring.push(entry);
    return entry;
  }

  put(entry: Entry<T>, value: T, timestamp: number): void {
    entry.value = value;
    entry.timestamp = timestamp;
    if (entry.epoch === this.epoch) return;
    entry.epoch = this.epoch;
    this.dirty.push(entry);
  }

  /** Ends the epoch: calls back for each entry it changed; returns what writes them to the disk. */
  take(changed: (key: string, value: Uint8Array, timestamp: number) => void): () => Promise<void> {
    const batch = this.level.batch();
    for (const { key, value, timestamp } of this.dirty) {
      const bytes = this.codec.encode(value!);
      changed(key, bytes, timestamp);
      const stamped = Buffer.allocUnsafe(8 + bytes.length);
      stamped.writeDoubleBE(timestamp, 0);
      stamped.set(bytes, 8);
      batch.put(key, stamped);
    }
    this.dirty = [];
    const closed = this.epoch++;
    return async () => {
      await batch.write();
      this.flushed = closed;
    };
  }

  close(): Promise<void> {
    return this.level.close();
  }

  /** Drops entries that were not used since the hand came by, and are on disk. */
  private makeRoom(): void {
    const { ring } = this;
    for (let step = 0; step < MOST_STEPS && ring.length >= this.capacity; step++) {
      if (this.hand >= ring.length) this.hand = 0;
      const candidate = ring[this.hand]!;
      if (candidate.used || candidate.epoch > this.flushed) {
        candidate.used = false;
        this.hand++;
        continue;
      }
      this.entries.delete(candidate.key);
      const last = ring.pop()!;
      if (last !== candidate) ring[this.hand++] = last;
    }
  }
}
