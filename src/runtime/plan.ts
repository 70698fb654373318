import { changelogTopic, deadLettersTopic, repartitionTopic } from '../graph/names.ts';
import { isKeyed, readsOf, repartitioned, rootsOf } from '../graph/edges.ts';
import type { Root } from '../graph/edges.ts';
import { partitionsDiffer } from '../graph/partitions-differ.ts';
import type { Side } from '../graph/partitions-differ.ts';
import type { GlobalNode, Node, StoreReference, Topology } from '../graph/topology.ts';
import type { NewTopic } from './ports.ts';

/** What a topology comes to: sub-topologies, each a fused chain that runs once a partition, and the topics between them. */
export interface Plan {
  readonly topology: Topology;
  readonly subTopologies: readonly SubTopology[];
  /** Topics that every task sees whole. */
  readonly globals: readonly GlobalNode[];
  /** Repartition, changelog and dead-letter topics, as they must be. */
  readonly internalTopics: readonly NewTopic[];
  readonly deadLetters: string;
}

/** Nodes that hand records to one another directly. It runs as one task a partition, `<id>-<partition>`. */
export interface SubTopology {
  /** The first of its input topics by name: durable, since it names the state's folder. */
  readonly id: string;
  /** In declaration order. */
  readonly inputs: readonly Input[];
  /** In declaration order; a node comes after those it reads. */
  readonly nodes: readonly Node[];
  readonly partitions: number;
  readonly stores: readonly StorePlan[];
  /** Sink and repartition topics that its nodes write. */
  readonly writes: readonly string[];
}

/** A topic that a sub-topology reads: a source's, or the repartition topic behind a key step. */
export interface Input {
  readonly topic: string;
  readonly partitions: number;
  readonly node: Root;
  /** Only tables read it: taken before streams where timestamps are equal. */
  readonly tableOnly: boolean;
  readonly readFirst: boolean;
}

export interface StorePlan {
  readonly store: StoreReference;
  readonly changelog: string;
}

const KEEP_FOREVER = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
/** The largest `max.message.bytes` there is: what could not be processed must at least be kept. */
const NO_SIZE_LIMIT = { ...KEEP_FOREVER, 'max.message.bytes': String(2 ** 31 - 1) };

/**
 * The plan of a valid topology; pure. `partitionsOf` tells each source topic's partition count.
 * @throws TopologyError `TOPO_PARTITIONS_DIFFER` where inputs of one join have different counts
 */
export function plan(topology: Topology, partitionsOf: (topic: string) => number): Plan {
  const nodes = new Map(topology.nodes.map(node => [node.id, node]));
  const consumers = consumersOf(topology);
  const cut = new Set(repartitioned(topology).map(node => node.id));
  const groups = components(topology, cut);
  const roots = topology.nodes.filter((node): node is Root => node.kind === 'source' || cut.has(node.id));
  const partitions = countPartitions(topology, nodes, cut, roots, partitionsOf);

  const subTopologies = [...new Set(groups.values())].map(group => {
    const inGroup = (id: string) => groups.get(id) === group;
    const inputs = roots
      .filter(root => (root.kind === 'source' ? inGroup(root.id) : (consumers.get(root.id) ?? []).some(inGroup)))
      .map(root => inputOf(topology, root, consumers, nodes, partitions.get(root.id)!));
    const members = topology.nodes.filter(node => inGroup(node.id));
    return {
      id: inputs.map(input => input.topic).sort()[0]!,
      inputs,
      nodes: members,
      partitions: Math.max(...inputs.map(input => input.partitions)),
      stores: members
        .flatMap(node => (node.kind === 'processor' ? node.stores : []))
        .map(store => ({
          store,
          changelog: changelogTopic(topology.name, store),
        })),
      writes: members.flatMap(node => {
        if (node.kind === 'sink') return [node.topic.name];
        return cut.has(node.id) ? [repartitionTopic(topology.name, node.id)] : [];
      }),
    };
  });
  const widest = Math.max(...roots.map(root => partitions.get(root.id)!));
  const deadLetters = deadLettersTopic(topology.name);
  return {
    topology,
    subTopologies,
    globals: topology.nodes.filter(isGlobal),
    deadLetters,
    internalTopics: [
      ...[...cut].map(id => ({
        name: repartitionTopic(topology.name, id),
        partitions: partitions.get(id)!,
        config: KEEP_FOREVER,
      })),
      ...subTopologies.flatMap(sub =>
        sub.stores.map(store => ({
          name: store.changelog,
          partitions: sub.partitions,
          config: { 'cleanup.policy': 'compact' },
        })),
      ),
      { name: deadLetters, partitions: widest, config: NO_SIZE_LIMIT },
    ],
  };
}

const isGlobal = (node: Node): node is GlobalNode => node.kind === 'global';

/** Who reads a node, by id: its consumers' ids, in declaration order. A join counts as a reader of its table. */
export function consumersOf(topology: Topology): Map<string, string[]> {
  const consumers = new Map<string, string[]>();
  for (const node of topology.nodes)
    for (const input of new Set(node.inputs)) consumers.set(input, [...(consumers.get(input) ?? []), node.id]);
  return consumers;
}

/** The connected components of the graph without the edges behind cut key nodes: node id → component. */
function components(topology: Topology, cut: ReadonlySet<string>): Map<string, string> {
  const parent = new Map<string, string>();
  const find = (id: string): string => {
    const above = parent.get(id) ?? id;
    return above === id ? id : find(above);
  };
  const union = (a: string, b: string) => parent.set(find(b), find(a));
  const firstReader = new Map<string, string>();
  const globals = new Set(topology.nodes.filter(isGlobal).map(({ id }) => id));
  for (const node of topology.nodes)
    for (const input of readsOf(node))
      if (globals.has(input)) continue;
      else if (!cut.has(input)) union(input, node.id);
      else if (firstReader.has(input)) union(firstReader.get(input)!, node.id);
      else firstReader.set(input, node.id);
  return new Map(topology.nodes.flatMap(({ id }) => (globals.has(id) ? [] : [[id, find(id)] as const])));
}

/** Partition counts of sources and cut key nodes: co-partitioned ones agree, a repartition follows the fixed side. */
function countPartitions(
  topology: Topology,
  nodes: ReadonlyMap<string, Node>,
  cut: ReadonlySet<string>,
  roots: readonly Root[],
  partitionsOf: (topic: string) => number,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const root of roots) {
    const count = root.kind === 'source' ? partitionsOf(root.topic.name) : root.partitions;
    if (count !== undefined) counts.set(root.id, count);
  }
  const processors = topology.nodes.filter(isKeyed);
  const together = processors.map(node => ({ node, roots: rootsOf(node, nodes) }));
  const settle = () => {
    for (let settled = true; settled;) {
      settled = false;
      for (const { node, roots: joined } of together) {
        const known = joined.filter(root => counts.has(root.id));
        if (known.length === 0) continue;
        const [first] = known as [Root];
        const count = counts.get(first.id)!;
        const other = known.find(root => counts.get(root.id) !== count);
        if (other) {
          const sides = [first, other].map(root => ({ root, count: counts.get(root.id)! })) as [Side, Side];
          throw partitionsDiffer(topology.name, node.id, ...sides);
        }
        for (const root of joined)
          if (!counts.has(root.id)) {
            counts.set(root.id, count);
            settled = true;
          }
      }
    }
  };
  settle();
  // what no fixed topic decides takes the count of the widest topic in front of it
  const widthAbove = (node: Node): number =>
    Math.max(...rootsOf(node, nodes).map(root => counts.get(root.id) ?? widthAbove(root)));
  for (const { id, kind } of topology.nodes) {
    if (kind !== 'key' || !cut.has(id) || counts.has(id)) continue;
    counts.set(id, widthAbove(nodes.get(id)!));
    settle();
  }
  return counts;
}

function inputOf(
  topology: Topology,
  node: Root,
  consumers: ReadonlyMap<string, readonly string[]>,
  nodes: ReadonlyMap<string, Node>,
  partitions: number,
): Input {
  const isTable = (id: string) => {
    const reader = nodes.get(id)!;
    return reader.kind === 'processor' && reader.table;
  };
  return {
    topic: node.kind === 'source' ? node.topic.name : repartitionTopic(topology.name, node.id),
    partitions,
    node,
    tableOnly: node.kind === 'source' && (consumers.get(node.id) ?? []).every(isTable),
    readFirst: node.kind === 'source' && node.readFirst,
  };
}
