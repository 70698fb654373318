import { TopologyError } from '../../errors.ts';

/** What a topic's config comes to for the embedded broker: Kafka's names, and its defaults, except that nothing is deleted unasked. */
export interface CleaningConfig {
  readonly compacts: boolean;
  readonly deletes: boolean;
  /** Infinity: kept for ever. */
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** How long a tombstone stays when there is nothing left that it deletes. */
  readonly deleteRetentionMs: number;
  /** The part of a partition that must be new before it is compacted. */
  readonly minDirtyRatio: number;
  /** How long a partition's newest records may share one file. */
  readonly segmentMs: number;
  readonly segmentBytes: number;
}

type Config = Readonly<Record<string, string>>;

const DAY_MS = 86_400_000;

export function cleaningOf(config: Config): CleaningConfig {
  const policy = (config['cleanup.policy'] ?? 'delete').split(',').map(each => each.trim());
  const number = (name: string, or: number) => (config[name] === undefined ? or : Number(config[name]));
  const orNever = (value: number) => (value < 0 ? Infinity : value);
  return {
    compacts: policy.includes('compact'),
    deletes: policy.includes('delete'),
    retentionMs: orNever(number('retention.ms', -1)),
    retentionBytes: orNever(number('retention.bytes', -1)),
    deleteRetentionMs: number('delete.retention.ms', DAY_MS),
    minDirtyRatio: number('min.cleanable.dirty.ratio', 0.5),
    segmentMs: number('segment.ms', 7 * DAY_MS),
    segmentBytes: number('segment.bytes', Infinity),
  };
}

interface Rule {
  readonly fits: (value: string) => boolean;
  readonly takes: string;
}

const wholeFrom = (least: number): Rule => ({
  fits: value => /^-?\d{1,16}$/.test(value) && Number(value) >= least,
  takes: `a whole number from ${least} on`,
});

const RULES: Readonly<Record<string, Rule>> = {
  'cleanup.policy': {
    fits: value => /^(compact|delete)( *, *(compact|delete))*$/.test(value),
    takes: '"delete", "compact" or "compact,delete"',
  },
  'retention.ms': wholeFrom(-1),
  'retention.bytes': wholeFrom(-1),
  'delete.retention.ms': wholeFrom(0),
  'min.cleanable.dirty.ratio': {
    fits: value => /^(0(\.\d+)?|1(\.0+)?)$/.test(value),
    takes: 'a number from 0 to 1',
  },
  'segment.ms': wholeFrom(1),
  'segment.bytes': wholeFrom(14),
  'max.message.bytes': wholeFrom(0),
  'message.timestamp.after.max.ms': wholeFrom(0),
  'message.timestamp.type': {
    fits: value => value === 'CreateTime',
    takes: '"CreateTime": records keep the time that they are written with',
  },
};

/** They change nothing that a reader or writer sees, or concern a cluster of many: a topology may name them for Kafka's sake. */
const OF_KAFKA_ALONE: ReadonlySet<string> = new Set([
  'compression.type',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'index.interval.bytes',
  'min.insync.replicas',
  'preallocate',
  'segment.index.bytes',
  'segment.jitter.ms',
  'unclean.leader.election.enable',
]);

/** @throws TopologyError `TOPO_TOPIC_CONFIG` for a name that is none, or a value that it does not take */
export function checkConfig(topic: string, config: Config): void {
  for (const [name, value] of Object.entries(config)) {
    if (OF_KAFKA_ALONE.has(name)) continue;
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (rule === undefined)
      throw new TopologyError(
        'TOPO_TOPIC_CONFIG',
        `Topic ${topic}: the embedded broker has no config ${name}. It has ${Object.keys(RULES).join(', ')}; and it takes, ` +
          `without a use for them, ${[...OF_KAFKA_ALONE].join(', ')}.`,
        { topic },
      );
    if (typeof value !== 'string' || !rule.fits(value))
      throw new TopologyError(
        'TOPO_TOPIC_CONFIG',
        `Topic ${topic}: ${name} takes ${rule.takes}, not ${JSON.stringify(value)}.`,
        {
          topic,
        },
      );
  }
}
