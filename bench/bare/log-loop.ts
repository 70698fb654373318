import { join } from 'node:path';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import type { Append, Broker, FetchRequest, TaskWriter } from '../../src/runtime/ports.ts';

const COMMIT_INTERVAL_MS = 100;
const FETCH_BYTES = 512 * 1024;

/** What a loop wants written: to the log in one commit, then to its stores. */
export interface Effects {
  readonly appends: readonly Append[];
  readonly stores: readonly (() => Promise<void>)[];
}

export const together = (...effects: readonly Effects[]): Effects => ({
  appends: effects.flatMap(({ appends }) => appends),
  stores: effects.flatMap(({ stores }) => stores),
});

/** A topic that a loop reads, and what it does with a batch of it. */
export interface Input {
  readonly topic: string;
  process(batch: Buffer, partition: number): void;
}

/** Where a bare loop works: the engine's folder, its log, one writer. */
export class LogLoop {
  private readonly positions = new Map<string, number>();
  private writing: Promise<void> | undefined;
  private open = false;
  private openedAt = 0;

  private constructor(
    readonly folder: string,
    readonly partitions: number,
    private readonly broker: Broker,
    private readonly writer: TaskWriter,
  ) {}

  static async start(folder: string, partitions: number): Promise<LogLoop> {
    const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
    const nothing = async () => {};
    const membership = await broker.join('bare', [{ id: 'bare', inputs: [] }], {
      assigned: nothing,
      revoked: nothing,
      lost: nothing,
    });
    return new LogLoop(folder, partitions, broker, await membership.open('bare'));
  }

  /** Before it is written to or read. */
  create(topic: string): Promise<void> {
    return this.broker.createTopics([{ name: topic, partitions: this.partitions, config: {} }]);
  }

  /** One value for each partition. */
  each<T>(make: (partition: number) => T): T[] {
    return Array.from({ length: this.partitions }, (_, partition) => make(partition));
  }

  /** Reads the inputs to their ends, what it writes to them meanwhile included; a commit every 100 ms, the next epoch beside it. */
  async run(inputs: readonly Input[], effects: () => Effects): Promise<void> {
    const reader = this.broker.reader();
    for (;;) {
      const requests = inputs.flatMap(({ topic }) => this.each(partition => this.request(topic, partition)));
      const answers = await reader.fetch(requests, 0);
      let batches = 0;
      answers.forEach(({ topic, partition, batches: fetched, nextOffset }, index) => {
        const input = inputs[Math.floor(index / this.partitions)]!;
        for (const batch of fetched) {
          if (!this.open) this.openedAt = Date.now();
          this.open = true;
          input.process(batch, partition);
          batches++;
        }
        this.positions.set(`${topic}/${partition}`, nextOffset);
      });
      const isDue = Date.now() - this.openedAt >= COMMIT_INTERVAL_MS;
      if (this.open && this.writing === undefined && (isDue || batches === 0)) this.commit(inputs, effects());
      else if (batches === 0 && this.writing === undefined) break;
      if (batches === 0) await this.writing;
    }
    await reader.close();
  }

  close(): Promise<void> {
    return this.broker.close();
  }

  private request(topic: string, partition: number): FetchRequest {
    return { topic, partition, offset: this.positions.get(`${topic}/${partition}`) ?? 0, maxBytes: FETCH_BYTES };
  }

  private commit(inputs: readonly Input[], { appends, stores }: Effects): void {
    this.open = false;
    const offsets = inputs.flatMap(({ topic }) =>
      this.each(partition => ({
        topic,
        partition,
        offset: this.positions.get(`${topic}/${partition}`)!,
        metadata: '',
      })),
    );
    this.writing = this.write({ appends: appends.filter(({ batches }) => batches.length > 0), offsets }, stores);
  }

  private async write(commit: Parameters<TaskWriter['commit']>[0], stores: Effects['stores']): Promise<void> {
    const { kind } = await this.writer.commit(commit);
    if (kind !== 'committed') throw new Error(`the commit was ${kind}`);
    await Promise.all(stores.map(store => store()));
    this.writing = undefined;
  }
}
