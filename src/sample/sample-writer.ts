import { BatchWriter } from '../records/batch-writer.ts';
import type { Append, Broker, Clock, Commit, Membership, TaskWriter } from '../runtime/ports.ts';
import { CLAIMS_TOPIC, insuranceFeed, POLICIES_TOPIC } from './insurance-feed.ts';
import type { FeedOptions, InsuranceFeed } from './insurance-feed.ts';
import { markAmong, markCommit, SAMPLE_GROUP } from './sample-mark.ts';

/** `lost`: another process has taken the feed over. */
export type WriteResult = 'written' | 'finished' | 'lost';

const TASK = 'insurance';
const RECORDS_PER_COMMIT = 5_000;
/** Under Kafka's default `max.message.bytes` of 1,048,588; a reader gets at least one whole batch. */
const MAX_BATCH_BYTES = 1_000_000;
const TARGET_BATCH_BYTES = 256 * 1024;
/** Passing a record costs 2 µs: so long is one slice of work between two turns of the event loop. */
const RECORDS_PER_SKIP = 20_000;
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 50;

/** Writes a feed to its topics, each commit with the mark of how far it has got: no record comes twice or is lost. */
export class SampleWriter {
  readonly #membership: Membership;
  readonly #options: FeedOptions;
  readonly #clock: Clock;
  readonly #outputs: ReadonlyMap<string, readonly BatchWriter[]>;
  #writer: TaskWriter;
  #feed: InsuranceFeed;

  private constructor(membership: Membership, options: FeedOptions, clock: Clock, writer: TaskWriter) {
    this.#membership = membership;
    this.#options = options;
    this.#clock = clock;
    this.#writer = writer;
    this.#feed = insuranceFeed(options);
    this.#outputs = new Map([POLICIES_TOPIC, CLAIMS_TOPIC].map(topic => [topic, writers(options.partitions)]));
  }

  /** Goes on where the last commit ended. The topics must exist. */
  static async open(broker: Broker, options: FeedOptions, clock: Clock): Promise<SampleWriter> {
    let assigned = (): void => {};
    const ready = new Promise<void>(resolve => (assigned = resolve));
    const nothing = async (): Promise<void> => {};
    const membership = await broker.join(
      SAMPLE_GROUP,
      [{ id: TASK, inputs: [{ topic: POLICIES_TOPIC, partition: 0 }] }],
      // that the task went elsewhere shows at the next commit
      { assigned: async () => assigned(), revoked: nothing, lost: nothing },
    );
    try {
      await ready;
      const writer = new SampleWriter(membership, options, clock, await membership.open(TASK));
      await writer.#goTo();
      return writer;
    } catch (error) {
      await membership.leave();
      throw error;
    }
  }

  /** Records of the feed that are written. */
  get records(): number {
    return this.#feed.position;
  }

  get snapshotWritten(): boolean {
    return this.#feed.position >= this.#feed.snapshotRecords;
  }

  /** The feed's simulated time in ms. */
  get clockMs(): number {
    return this.#feed.clockMs;
  }

  /** Writes one commit. To be called again only when it has settled. @throws FatalError */
  async write(): Promise<WriteResult> {
    for (let attempt = 1; ; attempt++) {
      const finished = this.#fill();
      const outcome = await this.#writer.commit(this.#commit(finished));
      if (outcome.kind === 'committed') return finished ? 'finished' : 'written';
      if (attempt === ATTEMPTS && outcome.kind === 'unsettled') throw outcome.cause;
      if (attempt === ATTEMPTS) return 'lost';
      const settled = await this.#settle(attempt);
      if (settled !== undefined) return settled;
    }
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#membership.leave();
  }

  /** Fills the outputs with the next records; true when the feed has ended. No commit holds both snapshot and changes. */
  #fill(): boolean {
    const { position, snapshotRecords } = this.#feed;
    const most = position + RECORDS_PER_COMMIT;
    const end = position < snapshotRecords ? Math.min(most, snapshotRecords) : most;
    while (this.#feed.position < end) {
      const record = this.#feed.next();
      if (record === undefined) return true;
      const output = this.#outputs.get(record.topic)![record.partition]!;
      output.append(record.timestamp, record.key, record.value, record.headers);
    }
    return false;
  }

  #commit(finished: boolean): Commit {
    const appends: Append[] = [];
    for (const [topic, outputs] of this.#outputs) {
      outputs.forEach((output, partition) => {
        if (output.total > 0) appends.push({ topic, partition, batches: output.finish() });
      });
    }
    return { appends, offsets: [markCommit(this.#options, this.#feed.position, finished)] };
  }

  /** After a commit of which nobody knows whether it happened: asks the broker. Undefined when it did not. */
  async #settle(attempt: number): Promise<WriteResult | undefined> {
    await this.#writer.close();
    await this.#clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    if (!(await this.#membership.holds(TASK))) return 'lost';
    this.#writer = await this.#membership.open(TASK);
    const mark = markAmong(this.#writer.committed);
    if (mark?.finished === true) return 'finished';
    if (mark?.records === this.#feed.position) return 'written';
    this.#feed = insuranceFeed(this.#options);
    await this.#goTo();
    return undefined;
  }

  /** Moves a fresh feed to where the last commit ended. */
  async #goTo(): Promise<void> {
    const records = markAmong(this.#writer.committed)?.records ?? 0;
    while (this.#feed.position < records) {
      this.#feed.skipTo(Math.min(records, this.#feed.position + RECORDS_PER_SKIP));
      await this.#clock.yield();
    }
  }
}

const writers = (partitions: number): BatchWriter[] =>
  Array.from({ length: partitions }, () => new BatchWriter(MAX_BATCH_BYTES, TARGET_BATCH_BYTES));
