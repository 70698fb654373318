import type { Node, TopicReference, Topology } from '../../graph/topology.ts';
import type { ProcessSlot } from '../../graph/process.ts';
import { hasTiming } from '../../graph/process.ts';
import { isRead, repartitioned } from '../../graph/edges.ts';

/**
 * Whether results follow from the input alone, record by record, where all of it lay there before the start (rule G2): nothing is
 * repartitioned, nothing goes by the clock, by calls or by when commits happen, and no input is compacted before it is read.
 */
export function isDeterministic(topology: Topology): boolean {
  if (repartitioned(topology).length > 0) return false;
  const written = new Set(topology.nodes.flatMap(node => (node.kind === 'sink' ? [node.topic.name] : [])));
  return topology.nodes.every(node => {
    if (node.kind === 'rx' || (isRead(node) && (written.has(node.topic.name) || isCompacted(node.topic)))) return false;
    return (node.kind !== 'processor' || node.processor !== 'mapAsync') && !goesByClock(topology, node);
  });
}

/** Whether something of a step falls due by the clock. */
export function goesByClock({ functions }: Topology, { id }: Node): boolean {
  const process = functions[id]?.['process'] as ProcessSlot | undefined;
  return process !== undefined && hasTiming(process.wallClock);
}

/** Records of a topic go when a later one has their key. */
export const isCompacted = ({ config = {} }: Pick<TopicReference, 'config'>): boolean =>
  config['cleanup.policy']?.includes('compact') === true;
