import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import type { Disk } from '../../src/adapters/embedded/disk.ts';
import { MemoryDisk } from '../../src/adapters/embedded/memory-disk.ts';
import { memoryState } from '../../src/adapters/level/level-state.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import type { Topology } from '../../src/index.ts';
import type { Application } from '../../src/runtime/application.ts';
import type { Broker, Clock, Fetched, Log, Reader, StateBackend } from '../../src/runtime/ports.ts';
import { start } from '../../src/runtime/start.ts';
import type { Settings } from '../../src/runtime/start.ts';
import { readTopic, writeTopic } from '../topic-records.ts';
import type { NewRecord, TopicRecord } from '../topic-records.ts';

const SETTINGS: Settings = {
  partitions: 1,
  deadLetterLimit: false,
  onDrop: 'count',
  commitIntervalMs: 100,
  maxEpochRecords: 100_000,
  memoryBytes: 64 * 1024 * 1024,
};

/** A broker on a disk in memory, and what runs on it. Ends with the test that uses it. */
export class TestWorld implements AsyncDisposable {
  /** Warnings of all starts. */
  readonly warnings: string[] = [];
  readonly log: Log = { info: () => {}, warn: (_, message) => this.warnings.push(message), error: () => {} };
  /** Of what is started here: the broker keeps the machine's. */
  clock: Clock = systemClock;
  /** Waited for after each fetch of what runs here: what a slow disk or network does. */
  afterFetch: () => Promise<void> | void = () => {};
  /** What comes of an answer on its way to what runs here: what a hostile or broken broker does. */
  changeFetched: (fetched: Fetched) => Fetched = fetched => fetched;
  /** Of what runs here. */
  openReaders = 0;
  readonly #applications: Application[] = [];

  private constructor(
    readonly broker: Broker,
    readonly state: StateBackend,
    private readonly disk: Disk,
  ) {}

  static async open({
    state = memoryState(),
    disk = new MemoryDisk(),
  }: { readonly state?: StateBackend; readonly disk?: Disk } = {}): Promise<TestWorld> {
    return new TestWorld(await openEmbeddedBroker({ disk, owner: 'test' }), state, disk);
  }

  /** What another process finds where this one is lost now: the disk as it is; the state is lost with it. */
  async afterLoss(): Promise<TestWorld> {
    if (!(this.disk instanceof MemoryDisk)) throw new Error('only a disk in memory can be copied at one moment');
    const files = [...this.disk.files].map(([name, { bytes }]) => [name, Buffer.from(bytes)] as const);
    const disk = new MemoryDisk();
    for (const [name, bytes] of files) await (await disk.open(name, 'create')).write(0, [bytes]);
    return TestWorld.open({ disk });
  }

  async topic(name: string, partitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.broker.createTopics([{ name, partitions, config }]);
  }

  async start(topology: Topology, settings: Partial<Settings> = {}): Promise<Application> {
    const world = { broker: this.#between(), state: this.state, clock: this.clock, log: this.log };
    const application = await start(topology, world, { ...SETTINGS, ...settings });
    this.#applications.push(application);
    return application;
  }

  /** Ends what runs as a crash would; another start goes on from what was committed. */
  async crash(): Promise<void> {
    for (const application of this.#applications) await application.crash().catch(() => {});
  }

  /** Runs a topology until all there is to read is processed, and stops it. */
  async runToIdle(topology: Topology, settings?: Partial<Settings>): Promise<void> {
    const application = await this.start(topology, settings);
    await application.idle();
    await application.stop();
  }

  write(topic: string, ...records: readonly NewRecord[]): Promise<void> {
    return writeTopic(this.broker, topic, records);
  }

  read(topic: string): Promise<TopicRecord[]> {
    return readTopic(this.broker, topic);
  }

  #between(): Broker {
    const { broker } = this;
    const watched = (reader: Reader): Reader => ({
      fetch: async (requests, maxWaitMs) => {
        const fetched = await reader.fetch(requests, maxWaitMs);
        await this.afterFetch();
        return fetched.map(one => this.changeFetched(one));
      },
      close: () => {
        this.openReaders--;
        return reader.close();
      },
    });
    return {
      clusterId: broker.clusterId,
      topics: () => broker.topics(),
      offsets: partitions => broker.offsets(partitions),
      reader: () => {
        this.openReaders++;
        return watched(broker.reader());
      },
      groupOffsets: group => broker.groupOffsets(group),
      sizes: partitions => broker.sizes(partitions),
      offsetsAt: (partitions, timestampMs) => broker.offsetsAt(partitions, timestampMs),
      createTopics: topics => broker.createTopics(topics),
      deleteTopics: names => broker.deleteTopics(names),
      configureTopic: (name, config) => broker.configureTopic(name, config),
      deleteRecords: before => broker.deleteRecords(before),
      join: (group, tasks, listener) => broker.join(group, tasks, listener),
      close: () => broker.close(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const application of this.#applications) await application.stop().catch(() => {});
    await this.broker.close();
  }
}

/** `key=value@timestamp`, as `brief` writes a driver's records. */
export const short = (records: readonly TopicRecord[]): string[] =>
  records.map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`);

/** A record from `key=value@timestamp`; `null` is a tombstone. */
export function record(text: string): NewRecord {
  const [, key, value, timestamp] = /^(.*?)=(.*)@(\d+)$/.exec(text)!;
  return { key: key!, value: value === 'null' ? null : value!, timestamp: Number(timestamp) };
}
