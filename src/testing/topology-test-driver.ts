import { setImmediate } from 'node:timers/promises';
import { MemoryDisk } from '../adapters/embedded/memory-disk.ts';
import { openEmbeddedBroker } from '../adapters/embedded/embedded-broker.ts';
import { memoryState } from '../adapters/level/level-state.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { errorPolicy } from '../dsl/on-error.ts';
import type { OnError } from '../dsl/on-error.ts';
import { TopologyError } from '../errors.ts';
import type { Topology } from '../graph/topology.ts';
import type { Application } from '../runtime/application.ts';
import type { DropPolicy } from '../runtime/counters.ts';
import type { Figures } from '../runtime/figures.ts';
import type { Log } from '../runtime/ports.ts';
import type { ReadOnlyStore } from '../runtime/read-only-store.ts';
import { start } from '../runtime/start.ts';
import type { Settings, World } from '../runtime/start.ts';
import { Feed, unknownTopic } from './feed.ts';
import type { InputRecord } from './feed.ts';
import { ManualClock } from './manual-clock.ts';
import { readPartition, slotOf } from './topic-records.ts';
import type { OutputRecord } from './topic-records.ts';

export interface DriverOptions {
  /** Of topics whose count the topology leaves open. Default 1. */
  readonly partitions?: number;
  readonly onError?: OnError;
  /** As of a run, but false by default: a test may feed as much as it likes that fails. */
  readonly deadLetterLimit?: boolean;
  readonly onDrop?: DropPolicy;
  readonly log?: Log;
  /** How long the operators of a `pipe` may take to complete at a commit, by the driver's clock. Default 10 s. */
  readonly pipeDeadlineMs?: number;
  /** What the clock shows at the start, ms since 1970. Default 0. */
  readonly now?: number;
  /** Records that lie in the source topics before the first start. */
  readonly before?: readonly InputRecord[];
}

const MEMORY_BYTES = 256 * 1024 * 1024;
const LARGEST = 2 ** 31 - 1;
/** Of the machine's time: how long nothing happens before the clock is to blame, and how often that is looked at. */
const STILL_MS = 1000;
const LOOK_MS = 100;
const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * Runs a topology for a test: the real tasks on the real embedded broker, whose disk is in memory. What a call feeds is processed
 * and committed before it returns.
 *
 * ```ts
 * const driver = await TopologyTestDriver.start(claimsEnriched);
 * await driver.pipe({ topic: 'claims', key: 'C-1', value: claim });
 * expect(await driver.read('claims.enriched')).toMatchObject([{ key: 'P-1' }]);
 * await driver.close();
 * ```
 */
export class TopologyTestDriver {
  readonly #topology: Topology;
  readonly #world: World;
  readonly #clock: ManualClock;
  readonly #settings: Settings;
  readonly #feed: Feed;
  #application: Application;
  readonly #partitions = new Map<string, number>();
  /** Where `read` goes on, by topic and partition. */
  readonly #positions = new Map<string, number>();

  private constructor(
    topology: Topology,
    world: World & { readonly clock: ManualClock },
    settings: Settings,
    feed: Feed,
    application: Application,
  ) {
    this.#topology = topology;
    this.#world = world;
    this.#clock = world.clock;
    this.#settings = settings;
    this.#feed = feed;
    this.#application = application;
  }

  /** @throws TopologyError when the topology cannot run */
  static async start(topology: Topology, options: DriverOptions = {}): Promise<TopologyTestDriver> {
    const { log = silent, partitions = 1, deadLetterLimit = false, onDrop = 'count', before = [] } = options;
    const { name } = topology;
    const onError =
      options.onError === undefined ? undefined : errorPolicy('the driver', options.onError, { topology: name });
    const broker = await openEmbeddedBroker({ disk: new MemoryDisk(), log, owner: name });
    const world = { broker, state: memoryState(), clock: new ManualClock(options.now), log };
    const settings = {
      partitions,
      ...(onError && { onError }),
      deadLetterLimit,
      onDrop,
      commitIntervalMs: LARGEST,
      maxEpochRecords: LARGEST,
      memoryBytes: MEMORY_BYTES,
      ...(options.pipeDeadlineMs !== undefined && { pipeDeadlineMs: options.pipeDeadlineMs }),
    };
    const feed = await Feed.open(topology, broker, partitions);
    if (before.length > 0) await feed.write(before);
    const application = await start(topology, world, settings).catch(async (error: unknown) => {
      await broker.close();
      throw error;
    });
    const driver = new TopologyTestDriver(topology, world, settings, feed, application);
    for (const topic of await broker.topics()) driver.#partitions.set(topic.name, topic.partitions);
    return driver;
  }

  /** Feeds one record, and waits until everything it led to is committed, calls of `mapAsync` included. */
  async pipe(record: InputRecord): Promise<void> {
    await this.pipeAll([record]);
  }

  /** Feeds all records at once: where a task reads several topics, it takes them by timestamp (rule G2). */
  async pipeAll(records: readonly InputRecord[]): Promise<void> {
    await this.send(...records);
    await this.idle();
  }

  /** Feeds records without waiting for what they lead to: where that takes an `advance` of the clock, or a `crash`. */
  async send(...records: readonly InputRecord[]): Promise<void> {
    await this.#feed.write(records);
  }

  /**
   * Waits until everything that was fed is processed and committed.
   * @throws TopologyError `TOPO_CLOCK_STILL` where that takes an `advance` of the clock, as `pipe` does
   */
  async idle(): Promise<void> {
    await this.#unlessStill(this.#application.idle());
  }

  /**
   * Moves the clock, which otherwise stands still; waits until every task has done what that made due. Event time goes on with
   * the records' timestamps, not with the clock.
   */
  async advance(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    await this.#application.turn();
  }

  /** The process dies: what was not committed is gone. Feed what you like, then `restart`. */
  async crash(): Promise<void> {
    await this.#application.crash();
  }

  /** Starts the topology again, after a `crash` or else after a stop that commits: it goes on from its topics and its state. */
  async restart(): Promise<void> {
    await this.#stop();
    this.#application = await start(this.#topology, this.#world, this.#settings);
  }

  /** The records of a topic that were not read before: by partition, then offset. Dead letters have bytes. */
  async read<K = unknown, V = unknown>(topic: string): Promise<OutputRecord<K, V>[]> {
    const partitions = this.#partitions.get(topic);
    if (partitions === undefined) throw unknownTopic(this.#topology, topic, [...this.#partitions.keys()]);
    const slot = slotOf(this.#topology, topic);
    const all: OutputRecord[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const id = `${topic}-${partition}`;
      const from = this.#positions.get(id) ?? 0;
      const { records, next } = await readPartition(this.#world.broker, { topic, partition, from }, slot);
      all.push(...records);
      this.#positions.set(id, next);
    }
    return all as OutputRecord<K, V>[];
  }

  /** @throws TopologyError when the topology has no store of that name */
  store<K = unknown, V = unknown>(name: string): ReadOnlyStore<K, V> {
    return this.#application.store<K, V>(name);
  }

  figures(): Figures {
    return this.#application.figures();
  }

  /** `await using driver = …` closes it, also where the test fails. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Stops the topology; the clock goes on where that waits for it. @throws what ended it, if something did */
  async close(): Promise<void> {
    try {
      await this.#stop();
    } finally {
      await this.#feed.close();
      await this.#world.broker.close();
    }
  }

  /** A `pipe` that a stop drains may wait for the clock: then that goes on, as any clock would. */
  async #stop(): Promise<void> {
    let isOver = false;
    const stopped = this.#application.stop().finally(() => (isOver = true));
    stopped.catch(() => {});
    while (!isOver) if (!this.#application.isDraining || !(await this.#clock.skip())) await setImmediate();
    await stopped;
  }

  /**
   * What a call or an operator waits for on the outside cannot be seen from here, so that nothing may have happened for a while
   * before the clock is to blame.
   */
  async #unlessStill(awaited: Promise<void>): Promise<void> {
    const settled = new AbortController();
    const settle = () => settled.abort();
    awaited.then(settle, settle);
    let seen = '';
    for (let quietMs = 0; quietMs < STILL_MS; quietMs += LOOK_MS) {
      await systemClock.sleep(LOOK_MS, settled.signal);
      if (settled.signal.aborted) return awaited;
      const now = JSON.stringify([this.#clock.changes, this.#application.figures()]);
      if (now !== seen || this.#clock.nextInMs === null) quietMs = 0;
      seen = now;
    }
    throw stillness(this.#topology, this.#clock);
  }
}

const stillness = ({ name }: Topology, { nextInMs }: ManualClock): TopologyError =>
  new TopologyError(
    'TOPO_CLOCK_STILL',
    `'${name}' waits for the driver's clock, which stands still: in ${nextInMs} ms something is due, such as a timer of a pipe's ` +
      `operators or another attempt of a record or call. Feed with send(…), move the clock with advance(…), then wait with idle().`,
    { topology: name },
  );
