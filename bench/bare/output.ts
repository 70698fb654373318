import { partitionOf } from '../../src/records/murmur2.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { Effects, LogLoop } from './log-loop.ts';

/** A topic that a loop writes to. */
export class Output {
  /** By partition. */
  readonly partitions: readonly BatchBuilder[];

  constructor(
    loop: LogLoop,
    private readonly topic: string,
  ) {
    this.partitions = loop.each(() => new BatchBuilder());
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
