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
  /** The steps that a node which is not shown leads back to. */
  const shownAs = new Map<string, readonly string[]>();
  const readers = new Map<string, number>();
  for (const node of nodes) for (const input of readsOf(node)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const steps = new Map<string, ShapeStep>();
  for (const node of nodes) {
    const from = [...new Set(readsOf(node).flatMap(input => shownAs.get(input)!))];
    const [first] = node.inputs;
    const [above] = first === undefined ? [] : shownAs.get(first)!;
    const isPart = node.partOf !== undefined;
    if (isPart || (above !== undefined && isHidden(node, steps.get(above)!, readers.get(first!)!))) {
      shownAs.set(node.id, isPart ? from : [above!]);
      continue;
    }
    shownAs.set(node.id, [node.id]);
    steps.set(node.id, { id: node.id, label: labelOf(node), node, from });
  }
  return { steps: [...steps.values()] };
}

/** Also a filter right behind a filter, and so on: two unnamed steps of one op are one to a reader. */
function isHidden(node: Node, above: ShapeStep, readersOfInput: number): boolean {
  if (node.kind !== 'transform') return false;
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
