import type { Topology } from '../topology.ts';
import { shapeOf } from './shape.ts';
import type { ShapeStep } from './shape.ts';

/**
 * A Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html): topics are rounded, stores cylinders, key steps hexagons;
 * a table that a join looks up comes in on a dotted line.
 */
export function describeMermaid(topology: Topology): string {
  const { steps } = shapeOf(topology);
  const ids = new Map(steps.map(({ id }, i) => [id, `n${i}`]));
  const edges = steps.flatMap(({ id, from, node }) =>
    from.map((above, i) => {
      const lookedUp = i > 0 && node.kind === 'processor';
      return `  ${ids.get(above)} ${lookedUp ? '-.->' : '-->'} ${ids.get(id)}`;
    }),
  );
  return ['flowchart LR', ...steps.map(step => `  ${ids.get(step.id)}${box(step)}`), ...edges, ''].join('\n');
}

function box({ label, node }: ShapeStep): string {
  const text = `"${escaped(label)}"`;
  if (node.kind === 'source' || node.kind === 'sink') return `([${text}])`;
  if (node.kind === 'key') return `{{${text}}}`;
  return node.kind === 'global' || (node.kind === 'processor' && node.stores.length > 0) ? `[(${text})]` : `[${text}]`;
}

/** Mermaid's own entities; `#` starts one, and a backtick a Markdown string. */
const escaped = (text: string): string => text.replace(/[#"<>&`\\\n]/g, character => `#${character.charCodeAt(0)};`);
