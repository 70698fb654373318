import type { PartitionSize, TopicPartition } from '../../runtime/ports.ts';
import { rangeOf, type LogView } from './fetch.ts';

/** @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
export async function sizeOf({ state, index }: LogView, at: TopicPartition): Promise<PartitionSize> {
  const { start } = rangeOf(state, at);
  return index.totals(state.topics.get(at.topic)!.number, at.partition, start);
}
