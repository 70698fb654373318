import { isRead, repartitioned } from '../edges.ts';
import { changelogTopic, deadLettersTopic, manifestTopic, repartitionTopic } from '../names.ts';
import type { Topology } from '../topology.ts';

/** A sub-topology as the plan has it: which nodes run in one task. */
export interface DescribedSubTopology {
  readonly id: string;
  readonly nodes: readonly string[];
}

/** A topology as JSON text: its nodes as they are, the topics it owns, and its sub-topologies where the caller has a plan. */
export function describeJson(topology: Topology, subTopologies?: readonly DescribedSubTopology[]): string {
  const { name, nodes } = topology;
  const stores = nodes.flatMap(node => (node.kind === 'processor' ? node.stores : []));
  const described = {
    name,
    nodes,
    topics: {
      reads: nodes.filter(isRead).map(node => node.topic.name),
      writes: [...new Set(nodes.flatMap(node => (node.kind === 'sink' ? [node.topic.name] : [])))],
      repartitions: repartitioned(topology).map(node => repartitionTopic(name, node.id)),
      changelogs: stores.map(store => changelogTopic(name, store)),
      deadLetters: deadLettersTopic(name),
      manifest: manifestTopic(name),
    },
    ...(subTopologies && { subTopologies }),
  };
  return `${JSON.stringify(described, null, 2)}\n`;
}
