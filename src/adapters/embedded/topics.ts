import { TopologyError } from '../../errors.ts';
import type { NewTopic, TopicInfo } from '../../runtime/ports.ts';
import type { LogState, NewTopicsDirectory } from './log-state.ts';

const MAX_PARTITIONS = 10_000;

export function topicsOf(state: LogState): TopicInfo[] {
  return [...state.topics.values()].map(({ name, id, config, partitions }) => ({
    name,
    id,
    config,
    partitions: partitions.length,
  }));
}

/** @throws TopologyError `TOPO_TOPIC_CONFLICT`, `TOPO_NAME_INVALID` */
export function newTopics(state: LogState, topics: readonly NewTopic[], newId: () => string): NewTopicsDirectory {
  const names = new Set(state.topics.keys());
  const checked = topics.map(({ name, partitions, config }, i) => {
    const place = { topic: name };
    if (names.has(name)) throw new TopologyError('TOPO_TOPIC_CONFLICT', `Topic ${name} exists already.`, place);
    names.add(name);
    // Kafka's rule (org.apache.kafka.common.internals.Topic)
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
      const what = `"${name}" is no topic name: letters, digits, ".", "_" and "-", at most 249 of them.`;
      throw new TopologyError('TOPO_NAME_INVALID', what);
    }
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS)
      throw new TopologyError('TOPO_TOPIC_CONFLICT', `Topic ${name} cannot have ${partitions} partitions.`, place);
    return { number: state.nextTopic + i, name, id: newId(), config: { ...config }, partitions };
  });
  return { topics: checked };
}
