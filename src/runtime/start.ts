import { TopologyError } from '../errors.ts';
import { compareManifests, manifestOf, successor } from '../graph/manifest.ts';
import type { Manifest } from '../graph/manifest.ts';
import { manifestTopic } from '../graph/names.ts';
import type { ErrorPolicy } from '../graph/error-policy.ts';
import type { Topology } from '../graph/topology.ts';
import { validate } from '../graph/validate.ts';
import { Application, Events } from './application.ts';
import type { Kind } from './chain.ts';
import { Counters } from './counters.ts';
import type { DropPolicy } from './counters.ts';
import { ErrorPolicies } from './error-policy.ts';
import { GlobalTable } from './global-table.ts';
import { KINDS } from './kinds.ts';
import { Latencies } from './latencies.ts';
import { memoryShares } from './memory.ts';
import { readManifest, writeManifest } from './manifest-topic.ts';
import { DEFAULT_MAX_MESSAGE_BYTES } from './outputs.ts';
import { Purge } from './purge.ts';
import type { SubTopology } from './plan.ts';
import type { Broker, Clock, Log, Membership, StateBackend, TaskSpec, TopicInfo } from './ports.ts';
import { Task, taskId } from './task.ts';
import type { TaskOptions } from './task.ts';
import { planTopics } from './topics.ts';
import { Worker } from './worker.ts';

/** The world an application runs in. */
export interface World {
  readonly broker: Broker;
  readonly state: StateBackend;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Settings {
  /** Of topics that are created and whose count nothing else tells. */
  readonly partitions: number;
  /** Of steps that say nothing. Default: what the topology says, else `dead-letter`. */
  readonly onError?: ErrorPolicy;
  /** A task that dead-letters so much that it looks like a broken deploy ends the run. */
  readonly deadLetterLimit: boolean;
  readonly onDrop: DropPolicy;
  readonly commitIntervalMs: number;
  readonly maxEpochRecords: number;
  /** For its tasks and global tables together, as `memoryShares` shares it out. */
  readonly memoryBytes: number;
  /** How long a commit waits for the operators of a `pipe` to complete. Default 10 s. */
  readonly pipeDeadlineMs?: number;
  /** Goes on where a state is ahead of the log, which has lost commits then: the state is set aside and rebuilt. */
  readonly acceptLoss?: boolean;
  /** The kinds of node it can run. */
  readonly kinds?: Readonly<Record<string, Kind<never>>>;
}

/** The task that keeps the manifest. Other tasks are called after their inputs and partition. */
const MANIFEST_TASK = 'manifest';
const PIPE_DEADLINE_MS = 10_000;

/**
 * Checks a topology against its topics and what it stored before, creates the topics that are missing, takes its tasks over,
 * restores their state, and runs.
 * @throws TopologyError before anything is created or changed; FatalError
 */
export async function start(topology: Topology, world: World, settings: Settings): Promise<Application> {
  validate(topology);
  const { broker, log } = world;
  const { plan, existing, missing, takers } = await planTopics(topology, broker, settings.partitions);
  const partitions = Object.fromEntries(
    [...existing.values(), ...missing].map(topic => [topic.name, topic.partitions]),
  );
  const manifestWith = (topics: ReadonlyMap<string, TopicInfo>) => {
    // a topic that was there before and is not now counts as another one
    const topicIds = Object.fromEntries(Object.keys(partitions).map(name => [name, topics.get(name)?.id ?? 'deleted']));
    return manifestOf(topology, { clusterId: broker.clusterId, partitions, topicIds });
  };

  const stored = existing.has(manifestTopic(topology.name)) ? await storedManifest(topology, broker) : undefined;
  if (stored) checkManifest(topology, stored, manifestWith(existing), log);
  if (missing.length > 0) await broker.createTopics(missing);
  const topics = new Map((await broker.topics()).map(topic => [topic.name, topic]));
  const manifest = successor(stored, manifestWith(topics));

  const places = plan.subTopologies.flatMap(subTopology =>
    Array.from({ length: subTopology.partitions }, (_, partition) => ({ subTopology, partition })),
  );
  const membership = await join(topology, places, broker);
  const tasks: Task[] = [];
  const globals: GlobalTable[] = [];
  const close = async () => {
    await Promise.all([...tasks, ...globals].map(one => one.close()));
    await membership.leave();
  };
  try {
    if (stored?.hash !== manifest.hash) await keepManifest(topology, manifest, membership, world.clock);
    const counters: Counters[] = [];
    const counted = (): Counters => {
      const own = new Counters(topology);
      counters.push(own);
      return own;
    };
    const latencies = new Latencies();
    const events = new Events();
    const memory = memoryShares(settings.memoryBytes, takers);
    const { state } = world;
    const policies = new ErrorPolicies(topology, settings.onError ?? topology.onError ?? 'dead-letter');
    const onRestore = restoreLog(world);
    const { acceptLoss = false } = settings;
    for (const node of plan.globals) {
      const { partitions: count, id: topicId } = topics.get(node.topic.name)!;
      const cacheBytes = memory.cacheBytes * count;
      const common = { topology, node, partitions: count, topicId, broker, state, log, policies, acceptLoss };
      const table = { ...common, ...memory, cacheBytes };
      const onProgress = (read: number, total: number) => onRestore(`global table '${node.id}'`, read, total);
      globals.push(await GlobalTable.open({ ...table, counters: counted(), onProgress }));
    }
    const common: Omit<TaskOptions, 'subTopology' | 'partition' | 'counters'> = {
      topology,
      kinds: settings.kinds ?? KINDS,
      broker,
      state,
      log,
      topicLimits: topic => limitsOf(topics.get(topic)!),
      deadLetters: plan.deadLetters,
      manifestHash: manifest.hash,
      policies,
      limitsDeadLetters: settings.deadLetterLimit,
      onDrop: settings.onDrop,
      clock: world.clock,
      latencies,
      pipeDeadlineMs: settings.pipeDeadlineMs ?? PIPE_DEADLINE_MS,
      acceptLoss,
      memory,
      globals: new Map(globals.map(({ name, rows }) => [name, rows])),
      onSubmit: () => events.submits.next(),
      onDeadLetter: ({ code, message, place }) => events.deadLetters.next({ code, message, place }),
      onRestore,
    };
    for (const place of places) tasks.push(await Task.open({ ...common, ...place, counters: counted() }, membership));
    const purge = new Purge(tasks, world);
    await purge.purge();
    const worker = new Worker(tasks, {
      globals,
      openReader: () => broker.reader(),
      clock: world.clock,
      latencies,
      commitIntervalMs: settings.commitIntervalMs,
      maxEpochRecords: settings.maxEpochRecords,
      epochBytes: memory.epochBytes,
      onLoop: () => events.loops.next(),
      onCommit: () => {
        events.commits.next();
        purge.look();
      },
    });
    events.submits.subscribe(() => worker.wake());
    const created = missing.map(({ name }) => name);
    return new Application({
      topology,
      created,
      tasks,
      globals,
      worker,
      broker,
      clock: world.clock,
      counters,
      latencies,
      events,
      close: async () => {
        await purge.close();
        await close();
      },
    });
  } catch (error) {
    await close();
    throw error;
  }
}

const RESTORE_LOG_MS = 1000;

/** Tells now and then how far a restore is: one of millions of records takes a while. */
function restoreLog({ clock, log }: World): TaskOptions['onRestore'] {
  let toldAt = clock.now();
  return (task, restored, total) => {
    if (clock.now() - toldAt < RESTORE_LOG_MS) return;
    toldAt = clock.now();
    log.info({ task, restored, total }, 'restoring state');
  };
}

interface Place {
  readonly subTopology: SubTopology;
  readonly partition: number;
}

function limitsOf({ partitions, config }: TopicInfo) {
  return { partitions, maxMessageBytes: Number(config['max.message.bytes'] ?? DEFAULT_MAX_MESSAGE_BYTES) };
}

async function storedManifest(topology: Topology, broker: Broker): Promise<Manifest | undefined> {
  const text = await readManifest(broker, manifestTopic(topology.name));
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}

/** @throws TopologyError `TOPO_MANIFEST_MISMATCH` naming each step that does not fit, and what to do */
function checkManifest(topology: Topology, stored: Manifest, current: Manifest, log: Log): void {
  const { problems, notices } = compareManifests(stored, current);
  if (problems.length > 0)
    throw new TopologyError(
      'TOPO_MANIFEST_MISMATCH',
      `'${topology.name}' does not fit what it stored before: ${problems.join(' ')}`,
      { topology: topology.name },
    );
  for (const notice of notices) log.warn({ topology: topology.name }, notice);
}

async function keepManifest(
  topology: Topology,
  manifest: Manifest,
  membership: Membership,
  clock: Clock,
): Promise<void> {
  const writer = await membership.open(MANIFEST_TASK);
  await writeManifest(writer, manifestTopic(topology.name), topology.name, JSON.stringify(manifest), clock.now());
  await writer.close();
}

/** Joins the group with all tasks, and waits until they are this member's. */
async function join(topology: Topology, places: readonly Place[], broker: Broker): Promise<Membership> {
  const tasks: TaskSpec[] = places.map(({ subTopology, partition }) => ({
    id: taskId(subTopology, partition),
    inputs: subTopology.inputs.filter(input => partition < input.partitions).map(({ topic }) => ({ topic, partition })),
  }));
  let assigned = () => {};
  const ready = new Promise<void>(resolve => (assigned = resolve));
  const nothing = async () => {};
  const membership = await broker.join(topology.name, [...tasks, { id: MANIFEST_TASK, inputs: [] }], {
    assigned: async () => assigned(),
    revoked: nothing,
    lost: nothing,
  });
  await ready;
  return membership;
}
