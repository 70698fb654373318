import type { GlobalNode, KeyNode, Node, ProcessorNode, SourceNode, Topology } from './topology.ts';

/** A node whose partitioning the steps behind it have. */
export type Root = SourceNode | KeyNode;

/** Nodes that stand for a topic the topology reads. */
export const isRead = (node: Node): node is SourceNode | GlobalNode => node.kind === 'source' || node.kind === 'global';

/** Ids of the nodes it takes records from or looks up. */
export const readsOf = (node: Node): readonly string[] =>
  node.kind === 'processor' ? [...node.inputs, ...node.tables] : node.inputs;

/** Steps that need equal keys together. */
export const isKeyed = (node: Node): node is ProcessorNode => node.kind === 'processor' && node.anyPartition !== true;

/** The sources and key nodes that a node's records are partitioned by, with what it looks up. */
export function rootsOf(node: Node, nodes: ReadonlyMap<string, Node>): Root[] {
  const roots = new Map<string, Root>();
  const climb = (id: string) => {
    const above = nodes.get(id)!;
    if (above.kind === 'source' || above.kind === 'key') roots.set(id, above);
    else if (above.kind !== 'global') readsOf(above).forEach(climb);
  };
  readsOf(node).forEach(climb);
  return [...roots.values()];
}

/** Key nodes that get a repartition topic: some processor's partitioning hangs on them, or they are made for it. In declaration order. */
export function repartitioned({ nodes }: Pick<Topology, 'nodes'>): KeyNode[] {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const roots = new Set(nodes.flatMap(node => (isKeyed(node) ? rootsOf(node, byId) : [])));
  return nodes.filter((node): node is KeyNode => node.kind === 'key' && (node.always === true || roots.has(node)));
}
