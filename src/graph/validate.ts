import { TopologyError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { isKeyed, isRead, readsOf, repartitioned, rootsOf } from './edges.ts';
import type { Root } from './edges.ts';
import { changelogTopic, checkTopologyName, deadLettersTopic, manifestTopic, repartitionTopic } from './names.ts';
import { partitionsDiffer } from './partitions-differ.ts';
import type { Side } from './partitions-differ.ts';
import { sameSerde } from './serde-name.ts';
import type { GlobalNode, Node, SinkNode, SourceNode, Topology, TransformNode } from './topology.ts';

/**
 * Checks that a graph can run; pure, and reads the nodes alone. The builders make only graphs that pass but for what they
 * cannot see step by step; graphs from elsewhere are checked whole.
 *
 * @throws TopologyError naming the step and what to do
 */
export function validate(topology: Pick<Topology, 'name' | 'nodes'>): void {
  checkTopologyName(topology.name);
  const graph = { ...topology, byId: new Map(topology.nodes.map(node => [node.id, node])) };
  checkNodes(graph);
  checkOrder(graph);
  checkLookups(graph);
  checkSerdes(graph);
  checkTopics(graph);
  checkReadFirst(graph);
  checkLoops(graph);
  checkKeys(graph);
  checkPartitions(graph);
}

interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly byId: ReadonlyMap<string, Node>;
}

const refuse = ({ name }: Graph, code: ErrorCode, message: string, step?: string): TopologyError =>
  new TopologyError(code, message, { topology: name, ...(step !== undefined && { step }) });

const KINDS: ReadonlySet<string> = new Set(['source', 'global', 'transform', 'key', 'processor', 'rx', 'sink']);

function checkNodes(graph: Graph): void {
  if (!graph.nodes.some(node => node.kind === 'source'))
    throw refuse(
      graph,
      'TOPO_GRAPH_INVALID',
      `topology '${graph.name}' reads no topic: start it with t.stream or t.table.`,
    );
  const seen = new Set<string>();
  for (const { id, kind } of graph.nodes) {
    if (seen.has(id)) throw refuse(graph, 'TOPO_GRAPH_INVALID', `two nodes have the id '${id}'.`, id);
    seen.add(id);
    if (!KINDS.has(kind))
      throw refuse(graph, 'TOPO_GRAPH_INVALID', `step '${id}' is of an unknown kind, '${kind as string}'.`, id);
  }
}

/** Inputs exist, and come before the nodes that read them; so there are no cycles. */
function checkOrder(graph: Graph): void {
  const before = new Set<string>();
  for (const node of graph.nodes) {
    if (!isRead(node) && node.inputs.length === 0)
      throw refuse(graph, 'TOPO_GRAPH_INVALID', `step '${node.id}' has no input.`, node.id);
    for (const input of readsOf(node)) {
      if (!graph.byId.has(input))
        throw refuse(graph, 'TOPO_GRAPH_INVALID', `step '${node.id}' reads '${input}', which is not there.`, node.id);
      if (graph.byId.get(input)!.kind === 'sink')
        throw refuse(
          graph,
          'TOPO_GRAPH_INVALID',
          `step '${node.id}' reads the sink '${input}': read its topic.`,
          node.id,
        );
      if (before.has(input)) continue;
      const cycle = pathBetween(graph, node.id, input);
      throw refuse(
        graph,
        'TOPO_GRAPH_INVALID',
        cycle === null
          ? `step '${node.id}' reads '${input}', which is declared behind it.`
          : `steps read one another in a circle: ${[...cycle, node.id].map(id => `'${id}'`).join(' → ')}.`,
        node.id,
      );
    }
    before.add(node.id);
  }
}

/** Ids on a way from one node down to another; null where there is none. `through` says which nodes it may pass. */
function pathBetween(
  graph: Graph,
  from: string,
  to: string,
  through: (node: Node) => boolean = () => true,
): string[] | null {
  const visited = new Set<string>();
  const climb = (id: string): string[] | null => {
    if (id === from) return [id];
    const node = graph.byId.get(id);
    if (!node || visited.has(id) || (id !== to && !through(node))) return null;
    visited.add(id);
    for (const input of readsOf(node)) {
      const path = climb(input);
      if (path !== null) return [...path, id];
    }
    return null;
  };
  return climb(to);
}

function checkLookups(graph: Graph): void {
  const renamed = new Map<string, string>();
  const stores = graph.nodes.flatMap(node => (node.kind === 'processor' ? node.stores : []));
  for (const { name, renamedFrom } of stores) {
    if (renamedFrom === undefined) continue;
    const other = renamed.get(renamedFrom) ?? stores.find(store => store.name === renamedFrom)?.name;
    if (other !== undefined)
      throw refuse(
        graph,
        'TOPO_NAME_TAKEN',
        `store '${name}' is renamed from '${renamedFrom}', which '${other}' claims too.`,
        name,
      );
    renamed.set(renamedFrom, name);
  }
  for (const node of graph.nodes)
    for (const id of node.kind === 'processor' ? node.tables : []) {
      if (keepsRows(graph, graph.byId.get(id)!)) continue;
      throw refuse(
        graph,
        'TOPO_GRAPH_INVALID',
        `step '${node.id}' looks up '${id}', which keeps no rows of its own: give it a store with toStream().toTable('a-name').`,
        node.id,
      );
    }
}

/** In a store, or as what is made of the rows of others. */
function keepsRows(graph: Graph, table: Node): boolean {
  const areKept = (ids: readonly string[]) => ids.every(id => keepsRows(graph, graph.byId.get(id)!));
  if (table.kind === 'global') return true;
  if (table.kind === 'processor') return table.stores.length > 0 || (table.table && areKept(table.tables));
  return table.kind === 'transform' && table.table && areKept(table.inputs);
}

function checkSerdes(graph: Graph): void {
  for (const node of repartitioned(graph)) {
    const missing = node.key === undefined ? 'keys' : node.value === undefined ? 'values' : null;
    if (missing === null) continue;
    const fix =
      missing === 'keys'
        ? `Give it a key serde as third argument, such as string().`
        : `Declare their serde in front of it: .as(serde).`;
    throw refuse(
      graph,
      'TOPO_SERDE_MISSING',
      `step '${node.id}' repartitions its records, and nothing says how their ${missing} are written. ${fix}`,
      node.id,
    );
  }
}

/** One topic has one shape, and the topology's own topics are nobody else's. */
function checkTopics(graph: Graph): void {
  const own = new Map<string, string>([
    [deadLettersTopic(graph.name), 'the dead letters'],
    [manifestTopic(graph.name), 'the manifest'],
  ]);
  for (const node of graph.nodes) {
    if (node.kind === 'key') own.set(repartitionTopic(graph.name, node.id), `the repartition of '${node.id}'`);
    if (node.kind === 'processor')
      for (const store of node.stores) own.set(changelogTopic(graph.name, store), `the changelog of '${store.name}'`);
  }
  const seen = new Map<string, SourceNode | GlobalNode | SinkNode>();
  for (const node of graph.nodes) {
    if (!isRead(node) && node.kind !== 'sink') continue;
    const { topic } = node;
    const owner = own.get(topic.name);
    if (owner !== undefined)
      throw refuse(
        graph,
        'TOPO_TOPIC_CONFLICT',
        `topic ${topic.name} is ${owner} of this topology, which it cannot read or write as another topic.`,
        node.id,
      );
    const other = seen.get(topic.name);
    seen.set(topic.name, other ?? node);
    if (!other) continue;
    if (node.kind === 'global' || other.kind === 'global') {
      const table = node.kind === 'global' ? node : other;
      throw refuse(
        graph,
        'TOPO_TOPIC_CONFLICT',
        `topic ${topic.name} is that of global table '${table.id}', and '${node === table ? other.id : node.id}' reads or writes it too: ` +
          `each task has such a topic whole, so a topology uses it for its global table alone. Use t.table for both, or write to ` +
          `the topic in a topology of its own.`,
        table.id,
      );
    }
    if (node.kind === 'source' && other.kind === 'source')
      throw refuse(
        graph,
        'TOPO_TOPIC_CONFLICT',
        `topic ${topic.name} is read by two sources: it is read once.`,
        node.id,
      );
    const differs =
      !sameSerde(topic.key, other.topic.key) || !sameSerde(topic.value, other.topic.value)
        ? 'serdes'
        : topic.partitions !== undefined &&
            other.topic.partitions !== undefined &&
            topic.partitions !== other.topic.partitions
          ? 'partition counts'
          : null;
    if (differs !== null)
      throw refuse(
        graph,
        'TOPO_TOPIC_CONFLICT',
        `topic ${topic.name} is declared twice, with different ${differs}. Declare it once and use that.`,
        node.id,
      );
  }
}

function checkReadFirst(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.kind !== 'transform' || node.op !== 'values') continue;
    const source = graph.byId.get(node.inputs[0]!)!;
    if (source.kind === 'source' && source.readFirst)
      throw refuse(
        graph,
        'TOPO_TOPIC_CONFLICT',
        `topic ${source.topic.name} is read both as a stream and as a table with readFirst: it is read once, so its stream ` +
          `could not wait for its table. Leave out readFirst, or derive the stream from the table with toStream().`,
        node.id,
      );
  }
}

/** Steps that may hand on nothing, so that a record on its way round can come to an end. */
const STOPS: ReadonlySet<TransformNode['op']> = new Set(['filter', 'flatMap', 'branch']);
const MAY_DROP: ReadonlySet<string> = new Set([
  'process',
  'dedupe',
  'distinctUntilChanged',
  'pairwise',
  'bufferCount',
  'bufferTime',
  'debounceTime',
  'throttleTime',
]);

/**
 * A topology may write to a topic that it reads: what stops the records from going round for ever is its own affair. Refused is
 * only a loop in which every record leads to another, since no step on the way can drop one.
 */
function checkLoops(graph: Graph): void {
  const sources = new Map(graph.nodes.map(node => [node.kind === 'source' ? node.topic.name : '', node.id]));
  for (const node of graph.nodes) {
    if (node.kind !== 'sink') continue;
    const source = sources.get(node.topic.name);
    if (source === undefined) continue;
    const endless = pathBetween(graph, source, node.id, step =>
      step.kind === 'transform'
        ? !STOPS.has(step.op)
        : step.kind !== 'rx' &&
          (step.kind !== 'processor' || (step.options['left'] !== false && !MAY_DROP.has(step.processor))),
    );
    if (endless !== null)
      throw refuse(
        graph,
        'TOPO_GRAPH_INVALID',
        `every record of topic ${node.topic.name} leads to another one on it, for ever. Write to another topic, or filter.`,
        node.id,
      );
  }
}

/** The operators of a `pipe` may emit under any key, and what they emit stays in their task. */
function checkKeys(graph: Graph): void {
  const pipes = graph.nodes.filter(({ kind }) => kind === 'rx');
  for (const node of graph.nodes) {
    if (!isKeyed(node)) continue;
    const pipe = pipes.findLast(({ id }) => pathBetween(graph, id, node.id, ({ kind }) => kind !== 'key') !== null);
    if (pipe === undefined) continue;
    throw refuse(
      graph,
      'TOPO_GRAPH_INVALID',
      `step '${node.id}' needs equal keys in one partition, and the operators of '${pipe.id}' in front of it may emit under any ` +
        `key. Put .repartition('a-name') between them, which keeps the keys they emit, or a keyBy or groupBy.`,
      node.id,
    );
  }
}

/** Where counts are known: steps see equal keys together only if all they read has one partition count. */
function checkPartitions(graph: Graph): void {
  /** Roots that were brought together so far, with one of them whose count is known. */
  const groups = new Map<Root, { known: Root | null }>();
  for (const node of graph.nodes) {
    if (!isKeyed(node)) continue;
    const merged: { known: Root | null } = { known: null };
    let first: Side | null = null;
    for (const root of rootsOf(node, graph.byId)) {
      const group = groups.get(root);
      const known = group?.known ?? (countOf(root) === undefined ? null : root);
      const members = group ? [...groups].filter(([, other]) => other === group).map(([member]) => member) : [root];
      for (const member of members) groups.set(member, merged);
      if (known === null) continue;
      const side: Side = { root, count: countOf(known)!, as: known };
      first ??= side;
      merged.known ??= known;
      if (side.count !== first.count) throw partitionsDiffer(graph.name, node.id, first, side);
    }
  }
}

const countOf = (root: Root): number | undefined => (root.kind === 'source' ? root.topic.partitions : root.partitions);
