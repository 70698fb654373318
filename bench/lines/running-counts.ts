import { join } from 'node:path';
import { json, string, topic } from '../../src/index.ts';
import { aggregateState } from '../../src/serdes/index.ts';
import { BatchBuilder } from '../bare/batch-builder.ts';
import { BoundedCache } from '../bare/bounded-cache.ts';
import type { ValueCodec } from '../bare/bounded-cache.ts';
import type { Effects, LogLoop } from '../bare/log-loop.ts';
import type { RecordCursor } from '../bare/record-cursor.ts';
import { OUT, cacheBytes } from './line.ts';

export const COUNTS = topic(OUT, string(), json<number>());

/** Key and value of a count, about. */
const COUNT_BYTES = 13;

/** By hand: a count a key in a store with a changelog, each new one written out. */
export class RunningCounts {
  private readonly json = json<number>();

  private constructor(
    private readonly changelog: string,
    private readonly caches: readonly BoundedCache<number>[],
    private readonly changelogs: readonly BatchBuilder[],
    private readonly outputs: readonly BatchBuilder[],
  ) {}

  static async open(loop: LogLoop, changelog: string, memoryBytes: number): Promise<RunningCounts> {
    const state = aggregateState([['value', 'count']]);
    const codec: ValueCodec<number> = {
      encode: value => state.encode({ value }),
      decode: bytes => state.decode(bytes)['value'] as number,
    };
    const caches = await Promise.all(
      loop.each(partition =>
        BoundedCache.open(join(loop.folder, 'bare'), `${partition}`, cacheBytes(memoryBytes), COUNT_BYTES, codec),
      ),
    );
    const builders = () => loop.each(() => new BatchBuilder());
    return new RunningCounts(changelog, caches, builders(), builders());
  }

  add(cursor: RecordCursor, partition: number): void {
    const cache = this.caches[partition]!;
    const entry = cache.get(cursor.keyText());
    const count = (entry.value ?? 0) + 1;
    cache.put(entry, count, Math.max(cursor.timestamp, entry.timestamp));
    this.outputs[partition]!.append(cursor, this.json.encode(count));
  }

  effects(): Effects {
    const stores = this.caches.map((cache, partition) =>
      cache.take((key, value, timestamp) => this.changelogs[partition]!.appendText(timestamp, key, value)),
    );
    const appends = this.outputs.flatMap((output, partition) => [
      { topic: OUT, partition, batches: output.take() },
      { topic: this.changelog, partition, batches: this.changelogs[partition]!.take() },
    ]);
    return { appends, stores };
  }

  async close(): Promise<void> {
    await Promise.all(this.caches.map(cache => cache.close()));
  }
}
