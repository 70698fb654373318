import type { Topology } from './topology.ts';

/** Marks a topology, whichever copy of the package made it: `instanceof` fails when a file's loader makes a second copy. */
export const TOPOLOGY = Symbol.for('topo-streams.topology');

export function isTopology(value: unknown): value is Topology {
  return typeof value === 'object' && value !== null && TOPOLOGY in value;
}
