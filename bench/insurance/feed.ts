import { join } from 'node:path';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { CLAIMS_TOPIC, POLICIES_TOPIC, insuranceFeed } from '../../src/sample/insurance-feed.ts';
import type { FeedRecord } from '../../src/sample/insurance-feed.ts';
import { PARTITIONS } from '../lines/line.ts';
import { writeRecords } from '../record-writer.ts';

/** In ten years a policy and its claims make nine changes, on average. */
const YEARS = 10;
const RECORDS_A_POLICY = 8;

/** The first records of the sample feed for as many policies as that is about all of: a snapshot, then changes. */
export function* feedRecords(records: number): Generator<FeedRecord> {
  const policies = Math.ceil(records / RECORDS_A_POLICY);
  const feed = insuranceFeed({ policies, years: YEARS, seed: 1, partitions: PARTITIONS });
  for (let record = feed.next(); record !== undefined && feed.position <= records; record = feed.next()) yield record;
}

/** Writes them to a new log in this folder, to the partitions that the feed itself chooses. Resolves to their number. */
export async function writeFeed(folder: string, records: number): Promise<number> {
  return writeRecords(await nodeDisk(join(folder, 'log')), [POLICIES_TOPIC, CLAIMS_TOPIC], newRecords(records));
}

function* newRecords(records: number) {
  for (const { timestamp: timestampMs, ...record } of feedRecords(records)) yield { timestampMs, ...record };
}
