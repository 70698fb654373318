import type { Shape, ShapeStep } from './shape.ts';

/**
 * A label's place on the grid of characters. Each step has one and hangs behind the first step in front of it, so that boxes
 * form trees; where a step reads several, each further one ends in a `Stub`, a line that runs into its label.
 */
export interface Box {
  readonly step: ShapeStep;
  readonly parent: Box | null;
  /** Boxes and stubs behind it: the first goes on in its row, the others have rows below. */
  readonly children: (Box | Stub)[];
  row: number;
  /** Of the label's first character. */
  x: number;
  /** Pushed at least that far right, to let a line pass. */
  minX: number;
}

export interface Stub {
  readonly parent: Box;
  readonly target: Box;
  row: number;
}

export interface Layout {
  readonly boxes: readonly Box[];
  readonly stubs: readonly Stub[];
}

const MARGIN = 2;
/** ` ─▶ ` and `└▶ ` */
const ARROW = 4;
const BRANCH = 3;
/** Two labels may push each other for ever: then a line runs behind one of them. */
const MAX_ROUNDS = 500;

export const isStub = (child: Box | Stub): child is Stub => 'target' in child;
const widthOf = ({ step }: Box): number => step.label.length;
/** The column behind the label, where its branches hang. */
export const endOf = (box: Box): number => box.x + widthOf(box);
/** The column where lines run into a label from above or below. */
export const anchorOf = (box: Box): number => box.x + Math.min(1, widthOf(box) - 1);

export function layOut({ steps }: Shape): Layout {
  const boxes = new Map<string, Box>();
  for (const step of steps) {
    const parent = boxes.get(step.from[0] ?? '') ?? null;
    const box: Box = { step, parent, children: [], row: 0, x: MARGIN, minX: 0 };
    boxes.set(step.id, box);
    parent?.children.push(box);
  }
  const all = [...boxes.values()];
  const stubs: Stub[] = [];
  for (const target of all)
    for (const id of target.step.from.slice(1)) {
      const stub = { parent: boxes.get(id)!, target, row: 0 };
      stub.parent.children.push(stub);
      stubs.push(stub);
    }
  placeRows(all, stubs);
  placeColumns(all, stubs);
  return { boxes: all, stubs };
}

/** Trees one below the other: a tree that another one reads from stands above it. */
function placeRows(boxes: readonly Box[], stubs: readonly Stub[]): void {
  const rootOf = (box: Box): Box => (box.parent === null ? box : rootOf(box.parent));
  const placed = new Set<Box>();
  let next = 0;
  const placeTree = (root: Box) => {
    if (placed.has(root)) return;
    placed.add(root);
    for (const { parent, target } of stubs) if (rootOf(target) === root) placeTree(rootOf(parent));
    place(root, next++);
  };
  // the branches of a row's last step come first, so that those of earlier ones reach down past them on the left
  const place = (child: Box | Stub, row: number) => {
    child.row = row;
    if (isStub(child)) return;
    child.children.forEach((grandchild, i) => place(grandchild, i === 0 ? row : next++));
  };
  for (const box of boxes) if (box.parent === null) placeTree(box);
}

function placeColumns(boxes: readonly Box[], stubs: readonly Stub[]): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    for (const box of boxes) {
      const { parent } = box;
      const start = parent === null ? MARGIN : endOf(parent) + (parent.children[0] === box ? ARROW : BRANCH);
      box.x = Math.max(start, box.minX);
    }
    if (!stubs.some(stub => pushTarget(stub, boxes, stubs))) return;
  }
}

/** Moves a stub's target right if its line would not fit; says whether it did. */
function pushTarget({ parent, target, row }: Stub, boxes: readonly Box[], stubs: readonly Stub[]): boolean {
  const column = anchorOf(target);
  const [top, bottom] = [Math.min(row, target.row), Math.max(row, target.row)];
  const push = (to: number): boolean => {
    target.minX = target.x + to - column;
    return true;
  };
  if (column < endOf(parent) + 2) return push(endOf(parent) + 2);
  for (const box of boxes) {
    const end = endOf(box);
    if (box.row > top && box.row < bottom && column >= box.x - 3 && column <= end) return push(end + 1);
    const lowest = box.children.at(-1)?.row ?? box.row;
    if (column === end && box.row < bottom && lowest > top && lowest > box.row) return push(column + 1);
  }
  const crossed = stubs.some(other => {
    if (other.target === target || anchorOf(other.target) !== column) return false;
    const [from, to] = [Math.min(other.row, other.target.row), Math.max(other.row, other.target.row)];
    return from <= bottom && to >= top;
  });
  return crossed && push(column + 2);
}
