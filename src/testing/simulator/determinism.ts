import type { Topology } from '../../graph/topology.ts';
import type { ProcessSlot } from '../../graph/process.ts';
import { hasTiming } from '../../graph/process.ts';
import { repartitioned } from '../../graph/edges.ts';

/**
 * Whether results follow from the input alone, record by record, where all of it lay there before the start (rule G2): nothing is
 * repartitioned, and nothing goes by the clock, by calls or by when commits happen.
 */
export function isDeterministic(topology: Topology): boolean {
  if (repartitioned(topology).length > 0) return false;
  const written = new Set(topology.nodes.flatMap(node => (node.kind === 'sink' ? [node.topic.name] : [])));
  return topology.nodes.every(node => {
    if (node.kind === 'rx' || (node.kind === 'source' && written.has(node.topic.name))) return false;
    if (node.kind !== 'processor') return true;
    const process = topology.functions[node.id]?.['process'] as ProcessSlot | undefined;
    return node.processor !== 'mapAsync' && (process === undefined || !hasTiming(process.wallClock));
  });
}
