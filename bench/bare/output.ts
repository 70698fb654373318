import { partitionOf } from '../../src/records/murmur2.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { Effects, LogLoop } from './log-loop.ts';

/** A topic that a loop writes to. */
export class Output {
  private constructor(
    private readonly topic: string,
    readonly partitions: readonly BatchBuilder[],
  ) {}

  /** Creates the topic. */
  static async open(loop: LogLoop, topic: string): Promise<Output> {
    await loop.create(topic);
    return new Output(
      topic,
      loop.each(() => new BatchBuilder()),
    );
  }

  /** To the partition of the key, a text of ASCII characters. */
  send(timestamp: number, key: string, value: Uint8Array): void {
    const partition = partitionOf(Buffer.from(key, 'latin1'), this.partitions.length);
    this.partitions[partition]!.appendText(timestamp, key, value);
  }

  effects(): Effects {
    const appends = this.partitions.map((builder, partition) => ({
      topic: this.topic,
      partition,
      batches: builder.take(),
    }));
    return { appends, stores: [] };
  }
}
