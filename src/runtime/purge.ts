import type { Broker, Clock, Log } from './ports.ts';
import type { Task } from './task.ts';

/** Kafka Streams' `repartition.purge.interval.ms`. */
const INTERVAL_MS = 30_000;

/**
 * Deletes what tasks have read of repartition topics and committed: nobody else reads those, and they would grow for ever. What a
 * crash repeats lies behind the committed offsets.
 */
export class Purge {
  readonly #tasks: readonly Task[];
  readonly #broker: Pick<Broker, 'deleteRecords'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Log;
  #lastMs: number;
  #running: Promise<void> | undefined;

  constructor(
    tasks: readonly Task[],
    { broker, clock, log }: { readonly broker: Broker; readonly clock: Clock; readonly log: Log },
  ) {
    this.#tasks = tasks;
    this.#broker = broker;
    this.#clock = clock;
    this.#log = log;
    this.#lastMs = clock.now();
  }

  /** To be called now and then: deletes when the last time is long enough ago. */
  look(): void {
    if (this.#running !== undefined || this.#clock.now() - this.#lastMs < INTERVAL_MS) return;
    this.#running = this.purge().finally(() => (this.#running = undefined));
  }

  /** Deletes what there is now. A failure is only told: it can be done later. */
  async purge(): Promise<void> {
    this.#lastMs = this.#clock.now();
    const before = this.#tasks.flatMap(task =>
      task.inputs
        .filter(({ input }) => input.node.kind !== 'source')
        .map(input => ({ topic: input.topic, partition: input.partition, offset: task.committedOffset(input) })),
    );
    if (before.length === 0) return;
    await this.#broker.deleteRecords(before).catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'what was read of the repartition topics could not be deleted');
    });
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#running;
  }
}
