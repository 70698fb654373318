import type { Broker, TopicInfo } from '../runtime/ports.ts';
import { CLAIMS_TOPIC, POLICIES_TOPIC } from './insurance-feed.ts';

/**
 * Time retention would delete the sample at once, since its clock starts in 2021. The timestamp type is Kafka's default, and
 * set only as a mark: a topic with these very settings is the sample's own.
 */
const CONFIG = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'message.timestamp.type': 'CreateTime' } as const;

const NAMES = [POLICIES_TOPIC, CLAIMS_TOPIC];

/**
 * Makes the input topics if none of them exists, and returns how many partitions they have. Undefined: they are somebody
 * else's. Empty topics with the sample's settings are what a kill before its first commit left behind.
 */
export async function claimTopics(broker: Broker, partitions: number): Promise<number | undefined> {
  const existing = (await broker.topics()).filter(({ name }) => NAMES.includes(name));
  if (existing.length === 0) {
    await broker.createTopics(NAMES.map(name => ({ name, partitions, config: CONFIG })));
    return partitions;
  }
  const [first, second] = existing;
  if (second === undefined || first?.partitions !== second.partitions || !existing.every(isOurs)) return undefined;
  const ranges = await broker.offsets(existing.flatMap(partitionsOf));
  return ranges.every(({ end }) => end === 0) ? first.partitions : undefined;
}

function isOurs({ config }: TopicInfo): boolean {
  const entries = Object.entries(CONFIG);
  return Object.keys(config).length === entries.length && entries.every(([key, value]) => config[key] === value);
}

const partitionsOf = ({ name, partitions }: TopicInfo): { topic: string; partition: number }[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition }));
