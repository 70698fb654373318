import { validate } from '../graph/validate.ts';
import { ageMs } from '../runtime/lag.ts';
import type { PartitionLag } from '../runtime/lag.ts';
import type { Input } from '../runtime/plan.ts';
import type { BrokerReader, OffsetCommit, Reader } from '../runtime/ports.ts';
import { planTopics } from '../runtime/topics.ts';
import { openForReading, topicNamed } from './data-folder.ts';
import { durationText } from './duration-text.ts';
import { loadTopology } from './load-topology.ts';
import { print, printTable } from './output.ts';
import { stretchesOf } from './tail.ts';
import { forwards } from './topic-scan.ts';
import type { Stretch } from './topic-scan.ts';

export interface LagOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** `committed`: null where the topology never committed anything of the partition. */
type Row = Omit<PartitionLag, 'committed'> & { readonly committed: number | null };

/** Prints the lag of a file's topology, whoever runs it, or nobody. */
export async function lagOfFile(file: string, { data, json = false }: LagOptions): Promise<void> {
  const topology = await loadTopology(file);
  validate(topology);
  const view = await openForReading(data);
  try {
    const { plan, existing } = await planTopics(topology, view, 1);
    const inputs = plan.subTopologies.flatMap(sub => sub.inputs);
    for (const { node } of inputs) if (node.kind === 'source') await topicNamed(view, node.topic.name, data);
    const committed = await view.groupOffsets(topology.name);
    // a repartition's topic is made at the first start
    const known = inputs.filter(({ topic }) => existing.has(topic));
    const rows = (await Promise.all(known.map(input => rowsOf(view, input, committed)))).flat();
    if (json) for (const row of rows) await print(JSON.stringify(row));
    else await printTable([['topic', 'partition', 'committed', 'end', 'lag', 'oldest'], ...rows.map(cells)]);
  } finally {
    await view.close();
  }
}

async function rowsOf(view: BrokerReader, input: Input, committed: readonly OffsetCommit[]): Promise<Row[]> {
  const reader = view.reader();
  const rows: Row[] = [];
  for (const stretch of await stretchesOf(view, { name: input.topic, partitions: input.partitions })) {
    const { topic, partition, from: start, to: end } = stretch;
    const found = committed.find(one => one.topic === topic && one.partition === partition)?.offset ?? null;
    const from = found ?? start;
    const sinceMs = await firstTimestamp(reader, { topic, partition, from: Math.max(from, start), to: end });
    const lagMs = ageMs(sinceMs, Date.now());
    rows.push({ topic, partition, committed: found, end, lag: Math.max(0, end - from), lagMs });
  }
  await reader.close();
  return rows;
}

async function firstTimestamp(reader: Reader, stretch: Stretch): Promise<number | undefined> {
  for await (const { timestamp } of forwards(reader, stretch, () => true)) return timestamp;
  return undefined;
}

const number = (value: number): string => value.toLocaleString('en');

const cells = ({ topic, partition, committed, end, lag, lagMs }: Row): string[] => [
  topic,
  String(partition),
  committed === null ? '-' : number(committed),
  number(end),
  number(lag),
  lag === 0 ? '-' : durationText(lagMs),
];
