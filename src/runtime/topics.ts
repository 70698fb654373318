import { TopologyError } from '../errors.ts';
import { isRead } from '../graph/edges.ts';
import { manifestTopic } from '../graph/names.ts';
import type { GlobalNode, Node, SinkNode, SourceNode, TopicReference, Topology } from '../graph/topology.ts';
import { takersOf } from './memory.ts';
import type { Takers } from './memory.ts';
import { plan } from './plan.ts';
import type { Plan } from './plan.ts';
import type { BrokerReader, NewTopic, TopicInfo } from './ports.ts';

/** A topology's plan on a broker, and the topics it needs. */
export interface TopicPlan {
  readonly plan: Plan;
  readonly existing: ReadonlyMap<string, TopicInfo>;
  readonly missing: readonly NewTopic[];
  readonly takers: Takers;
}

/**
 * Fits a topology to the topics that are there. Those that are missing get the count the topology names, or
 * `defaultPartitions`; nothing is created yet.
 * @throws TopologyError `TOPO_PARTITIONS_DIFFER`, `TOPO_TOPIC_CONFLICT`
 */
export async function planTopics(
  topology: Topology,
  broker: Pick<BrokerReader, 'topics'>,
  defaultPartitions: number,
): Promise<TopicPlan> {
  const existing = new Map((await broker.topics()).map(topic => [topic.name, topic]));
  const references = new Map<string, TopicReference>();
  for (const { topic } of topology.nodes.filter(isTopicNode))
    references.set(topic.name, { ...references.get(topic.name), ...topic });
  for (const { name, partitions } of references.values()) {
    const found = existing.get(name);
    if (found && partitions !== undefined && found.partitions !== partitions)
      throw new TopologyError(
        'TOPO_TOPIC_CONFLICT',
        `topic ${name} has ${found.partitions} partitions, and the topology declares ${partitions}. Declare what it has, or leave the count out.`,
        { topology: topology.name, topic: name },
      );
  }
  const partitionsOf = (topic: string) =>
    existing.get(topic)?.partitions ?? references.get(topic)?.partitions ?? defaultPartitions;
  const planned = plan(topology, partitionsOf);
  const wanted: NewTopic[] = [
    ...[...references.values()].map(({ name, config = {} }) => ({ name, partitions: partitionsOf(name), config })),
    ...planned.internalTopics,
    {
      name: manifestTopic(topology.name),
      partitions: 1,
      config: { 'cleanup.policy': 'compact', 'retention.ms': '-1' },
    },
  ];
  for (const { name, partitions } of planned.internalTopics) {
    const found = existing.get(name);
    // a wider source may be new: its dead letters find room in the partitions there are
    if (name === planned.deadLetters) continue;
    if (found && found.partitions !== partitions)
      throw new TopologyError(
        'TOPO_PARTITIONS_DIFFER',
        `topic ${name} has ${found.partitions} partitions and the topology now needs ${partitions}: the partition count of one of its ` +
          'inputs changed, so equal keys would lie in different partitions. Give the topology a new name to start over.',
        { topology: topology.name, topic: name },
      );
  }
  return {
    plan: planned,
    existing,
    missing: wanted.filter(({ name }) => !existing.has(name)),
    takers: takersOf(planned, partitionsOf),
  };
}

const isTopicNode = (node: Node): node is SourceNode | GlobalNode | SinkNode => isRead(node) || node.kind === 'sink';
