import { join } from 'node:path';
import { BatchBuilder } from './batch-builder.ts';
import { BoundedCache } from './bounded-cache.ts';
import type { Entry, StateMemory, ValueCodec } from './bounded-cache.ts';
import type { Effects, LogLoop } from './log-loop.ts';

/** For one partition, as `bounded-cache.ts` counts it: of an entry, key and value. */
export interface StateSize extends StateMemory {
  readonly entryBytes: number;
}

/** A store with a changelog for each partition. */
export class KeyedState<T> {
  private readonly changelogs: readonly BatchBuilder[];

  private constructor(
    private readonly changelog: string,
    private readonly caches: readonly BoundedCache<T>[],
  ) {
    this.changelogs = caches.map(() => new BatchBuilder());
  }

  /** Creates the changelog. */
  static async open<T>(
    loop: LogLoop,
    changelog: string,
    { entryBytes, ...memory }: StateSize,
    codec: ValueCodec<T>,
  ): Promise<KeyedState<T>> {
    await loop.create(changelog);
    const folder = join(loop.folder, 'bare', changelog);
    const caches = loop.each(partition => BoundedCache.open(folder, `${partition}`, memory, entryBytes, codec));
    return new KeyedState(changelog, await Promise.all(caches));
  }

  get(partition: number, key: string): Entry<T> {
    return this.caches[partition]!.get(key);
  }

  put(partition: number, entry: Entry<T>, value: T, timestamp: number): void {
    this.caches[partition]!.put(entry, value, timestamp);
  }

  effects(): Effects {
    const stores = this.caches.map((cache, partition) =>
      cache.take((key, value, timestamp) => this.changelogs[partition]!.appendText(timestamp, key, value)),
    );
    const appends = this.changelogs.map((builder, partition) => ({
      topic: this.changelog,
      partition,
      batches: builder.take(),
    }));
    return { appends, stores };
  }

  async close(): Promise<void> {
    await Promise.all(this.caches.map(cache => cache.close()));
  }
}
