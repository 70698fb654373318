import { join } from 'node:path';
import type { Observable } from 'rxjs';
import { nodeDisk } from './adapters/embedded/node-disk.ts';
import { openEmbeddedBroker } from './adapters/embedded/embedded-broker.ts';
import { openLocalServer } from './adapters/embedded/local-server.ts';
import { folderBytes } from './adapters/folder-bytes.ts';
import { levelState } from './adapters/level/level-state.ts';
import { defaultMemory, heapLimitBytes } from './adapters/machine-memory.ts';
import { systemClock } from './adapters/system-clock.ts';
import { errorPolicy } from './dsl/on-error.ts';
import type { OnError } from './dsl/on-error.ts';
import { TopologyError } from './errors.ts';
import type { Topology } from './graph/topology.ts';
import { isRead } from './graph/edges.ts';
import { validate } from './graph/validate.ts';
import type { Application, DeadLetterEvent } from './runtime/application.ts';
import type { DropPolicy } from './runtime/counters.ts';
import type { ErrorAction } from './graph/error-policy.ts';
import type { Figures } from './runtime/figures.ts';
import type { PartitionLag } from './runtime/lag.ts';
import type { Live, LiveOptions } from './runtime/live-log.ts';
import type { LiveRecord, StoreChange } from './runtime/live-topic.ts';
import { leastBudget, processShares, sharesAmong } from './runtime/memory.ts';
import type { Log } from './runtime/ports.ts';
import type { ReadOnlyStore } from './runtime/read-only-store.ts';
import { start } from './runtime/start.ts';
import type { World } from './runtime/start.ts';
import { planTopics } from './runtime/topics.ts';
import { CLAIMS_TOPIC, POLICIES_TOPIC } from './sample/insurance-feed.ts';
import { prepareSample } from './sample/player.ts';
import type { Sample } from './sample/player.ts';
import type { SampleOptions } from './sample/sample-options.ts';

export interface RunOptions {
  /** The embedded broker's folder: its log and the tasks' state. Default `.topo`. */
  readonly data?: string;
  /** Partitions of topics that are created and whose count nothing else tells. Default 4. */
  readonly partitions?: number;
  /** What happens to a record that cannot be processed, where its step says nothing. Default: as the topology says, else `dead-letter`. */
  readonly onError?: OnError;
  /**
   * Ends the run where 100 units of a task in a row are dead-lettered, or more than 5 % of its last 10,000 and at least 100: that is
   * a broken deploy, not bad data. Default true.
   */
  readonly deadLetterLimit?: boolean;
  /** What happens to a record that a step drops (late, without a key …), besides being counted. Default `count`. */
  readonly onDrop?: DropPolicy;
  /** How long an epoch may stay open while there is work. Default 100 ms. */
  readonly commitIntervalMs?: number;
  /** How long a commit waits for the operators of a `pipe` to complete; then the run ends. Default 10 s. */
  readonly pipeDeadlineMs?: number;
  /** The memory budget, as `runtime/memory.ts` shares it out. Default: a quarter of the machine's or the container's, as far as V8's heap may grow. */
  readonly memoryBytes?: number;
  /** Plays the sample feed into topics of its that the topology reads and that are new. Default: no sample. */
  readonly sample?: SampleOptions | boolean;
  /** Where the log is damaged: goes on without what is lost, and tells it. All of the log is read first. Default: refuses. */
  readonly acceptLoss?: boolean;
  /** Structured log; default: none. */
  readonly log?: Log;
}

/**
 * What a `topo.config.ts` may export by default: what `topo run` does unless a flag or the environment says otherwise. Each is what
 * its flag takes, as `topo run --help` tells.
 */
export interface TopoConfig extends Pick<RunOptions, 'data' | 'partitions' | 'onDrop' | 'deadLetterLimit'> {
  readonly onError?: ErrorAction;
  /** `policies=20000,years=5,seed=1`; false: none. */
  readonly sample?: string | boolean;
  readonly port?: number;
  readonly host?: string;
  /** `512MiB`, or bytes. */
  readonly memory?: string | number;
  /** `20s`, or milliseconds. */
  readonly shutdownTimeout?: string | number;
}

/** A running topology. */
export interface Running {
  readonly topology: Topology;
  /** Topics that this start created. */
  readonly created: readonly string[];
  /** Resolves when it has stopped with everything committed; rejects with what ended it. */
  readonly done: Promise<void>;
  /** The figures after each commit. */
  readonly figures$: Observable<Figures>;
  readonly deadLetters$: Observable<DeadLetterEvent>;
  /** The lag of every partition it reads: at the subscription, then after each commit. */
  readonly lag$: Observable<readonly PartitionLag[]>;
  /**
   * The records of one of its source or sink topics, as they are committed, to subscribe to or for a `for await` loop, which pulls them
   * at its own pace. Each reads the log for itself; a record that does not decode is an error. Completes when the run ends. @throws TopologyError when there is no such topic
   */
  records<K = unknown, V = unknown>(topic: string, options?: LiveOptions): Live<LiveRecord<K, V>>;
  /** The changes of a store, in the same way: one for each key and commit. @throws TopologyError when there is no such store */
  changes<K = unknown, V = unknown>(store: string, options?: LiveOptions): Live<StoreChange<K, V>>;
  figures(): Figures;
  /** The lag of every partition it reads, by the ends that the broker has now. */
  lag(): Promise<readonly PartitionLag[]>;
  sizes(): Promise<Sizes>;
  /** Resolves once everything there was to read, a sample included, is processed and committed; rejects if it ends before. */
  idle(): Promise<void>;
  /** @throws TopologyError when there is no store of that name */
  store<K = unknown, V = unknown>(name: string): ReadOnlyStore<K, V>;
  /** Finishes the record at hand, commits and closes. */
  stop(): Promise<void>;
}

/** What a run takes on disk, in bytes. */
export interface Sizes {
  /** The broker's log: that of all that ran in the folder. */
  readonly log: number;
  /** The state of all its tasks. */
  readonly state: number;
  /** What of that each store takes, about: without what was written last, up to 16 MiB a task. */
  readonly stores: ReadonlyMap<string, number>;
}

const DEFAULT_DATA = '.topo';
const DEFAULT_PARTITIONS = 4;
const COMMIT_INTERVAL_MS = 100;
const MAX_EPOCH_RECORDS = 100_000;

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** A data folder that this process holds: the embedded broker on it, and what runs there. */
export interface Folder {
  /** What part of the memory each of several topologies is to have, by what they keep; and the budget that they need at least. */
  memoryFor(topologies: readonly Topology[], options?: Pick<RunOptions, 'partitions'>): Promise<FolderMemory>;
  /**
   * As `run`. `share`: its part of the memory that the folder has for topologies, default all.
   * @throws TopologyError `TOPO_NAME_TAKEN` when one of this name runs there already
   */
  run(topology: Topology, options?: FolderRunOptions): Promise<Running>;
  /** To be called when everything that runs there has ended. */
  close(): Promise<void>;
}

export interface FolderMemory {
  readonly shares: readonly number[];
  readonly leastBytes: number;
}

export interface FolderRunOptions extends Omit<RunOptions, 'data' | 'memoryBytes' | 'acceptLoss'> {
  readonly share?: number;
}

export interface FolderOptions extends Pick<RunOptions, 'data' | 'log' | 'memoryBytes' | 'acceptLoss'> {
  /** What runs there: told to a second process that is refused. */
  readonly owner: string;
}

/**
 * Opens a data folder for topologies that run together in this process, on one broker. Each ends for itself. The one place that
 * names adapters.
 * @throws FatalError `TOPO_FOLDER_LOCKED`, `TOPO_FOLDER_UNUSABLE`, `TOPO_DISK`, `TOPO_LOG_DAMAGED`
 */
export async function openFolder({ data = DEFAULT_DATA, log = silent, ...options }: FolderOptions): Promise<Folder> {
  const { owner, memoryBytes = defaultMemory().bytes, acceptLoss = false } = options;
  const { topologiesBytes, ...memory } = processShares(usableMemory(memoryBytes, log));
  const disk = await nodeDisk(logFolder(data));
  const broker = await openEmbeddedBroker({ disk, log, owner, acceptLoss, ...memory });
  const producers = await openLocalServer({ broker, folder: logFolder(data), log, clock: systemClock });
  const names = new Set<string>();
  return {
    async memoryFor(topologies, { partitions = DEFAULT_PARTITIONS } = {}) {
      const plans = topologies.map(topology => planTopics(topology, broker, partitions));
      // one that cannot be planned is refused when it is run, unless another has made its topics by then
      const planned = await Promise.allSettled(plans);
      const takers = planned.map(one => (one.status === 'fulfilled' ? one.value.takers : undefined));
      return { shares: sharesAmong(takers), leastBytes: leastBudget(takers) };
    },
    async run(topology, { share = 1, ...options } = {}) {
      const { name } = topology;
      if (names.has(name))
        throw new TopologyError('TOPO_NAME_TAKEN', `a topology '${name}' runs in ${data} already.`, { topology: name });
      names.add(name);
      const world = {
        broker,
        state: levelState(stateFolder(data, topology)),
        clock: systemClock,
        log: options.log ?? log,
      };
      const starting = runOn(world, topology, { ...options, data, acceptLoss, memoryBytes: topologiesBytes * share });
      starting
        .then(({ done }) => done)
        .catch(() => {})
        .finally(() => names.delete(name));
      return starting;
    },
    async close() {
      await producers.close();
      await broker.close();
    },
  };
}

/** Caches lie in V8's heap, about half of a budget with what waits there to be collected: a larger one than its limit is cut to it. */
function usableMemory(memoryBytes: number, log: Log): number {
  const limitBytes = heapLimitBytes();
  if (memoryBytes > limitBytes)
    log.info(
      { memoryBytes, limitBytes },
      "the memory budget is cut to V8's limit for its heap: --max-old-space-size of node raises that",
    );
  return Math.min(memoryBytes, limitBytes);
}

/**
 * Runs a topology on the embedded broker until `stop`.
 * @throws TopologyError, FatalError: nothing runs then
 */
export async function run(topology: Topology, options: RunOptions = {}): Promise<Running> {
  const folder = await openFolder({ ...options, owner: topology.name });
  try {
    const running = await folder.run(topology, options);
    const done = running.done.finally(() => folder.close());
    done.catch(() => {});
    const stop = async () => {
      await running.stop().catch(() => {});
      await done;
    };
    return { ...running, done, stop };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

const logFolder = (data: string): string => join(data, 'log');
const stateFolder = (data: string, topology: Topology): string => join(data, 'state', topology.name);

async function runOn(
  world: World,
  topology: Topology,
  options: RunOptions & { readonly memoryBytes: number },
): Promise<Running> {
  const onError =
    options.onError === undefined ? undefined : errorPolicy('the run', options.onError, { topology: topology.name });
  const stopping = new AbortController();
  const sample = await prepare(world, topology, options, stopping.signal);
  const application = await start(topology, world, {
    partitions: options.partitions ?? DEFAULT_PARTITIONS,
    ...(onError && { onError }),
    deadLetterLimit: options.deadLetterLimit ?? true,
    onDrop: options.onDrop ?? 'count',
    commitIntervalMs: options.commitIntervalMs ?? COMMIT_INTERVAL_MS,
    maxEpochRecords: MAX_EPOCH_RECORDS,
    memoryBytes: options.memoryBytes,
    acceptLoss: options.acceptLoss ?? false,
    ...(options.pipeDeadlineMs !== undefined && { pipeDeadlineMs: options.pipeDeadlineMs }),
  }).catch(async (error: unknown) => {
    await sample?.close();
    throw error;
  });
  const played = sample?.play() ?? Promise.resolve(true);
  const done = finish(application, played, stopping);
  done.catch(() => {});
  return {
    topology,
    created: application.created,
    done,
    figures$: application.figures$,
    deadLetters$: application.deadLetters$,
    lag$: application.lag$,
    records: (topic, options) => application.records(topic, options),
    changes: (store, options) => application.changes(store, options),
    figures: () => application.figures(),
    lag: () => application.lag(),
    sizes: () => sizesOf(application, options),
    store: name => application.store(name),
    async idle() {
      await Promise.race([played, application.done]);
      await application.idle();
    },
    async stop() {
      stopping.abort();
      await application.stop();
      await done;
    },
  };
}

async function sizesOf(application: Application, { data = DEFAULT_DATA }: RunOptions): Promise<Sizes> {
  const [log, state, stores] = await Promise.all([
    folderBytes(logFolder(data)),
    folderBytes(stateFolder(data, application.topology)),
    application.storeBytes(),
  ]);
  return { log, state, stores };
}

/** The sample's snapshot is written before the topology starts, as a connector's would be. */
async function prepare(
  { broker, clock, log }: World,
  topology: Topology,
  { sample = false, partitions }: RunOptions,
  signal: AbortSignal,
): Promise<Sample | undefined> {
  const reads = topology.nodes.some(node => isRead(node) && [POLICIES_TOPIC, CLAIMS_TOPIC].includes(node.topic.name));
  if (sample === false || !reads) return undefined;
  // what cannot run must be refused before the sample makes its topics; without a sample, `start` does so itself
  validate(topology);
  await planTopics(topology, broker, partitions ?? DEFAULT_PARTITIONS);
  return prepareSample({ broker, clock, log, options: sample === true ? undefined : sample, partitions, signal });
}

/** Ends when the topology ends; a sample that fails ends it. */
async function finish(application: Application, played: Promise<boolean>, stopping: AbortController): Promise<void> {
  const sampled = played.catch(async (error: unknown) => {
    await application.stop();
    throw error;
  });
  try {
    await application.done;
  } finally {
    stopping.abort();
    const [outcome] = await Promise.allSettled([sampled]);
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
