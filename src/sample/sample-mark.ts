import { TopologyError } from '../errors.ts';
import type { Broker, OffsetCommit } from '../runtime/ports.ts';
import { FEED_VERSION, POLICIES_TOPIC } from './insurance-feed.ts';
import type { FeedOptions } from './insurance-feed.ts';
import { sampleText } from './sample-options.ts';

export const SAMPLE_GROUP = 'topo-sample';

/** How far a sample has got, and what it is made of. It lies in the metadata of an offset that each of its commits carries. */
export interface SampleMark extends FeedOptions {
  readonly version: number;
  /** Records of the feed that are written. */
  readonly records: number;
  readonly finished: boolean;
}

/** Where the mark lies. The offset itself says nothing. */
const PLACE = { topic: POLICIES_TOPIC, partition: 0 } as const;

export function markCommit(options: FeedOptions, records: number, finished: boolean): OffsetCommit {
  const { policies, years, seed, partitions } = options;
  const mark: SampleMark = { version: FEED_VERSION, policies, years, seed, partitions, records, finished };
  return { ...PLACE, offset: records, metadata: JSON.stringify(mark) };
}

/** The mark among a group's committed offsets. @throws TopologyError when another version of the generator wrote it. */
export function markAmong(offsets: readonly OffsetCommit[]): SampleMark | undefined {
  const found = offsets.find(({ topic, partition }) => topic === PLACE.topic && partition === PLACE.partition);
  if (found === undefined) return undefined;
  const mark = parse(found.metadata);
  if (mark?.finished === true || mark?.version === FEED_VERSION) return mark;
  throw new TopologyError(
    'TOPO_MANIFEST_MISMATCH',
    'The sample feed in this broker was begun by another version of Topo and is not finished; this version would go on with ' +
      'other records. Start with --no-sample to keep what there is, or with another --data folder for a new sample.',
    { topic: POLICIES_TOPIC },
  );
}

export const readMark = async (broker: Broker): Promise<SampleMark | undefined> =>
  markAmong(await broker.groupOffsets(SAMPLE_GROUP));

/** @throws TopologyError `TOPO_USAGE` when the wanted options are not those that the unfinished sample was begun with. */
export function checkSame(mark: SampleMark, wanted: Partial<FeedOptions>): void {
  const keys = ['policies', 'years', 'seed', 'partitions'] as const;
  const other = keys.filter(key => wanted[key] !== undefined && wanted[key] !== mark[key]);
  if (other.length === 0) return;
  throw new TopologyError(
    'TOPO_USAGE',
    `The sample feed in this broker is not finished, and was begun with ${sampleText(mark)} and ${mark.partitions} partitions; ` +
      `it cannot go on with ${other.map(key => `${key}=${wanted[key]}`).join(', ')}. ` +
      `Start with --sample ${sampleText(mark)}, with --no-sample, or with another --data folder for a new one.`,
    { topic: POLICIES_TOPIC },
  );
}

function parse(metadata: string): SampleMark | undefined {
  try {
    const mark = JSON.parse(metadata) as SampleMark | null;
    return mark ?? undefined;
  } catch {
    return undefined;
  }
}
