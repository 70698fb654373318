import type { Aggregator, TopicSlot } from '../graph/functions.ts';
import type { Node, Topology } from '../graph/topology.ts';
import type { Serde } from '../serdes/serde.ts';
import { sameFormat } from './key-view.ts';

/** A topology's nodes, as one of its tasks runs them. */
export interface TaskGraph {
  readonly topology: Topology;
  readonly nodes: ReadonlyMap<string, Node>;
  /** Whether a key step has a repartition topic behind it. */
  readonly isCut: (id: string) => boolean;
}

/** Steps that hand values on untouched: their functions have the say on where a value goes, not on what it is. */
const HANDS_ON: ReadonlySet<string> = new Set(['values', 'filter', 'branch', 'split', 'merge']);

/**
 * Whether what reaches a node are values as they came from a topic, which `serde` would write as the same value: then the record's
 * bytes can go on in place of what would be made of them. Nothing of that is told where the format is the user's own.
 */
export function isUnchanged(node: Node, serde: Serde<unknown>, graph: TaskGraph): boolean {
  const { topology, nodes, isCut } = graph;
  return node.inputs.every(id => {
    const input = nodes.get(id)!;
    const slots = topology.functions[id] ?? {};
    if (input.kind === 'source') return writesTheSame(serde, (slots['topic'] as TopicSlot).value);
    if (input.kind === 'key' && !input.table)
      return isCut(id) ? writesTheSame(serde, slots['value'] as Serde<unknown>) : isUnchanged(input, serde, graph);
    return input.kind === 'transform' && HANDS_ON.has(input.op) && isUnchanged(input, serde, graph);
  });
}

const writesTheSame = (serde: Serde<unknown>, source: Serde<unknown>): boolean =>
  serde.description.type !== 'custom' && sameFormat(serde, source);

/**
 * Whether nothing behind a topic looks at its values, but at most asks whether one is there: they need not be decoded. A topic that
 * others write to is looked at all the same, to find what does not decode; where values are bytes, everything does.
 */
export function isUnread(node: Node, graph: TaskGraph, isOurs = node.kind === 'key'): boolean {
  const { topology, nodes } = graph;
  const readers = [...nodes.values()].filter(reader => reader.inputs.includes(node.id));
  if (readers.length === 0) return false;
  return readers.every(reader => {
    const slots = topology.functions[reader.id] ?? {};
    if (reader.kind === 'sink') {
      const { value } = slots['topic'] as TopicSlot;
      return (isOurs || value.description.type === 'bytes') && isUnchanged(reader, value, graph);
    }
    if (reader.kind === 'processor')
      return isOurs && slots['adds'] === undefined && (slots['aggregator'] as Aggregator | undefined)?.isBlind === true;
    const looks = reader.kind !== 'transform' || (reader.op !== 'values' && reader.op !== 'merge');
    return !looks && isUnread(reader, graph, isOurs);
  });
}
