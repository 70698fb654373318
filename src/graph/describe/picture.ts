import type { Topology } from '../topology.ts';
import { anchorOf, endOf, isStub, layOut } from './layout.ts';
import type { Box, Stub } from './layout.ts';
import { shapeOf } from './shape.ts';

/**
 * A topology from left to right, one line a chain:
 *
 *     policies ─▶ terms ───────────┐
 *     claims ─▶ filter ─▶ by-policy ─▶ with-policy ─▶ enriched
 */
export function pictureOf(topology: Pick<Topology, 'nodes'>): string {
  const { boxes, stubs } = layOut(shapeOf(topology));
  const canvas = new Canvas();
  for (const box of boxes) {
    const { children } = box;
    children.forEach((child, i) => drawEdge(canvas, box, child, i === 0));
  }
  for (const stub of stubs) drawTurn(canvas, stub);
  for (const { step, row, x } of boxes) canvas.write(row, x, step.label);
  return canvas.toString();
}

function drawEdge(canvas: Canvas, parent: Box, child: Box | Stub, first: boolean): void {
  const end = endOf(parent);
  if (!first) {
    canvas.vertical(end, parent.row, child.row);
    canvas.turn(child.row, end, UP | RIGHT);
  }
  if (isStub(child)) canvas.horizontal(child.row, end + 1, anchorOf(child.target) - 1);
  else {
    canvas.horizontal(child.row, end + 1, child.x - 3);
    canvas.write(child.row, child.x - 2, '▶');
  }
}

/** Where a stub turns towards its target's label. */
function drawTurn(canvas: Canvas, { row, target }: Stub): void {
  const column = anchorOf(target);
  canvas.turn(row, column, LEFT | (target.row > row ? DOWN : UP));
  canvas.vertical(column, Math.min(row, target.row), Math.max(row, target.row));
}

const LEFT = 1;
const RIGHT = 2;
const UP = 4;
const DOWN = 8;
/** The character with lines to these sides. */
const LINES = [' ', '─', '─', '─', '│', '┘', '└', '┴', '│', '┐', '┌', '┬', '│', '┤', '├', '┼'];

/** Characters and lines; lines that meet join. */
class Canvas {
  readonly #rows: (string | number | undefined)[][] = [];

  write(row: number, x: number, text: string): void {
    [...text].forEach((character, i) => (this.#row(row)[x + i] = character));
  }

  horizontal(row: number, from: number, to: number): void {
    for (let x = from; x <= to; x++) this.turn(row, x, LEFT | RIGHT);
  }

  /** Between two rows, without them. */
  vertical(x: number, above: number, below: number): void {
    for (let row = above + 1; row < below; row++) this.turn(row, x, UP | DOWN);
  }

  turn(row: number, x: number, sides: number): void {
    const cells = this.#row(row);
    const cell = cells[x] ?? 0;
    if (typeof cell === 'number') cells[x] = cell | sides;
  }

  toString(): string {
    return this.#rows
      .map(cells =>
        Array.from(cells, cell => (typeof cell === 'string' ? cell : LINES[cell ?? 0]))
          .join('')
          .trimEnd(),
      )
      .join('\n');
  }

  #row(row: number): (string | number | undefined)[] {
    while (this.#rows.length <= row) this.#rows.push([]);
    return this.#rows[row]!;
  }
}
