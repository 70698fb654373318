import type { Node } from '../graph/topology.ts';

/**
 * A step that one change of a table may reach by several of its inputs: a table joined with itself, or with what was made of
 * it. Such a step never sees its inputs half changed: it waits until the change has come by all of them, and then hands on once
 * what it comes to. That is when everything behind the node where the ways part has run.
 */
export class Confluence {
  #depth = 0;
  /** Set by the step: hands on what has come to it. */
  settle: () => void = () => {};
  /** Set by the step: what has come to it is taken back. */
  forget: () => void = () => {};

  /** More of the change under way may come. */
  get isOpen(): boolean {
    return this.#depth > 0;
  }

  enter(): void {
    this.#depth++;
  }

  leave(): void {
    this.#depth--;
    if (this.#depth === 0) this.settle();
  }

  fail(): void {
    this.#depth = 0;
    this.forget();
  }
}

interface Confluences {
  /** By the step's id. */
  readonly steps: ReadonlyMap<string, Confluence>;
  /** Of the steps whose ways part at a node, by its id; in the order in which they stand behind one another. */
  readonly partings: ReadonlyMap<string, readonly Confluence[]>;
}

/** The confluences among a task's nodes, which are in declaration order. */
export function confluencesOf(nodes: readonly Node[]): Confluences {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const steps = new Map<string, Confluence>();
  const partings = new Map<string, Confluence[]>();
  for (const node of nodes) {
    if (node.kind !== 'processor' || node.tables.length < 2) continue;
    // only what looks up its own inputs can see them half changed
    if (!node.inputs.every(input => node.tables.includes(input))) continue;
    const ways = node.inputs.map(input => upwardsOf(input, byId));
    const shared = [...ways[0]!].filter(id => ways.every(way => way.has(id)));
    if (shared.length === 0) continue;
    const confluence = new Confluence();
    steps.set(node.id, confluence);
    const reaching = [node, ...new Set(ways.flatMap(way => [...way]))].flatMap(
      one => (typeof one === 'string' ? byId.get(one)?.inputs : one.inputs) ?? [],
    );
    for (const id of shared)
      if (reaching.filter(input => input === id).length > 1)
        partings.set(id, [...(partings.get(id) ?? []), confluence]);
  }
  return { steps, partings };
}

/** The node and all that it is made of. */
function upwardsOf(id: string, byId: ReadonlyMap<string, Node>, found = new Set<string>()): Set<string> {
  if (found.has(id)) return found;
  found.add(id);
  for (const input of byId.get(id)?.inputs ?? []) upwardsOf(input, byId, found);
  return found;
}
