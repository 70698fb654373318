import { TopologyError } from '../../errors.ts';
import type { NewTopic, TopicInfo, TopicPartition } from '../../runtime/ports.ts';
import type { LogState, Topic } from './log-state.ts';
import type { StateChange } from './state-change.ts';
import { checkConfig } from './topic-config.ts';

const MAX_PARTITIONS = 10_000;

export function topicsOf(state: LogState): TopicInfo[] {
  return [...state.topics.values()].map(({ name, id, config, partitions }) => ({
    name,
    id,
    config,
    partitions: partitions.length,
  }));
}

/** @throws TopologyError `TOPO_TOPIC_CONFLICT`, `TOPO_NAME_INVALID`, `TOPO_TOPIC_CONFIG` */
export function newTopics(state: LogState, topics: readonly NewTopic[], newId: () => string): StateChange {
  const names = new Set(state.topics.keys());
  const create = topics.map(({ name, partitions, config }, i) => {
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
    checkConfig(name, config);
    return { number: state.nextTopic + i, name, id: newId(), config: { ...config }, partitions };
  });
  return { create };
}

/** @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
export function withoutTopics(state: LogState, names: readonly string[]): StateChange {
  return { delete: names.map(name => topicNamed(state, name).number) };
}

/** @throws TopologyError `TOPO_TOPIC_UNKNOWN`, `TOPO_TOPIC_CONFIG` */
export function withConfig(state: LogState, name: string, config: Readonly<Record<string, string>>): StateChange {
  const { number } = topicNamed(state, name);
  checkConfig(name, config);
  return { configure: [{ topic: number, config: { ...config } }] };
}

/** Undefined when nothing lies in front of these offsets. @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
export function withStarts(
  state: LogState,
  before: readonly (TopicPartition & { readonly offset: number })[],
): StateChange | undefined {
  const starts = before.flatMap(({ topic, partition, offset }): [number, number, number][] => {
    const { number } = topicNamed(state, topic);
    const found = state.at(number, partition);
    if (found === undefined) throw unknownTopic(state, topic);
    const start = Math.min(offset, found.end);
    return start > found.start ? [[number, partition, start]] : [];
  });
  return starts.length === 0 ? undefined : { starts };
}

function topicNamed(state: LogState, name: string): Topic {
  const found = state.topics.get(name);
  if (found === undefined) throw unknownTopic(state, name);
  return found;
}

/** What to say of a topic or partition that is not there. */
export function unknownTopic(state: LogState, topic: string, partition?: number): TopologyError {
  const known = state.topics.get(topic);
  const what =
    known === undefined ? `There is no topic ${topic}.` : `Topic ${topic} has ${known.partitions.length} partitions.`;
  return new TopologyError('TOPO_TOPIC_UNKNOWN', what, { topic, ...(partition !== undefined && { partition }) });
}
