import { openEmbeddedBroker } from '../../adapters/embedded/embedded-broker.ts';
import type { Topology } from '../../graph/topology.ts';
import type { Broker, Log, OffsetCommit, TopicInfo } from '../../runtime/ports.ts';
import { readPartition, slotOf } from '../topic-records.ts';
import type { OutputRecord } from '../topic-records.ts';
import { DiskFaults } from './disk-faults.ts';
import type { Machine } from './life.ts';
import { Random } from './random.ts';
import { atOnce } from './scheduler.ts';
import { SimulatedDisk } from './simulated-disk.ts';

/** What a simulation has led to, when all input is processed. */
export interface SimulationOutcome {
  /** The records of a topic, by partition, then offset. Dead letters have bytes. */
  records<K = unknown, V = unknown>(topic: string): OutputRecord<K, V>[];
  /** The rows of a store, in no order that means anything. */
  entries<K = unknown, V = unknown>(store: string): (readonly [key: K, value: V])[];
}

/** A record as its topic holds it. */
export type RawRecord = OutputRecord<Uint8Array, Uint8Array>;

/** All that a log holds. */
export interface LogContent {
  readonly topics: readonly TopicInfo[];
  readonly records: ReadonlyMap<string, readonly RawRecord[]>;
  /** What the topology's group has committed. */
  readonly offsets: readonly OffsetCommit[];
}

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Reads a machine's log as another process would. */
export async function readLog({ disk }: Machine, topology: Topology): Promise<LogContent> {
  const random = new Random(0);
  const broker = await openEmbeddedBroker({
    disk: new SimulatedDisk(disk, atOnce, new DiskFaults('none', 0, random), random),
    log: silent,
  });
  const topics = await broker.topics();
  const records = new Map<string, RawRecord[]>();
  for (const topic of topics) records.set(topic.name, await readTopic(broker, topic));
  const offsets = await broker.groupOffsets(topology.name);
  await broker.close();
  return { topics, records, offsets };
}

async function readTopic(broker: Broker, { name: topic, partitions }: TopicInfo): Promise<RawRecord[]> {
  const all: RawRecord[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const { records } = await readPartition(broker, { topic, partition }, undefined);
    all.push(...(records as RawRecord[]));
  }
  return all;
}

/** @throws Error for a topic or store that is not there */
export function outcomeOf(
  topology: Topology,
  log: LogContent,
  stores: ReadonlyMap<string, readonly (readonly [unknown, unknown])[]>,
): SimulationOutcome {
  const known = <T>(what: string, all: ReadonlyMap<string, T>, name: string): T => {
    const found = all.get(name);
    if (found !== undefined) return found;
    throw new Error(`'${topology.name}' has no ${what} ${name} here; it has ${[...all.keys()].join(', ')}.`);
  };
  return {
    records<K, V>(topic: string) {
      const slot = slotOf(topology, topic);
      return known('topic', log.records, topic).map(({ key, value, ...record }) => ({
        ...record,
        key: (key === null || !slot ? key : slot.key.decode(key)) as K | null,
        value: (value === null || !slot ? value : slot.value.decode(value)) as V | null,
      }));
    },
    entries: <K, V>(store: string) => [...known('store', stores, store)] as (readonly [K, V])[],
  };
}
