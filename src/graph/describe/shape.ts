import { readsOf } from '../edges.ts';
import type { Node, Topology } from '../topology.ts';

/** A topology as people see it: without the steps that only machines need, and with a name for each that is left. */
export interface Shape {
  readonly steps: readonly ShapeStep[];
}

export interface ShapeStep {
  readonly id: string;
  readonly label: string;
  readonly node: Node;
  /** Ids of the steps in front of it; the first is the one whose records it hands on. */
  readonly from: readonly string[];
}

/** Steps that say nothing to a reader: the stream of a source, the changes of a table. */
const SILENT: ReadonlySet<string> = new Set(['values', 'toStream']);

export function shapeOf({ nodes }: Pick<Topology, 'nodes'>): Shape {
  /** Where a node that is not shown leads back to. */
  const shownAs = new Map<string, string>();
  const readers = new Map<string, number>();
  for (const node of nodes) for (const input of readsOf(node)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const steps = new Map<string, ShapeStep>();
  for (const node of nodes) {
    const [first] = node.inputs;
    const above = first === undefined ? undefined : shownAs.get(first)!;
    if (node.kind === 'transform' && above !== undefined && isHidden(node, steps.get(above)!, readers.get(first!)!)) {
      shownAs.set(node.id, above);
      continue;
    }
    shownAs.set(node.id, node.id);
    const from = [...new Set(readsOf(node).map(input => shownAs.get(input)!))];
    steps.set(node.id, { id: node.id, label: labelOf(node), node, from });
  }
  return { steps: [...steps.values()] };
}

/** Also a filter right behind a filter, and so on: two unnamed steps of one op are one to a reader. */
function isHidden(node: Node & { kind: 'transform' }, above: ShapeStep, readersOfInput: number): boolean {
  if (SILENT.has(node.op)) return true;
  const same = above.node.kind === 'transform' && above.node.op === node.op;
  return same && node.op !== 'branch' && node.inputs.length === 1 && readersOfInput === 1;
}

function labelOf(node: Node): string {
  switch (node.kind) {
    case 'source':
    case 'sink':
      return node.topic.name;
    case 'transform':
      return node.branch ?? node.op;
    default:
      return node.id;
  }
}
