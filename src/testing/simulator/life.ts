import { openEmbeddedBroker } from '../../adapters/embedded/embedded-broker.ts';
import { FatalError, TopologyError } from '../../errors.ts';
import type { Application } from '../../runtime/application.ts';
import type { Topology } from '../../graph/topology.ts';
import type { Broker, Log } from '../../runtime/ports.ts';
import { start } from '../../runtime/start.ts';
import type { Settings } from '../../runtime/start.ts';
import { Feed } from '../feed.ts';
import type { InputRecord } from '../feed.ts';
import { DiskFaults } from './disk-faults.ts';
import { CALM } from './fate.ts';
import type { Fate } from './fate.ts';
import type { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import type { SimulatedTime, Turns } from './scheduler.ts';
import { Acknowledged, simulatedBroker } from './simulated-broker.ts';
import type { Writers } from './simulated-broker.ts';
import { SimulatedDisk, lastSegment } from './simulated-disk.ts';
import type { Storage } from './simulated-disk.ts';
import { SimulatedState } from './simulated-state.ts';
import type { StateImage } from './simulated-state.ts';
import type { SimulationOptions } from './simulation.ts';
import type { Trace } from './trace.ts';

/** What outlives a process. */
export interface Machine {
  readonly disk: Storage;
  readonly state: StateImage;
  readonly acknowledged: Acknowledged;
  /** Its last process stopped in order. */
  readonly isClean: boolean;
}

/** What all lives of a simulation have in common. */
export interface World extends SimulationOptions {
  /** What is fed at once, in order. */
  readonly chunks: readonly (readonly InputRecord[])[];
  /** How many of them lie there before the first start. */
  readonly before: number;
  readonly offsetGap: number;
  readonly time: SimulatedTime;
  readonly trace: Trace;
  readonly writers: Writers;
}

const DROPPED_TAIL = 'dropped an unfinished commit at the end of the log';
const LARGEST = 2 ** 31 - 1;

/** One process: it opens the broker, feeds what is not fed yet, runs the application until all is done, and stops in order. */
export class Life {
  readonly warnings: string[] = [];
  /** The rows of all stores that can be read, when all was done in a life that nothing disturbed. */
  readonly stores = new Map<string, (readonly [unknown, unknown])[]>();
  readonly #scheduler: Scheduler;
  readonly #faults: DiskFaults;
  readonly #disk: SimulatedDisk;
  readonly #state: SimulatedState;
  readonly #backup: Machine | undefined;
  readonly #settings: Settings;
  #isStarted = false;

  constructor(
    private readonly world: World,
    private readonly machine: Machine,
    private readonly fate: Fate,
    private readonly random: Random,
  ) {
    this.#scheduler = new Scheduler(world.time, random.fork(), world.trace);
    this.#faults = new DiskFaults(fate.fault, fate.faultAt, random.fork());
    this.#disk = new SimulatedDisk(machine.disk, this.#scheduler, this.#faults, random.fork());
    this.#state = new SimulatedState(machine.state, this.#scheduler, this.#faults);
    const { acknowledged, disk } = machine;
    if (this.#faults.flipsBits) this.#backup = { ...machine, acknowledged: acknowledged.copy(), disk: disk.copy() };
    this.#settings = { ...drawSettings(random), partitions: world.partitions, ...world.settings };
  }

  /** What it leaves. @throws Error for what nothing that happened to it explains */
  async run(): Promise<Machine> {
    const { fate, machine, random, world } = this;
    world.listener?.begun();
    const isDoomed = () => fate.diesOfFault && !this.#faults.flipsBits && this.#faults.isHit;
    const end = await this.#scheduler.drive(this.#main(), { ...fate, isDoomed });
    world.trace.add(end.kind === 'threw' ? `threw ${String(end.error)}` : end.kind);
    if (end.kind === 'threw' && !this.#isExplained(end.error)) throw end.error;
    const [spared] = this.#state.wronglySetAside;
    if (spared !== undefined) throw new Error(`the state of ${spared} was set aside, and nothing was wrong with it`);
    const [used] = this.#state.flawed;
    if (end.kind === 'returned' && used !== undefined)
      throw new Error(`the state of ${used} lacks writes or is damaged, and was used`);
    if (this.#faults.flipsBits) {
      if (this.#isTailLost && machine.isClean)
        throw new Error('the log had been closed in order, and lost its end unnoticed');
      // what refuses damaged bits has the whole folder brought back from a backup; also where it had not come to refusing
      if (end.kind === 'threw' || !this.#isStarted) {
        world.listener?.undone();
        return this.#backup!;
      }
    }
    const { disk, acknowledged } = this.machine;
    const isPowerCut = end.kind !== 'returned' && fate.isPowerCut;
    if (!isPowerCut) disk.settle(random);
    return {
      disk: isPowerCut ? disk.afterPowerCut(random) : disk,
      state: isPowerCut ? this.#state.afterPowerCut(random) : this.#state.image(random),
      acknowledged: this.#isTailLost ? new Acknowledged() : acknowledged,
      isClean: end.kind === 'returned',
    };
  }

  get metFault(): boolean {
    return this.#faults.isHit;
  }

  /** Whether flipped bits made the last commit look like one that never was. */
  get #isTailLost(): boolean {
    return this.#faults.flipsBits && this.warnings.includes(DROPPED_TAIL);
  }

  #isExplained(error: unknown): boolean {
    if (!(error instanceof FatalError) || !this.#faults.isHit) return false;
    if (this.#faults.flipsBits) return error.code === 'TOPO_LOG_DAMAGED' || error.code === 'TOPO_FOLDER_UNUSABLE';
    return error.code === 'TOPO_DISK';
  }

  async #main(): Promise<void> {
    const { random, world } = this;
    const broker = await this.#openBroker();
    try {
      if (this.#faults.flipsBits) this.#checkRot();
      else {
        const missing = await this.machine.acknowledged.missingIn(broker);
        if (missing !== undefined) throw new Error(`what was acknowledged is lost: ${missing}`);
      }
      const feed = await Feed.open(world.topology, broker, world.partitions);
      await this.#feed(feed, world.before);
      const times = random.chance(0.2) ? 2 : 1;
      for (let time = 0; time < times; time++) await this.#runApplication(broker, feed);
      await feed.close();
    } catch (error) {
      await broker.close().catch(() => {});
      throw error;
    }
    await broker.close();
  }

  /** The last segment is read byte by byte. */
  #checkRot(): void {
    const { rotten } = this.#disk;
    const isLast = rotten !== undefined && rotten === lastSegment(this.machine.disk);
    if (isLast && this.#faults.isHit && this.warnings.length === 0)
      throw new Error(`a flipped bit in ${rotten} was read, and not noticed`);
  }

  async #runApplication(broker: Broker, feed: Feed): Promise<void> {
    const { world, random } = this;
    const clock = this.#scheduler;
    const application = await start(
      withSlowCalls(world.topology, clock),
      { broker, state: this.#state, clock, log: this.#log },
      this.#settings,
    );
    this.#isStarted = true;
    const { stopsAfterMs } = this.fate;
    try {
      const left = world.chunks.length - feed.writes;
      const fed = this.#feed(feed, feed.writes + (this.fate === CALM ? left : random.below(left + 1)));
      fed.catch(() => {});
      await Promise.race([fed, application.done]);
      if (stopsAfterMs === null) await application.idle();
      if (this.fate === CALM) await this.#readStores(application);
      await clock.sleep(stopsAfterMs ?? random.below(300));
    } catch (error) {
      await application.crash().catch(() => {});
      throw error;
    }
    await application.stop();
  }

  async #readStores(application: Application): Promise<void> {
    for (const node of this.world.topology.nodes)
      for (const name of node.kind === 'processor' ? node.stores.map(store => store.name) : [])
        try {
          const rows: (readonly [unknown, unknown])[] = [];
          for await (const row of application.store(name).entries()) rows.push(row);
          this.stores.set(name, rows);
        } catch (error) {
          // only its step reads it
          if (!(error instanceof TopologyError)) throw error;
        }
  }

  /** Feeds chunks until so many lie there, now and then one. */
  async #feed(feed: Feed, count: number): Promise<void> {
    const { world, random } = this;
    const isLive = this.#isStarted;
    while (feed.writes < count) {
      if (isLive && random.chance(0.5)) await this.#scheduler.sleep(random.below(200));
      await feed.write(world.chunks[feed.writes]!);
    }
  }

  async #openBroker(): Promise<Broker> {
    const { random, world } = this;
    const broker = await openEmbeddedBroker({
      disk: this.#disk,
      log: this.#log,
      owner: 'simulation',
      clock: this.#scheduler,
      newId: () => `id-${random.below(LARGEST)}`,
      segmentBytes: random.oneOf([2_000, 20_000, LARGEST]),
      recentBytes: random.oneOf([0, 10_000, LARGEST]),
      offsetGap: world.offsetGap,
    });
    return simulatedBroker(broker, this.#scheduler, random.fork(), {
      acknowledged: this.machine.acknowledged,
      writers: world.writers,
      listener: world.listener,
    });
  }

  get #log(): Log {
    const note = (fields: Readonly<Record<string, unknown>>, message: string) => {
      this.warnings.push(message);
      this.world.trace.add(`warns: ${message} ${JSON.stringify(fields)}`);
    };
    return { info: () => {}, warn: note, error: note };
  }
}

/** Little or much at a time: epochs of a record or of all there is, caches that hold a few entries or everything. */
const drawSettings = (random: Random): Omit<Settings, 'partitions'> => ({
  onDrop: 'count',
  deadLetterLimit: false,
  commitIntervalMs: random.oneOf([0, 1, 20, 1000]),
  maxEpochRecords: random.oneOf([1, 3, 20, 100_000]),
  memoryBytes: random.oneOf([20_000, 200_000, 64 * 1024 * 1024]),
});

/** Calls of `mapAsync` take their time. */
function withSlowCalls(topology: Topology, turns: Turns): Topology {
  const functions = { ...topology.functions };
  for (const node of topology.nodes) {
    if (node.kind !== 'processor' || node.processor !== 'mapAsync') continue;
    const slots = topology.functions[node.id]!;
    const fn = slots['fn'] as (value: unknown, call: unknown) => unknown;
    const slow = async (value: unknown, call: unknown) => {
      await turns.turn(`call ${node.id}`, () => {});
      return fn(value, call);
    };
    functions[node.id] = { ...slots, fn: slow };
  }
  return { ...topology, functions };
}
