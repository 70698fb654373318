import { TopologyError } from '../errors.ts';
import type { Aggregator, TopicSlot } from '../graph/functions.ts';
import { repartitionTopic } from '../graph/names.ts';
import type { KeyNode, Node, ProcessorNode, SourceNode, Topology } from '../graph/topology.ts';
import { NOTHING } from './chain.ts';
import type { Compiled, Kind, Lookup, Site, Step } from './chain.ts';
import type { Counters } from './counters.ts';
import type { TopicOutput } from './outputs.ts';
import { consumersOf } from './plan.ts';
import type { Input, SubTopology } from './plan.ts';
import type { Store } from './store.ts';
import { decode } from './unit.ts';
import type { Unit } from './unit.ts';

/** What a task brings to its chain. */
export interface Parts {
  readonly topology: Topology;
  readonly subTopology: SubTopology;
  readonly kinds: Readonly<Record<string, Kind<never>>>;
  readonly unit: Unit;
  readonly counters: Counters;
  readonly stores: ReadonlyMap<string, Store>;
  /** Of sinks and repartitions, by topic. */
  readonly outputs: ReadonlyMap<string, TopicOutput>;
  readonly appended: (row: number) => void;
}

export interface Chain {
  /** What is to be done with a record of each input. */
  readonly entries: ReadonlyMap<Input, Step>;
  /** Inputs whose values no step looks at: they need not be decoded. */
  readonly unread: ReadonlySet<Input>;
  readonly drains: readonly (() => void | Promise<void>)[];
  readonly resets: readonly (() => void)[];
}

/** Fuses a sub-topology into one chain of closures for one task: no allocation and no promise a record. */
export function compile(parts: Parts): Chain {
  const { topology, subTopology, kinds, counters, outputs } = parts;
  const nodes = new Map(topology.nodes.map(node => [node.id, node]));
  const members = new Set(subTopology.nodes.map(node => node.id));
  const consumers = consumersOf(topology);
  const compiled = new Map<string, Compiled>();
  const drains: (() => void | Promise<void>)[] = [];
  const resets: (() => void)[] = [];

  const readersOf = (id: string): Step =>
    fanOut(
      (consumers.get(id) ?? [])
        .filter(reader => members.has(reader))
        .flatMap(reader => stepsReading(nodes.get(reader)!, id, compiled.get(reader)!)),
    );
  const isCut = (id: string) => outputs.has(repartitionTopic(topology.name, id));

  // readers first: a node is compiled with the steps behind it
  for (const node of [...subTopology.nodes].reverse()) {
    const site: Site = {
      unit: parts.unit,
      counters,
      slots: topology.functions[node.id] ?? {},
      next: node.kind === 'key' && isCut(node.id) ? NOTHING : readersOf(node.id),
      branch: name => compiled.get(branchOf(topology, node.id, name))!.steps[0]!,
      store: name => parts.stores.get(name)!,
      lookup: table => lookupIn(nodes.get(table) as ProcessorNode, parts),
      output: topic => outputs.get(topic)!,
      repartition: () => outputs.get(repartitionTopic(topology.name, node.id)),
      needsOld: needsOld(node.id, nodes, consumers),
      aggregates: (consumers.get(node.id) ?? []).flatMap((reader): [string, Aggregator][] => {
        const aggregator = topology.functions[reader]?.['aggregator'] as Aggregator | undefined;
        return aggregator ? [[reader, aggregator]] : [];
      }),
      isRaw: () => isRaw(node, nodes, topology),
      appended: parts.appended,
    };
    const kind = kinds[node.kind];
    if (!kind) throw new TopologyError('TOPO_GRAPH_INVALID', `step '${node.id}': there is no kind '${node.kind}'`);
    const result = kind.compile(node as never, site);
    if (result.drain) drains.push(result.drain);
    if (result.reset) resets.push(result.reset);
    compiled.set(node.id, result);
  }
  const entries = subTopology.inputs.map((input): [Input, Step] => {
    const { node } = input;
    return [
      input,
      node.kind === 'source' ? compiled.get(node.id)!.steps[0]! : behindRepartition(node, readersOf(node.id)),
    ];
  });
  const unread = subTopology.inputs.filter(({ node }) => node.kind === 'source' && isUnread(node, nodes, topology));
  return { entries: new Map(entries), unread: new Set(unread), drains: drains.reverse(), resets };
}

/** A table's repartition carries old and new value as one. */
function behindRepartition(node: KeyNode, next: Step): Step {
  if (!node.table) return value => next(value, null);
  return value => {
    const change = value as { old: unknown; new: unknown };
    next(change.new, change.old);
  };
}

/** The steps of `reader` for the inputs that are `id`. The branches of a split are its steps' own business. */
function stepsReading(reader: Node, id: string, { steps }: Compiled): Step[] {
  return reader.inputs.flatMap((input, index) => (input === id ? [steps[index]!] : []));
}

function fanOut(steps: readonly Step[]): Step {
  if (steps.length === 0) return NOTHING;
  if (steps.length === 1) return steps[0]!;
  if (steps.length === 2) {
    const [first, second] = steps as [Step, Step];
    return (value, old) => {
      first(value, old);
      second(value, old);
    };
  }
  return (value, old) => {
    for (const step of steps) step(value, old);
  };
}

function branchOf(topology: Topology, split: string, name: string): string {
  const branch = topology.nodes.find(
    node => node.kind === 'transform' && node.op === 'branch' && node.branch === name && node.inputs[0] === split,
  );
  return branch!.id;
}

/** Whether somebody behind a table asks for a row's value before the change. */
function needsOld(
  id: string,
  nodes: ReadonlyMap<string, Node>,
  consumers: ReadonlyMap<string, readonly string[]>,
): boolean {
  return (consumers.get(id) ?? []).some(reader => {
    const node = nodes.get(reader)!;
    if (node.kind === 'transform') return node.table && (node.op === 'filter' || needsOld(reader, nodes, consumers));
    return (node.kind === 'key' && node.table) || (node.kind === 'processor' && node.table);
  });
}

/** A table's rows as lookups see them: the store's values, decoded; an aggregate's result, not its state. */
function lookupIn(node: ProcessorNode, { topology, stores }: Parts): Lookup {
  const store = stores.get(node.stores[0]!.name)!;
  const slots = topology.functions[node.id]!;
  const { aggregator } = slots;
  const serde = aggregator ? aggregator.serde : slots['row'].serde;
  return key => {
    const stored = store.get(key);
    if (stored === null) return null;
    const value: unknown = decode(serde, stored, 'value');
    return aggregator ? aggregator.result(value) : value;
  };
}

/** Steps that hand values on untouched. */
const HANDS_ON: ReadonlySet<string> = new Set(['values', 'filter', 'peek', 'branch', 'split', 'merge']);

/** Whether a sink's records are bytes as they came, under the key they came with, in the sink's own formats. */
function isRaw(sink: Node, nodes: ReadonlyMap<string, Node>, topology: Topology): boolean {
  const to = topology.functions[sink.id]!['topic'] as TopicSlot;
  if (to.value.description.type !== 'bytes') return false;
  const sourcesOf = (node: Node): (SourceNode | undefined)[] => {
    if (node.kind === 'source') return [node];
    const handsOn = node.kind === 'sink' || (node.kind === 'transform' && HANDS_ON.has(node.op));
    return handsOn ? node.inputs.flatMap(input => sourcesOf(nodes.get(input)!)) : [undefined];
  };
  return sourcesOf(sink).every(
    source =>
      source !== undefined &&
      source.topic.value.type === 'bytes' &&
      JSON.stringify(source.topic.key) === JSON.stringify(to.key.description) &&
      source.topic.key.type !== 'custom',
  );
}

/** Whether everything behind a node copies whole records, and at most asks whether a value is there. */
function isUnread(node: Node, nodes: ReadonlyMap<string, Node>, topology: Topology): boolean {
  const readers = [...nodes.values()].filter(reader => reader.inputs.includes(node.id));
  if (readers.length === 0) return false;
  return readers.every(reader => {
    if (reader.kind === 'sink') return isRaw(reader, nodes, topology);
    const looks = reader.kind !== 'transform' || (reader.op !== 'values' && reader.op !== 'merge');
    return !looks && isUnread(reader, nodes, topology);
  });
}
