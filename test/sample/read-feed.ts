import { createHash } from 'node:crypto';
import { decodeHeaders } from '../../src/records/headers.ts';
import type { FeedOptions, FeedRecord, InsuranceFeed } from '../../src/sample/insurance-feed.ts';
import { insuranceFeed } from '../../src/sample/insurance-feed.ts';
import type { ClaimRow, PolicyRow } from '../../src/sample/rows.ts';

export interface Source {
  ts_ms: number;
  snapshot: string;
  sequence: string;
  table: string;
  lsn: number;
}

export interface ChangeEvent<Row> {
  before: Row | null;
  after: Row | null;
  source: Source;
  op: 'r' | 'c' | 'u' | 'd';
  ts_ms: number;
}

/** A record with memory of its own, as a reader would see it. */
export interface Seen {
  topic: string;
  partition: number;
  timestamp: number;
  key: string;
  text: string | null;
  bytes: Buffer | null;
  headers: [string, string][];
  /** Absent on tombstones and poison. */
  event?: ChangeEvent<PolicyRow | ClaimRow>;
}

export function readFeed(options: FeedOptions): Seen[] {
  const seen: Seen[] = [];
  const feed = insuranceFeed(options);
  for (let record = feed.next(); record !== undefined; record = feed.next()) seen.push(see(record));
  return seen;
}

export function see(record: FeedRecord): Seen {
  const { topic, partition, timestamp } = record;
  const bytes = record.value === null ? null : Buffer.from(record.value);
  const text = bytes?.toString() ?? null;
  const event = text === null ? undefined : parse(text);
  const headers = decodeHeaders(record.headers).map(([name, value]): [string, string] => [
    name,
    Buffer.from(value!).toString(),
  ]);
  const key = Buffer.from(record.key).toString();
  return { topic, partition, timestamp, key, text, bytes, headers, ...(event === undefined ? {} : { event }) };
}

function parse(text: string): ChangeEvent<PolicyRow | ClaimRow> | undefined {
  try {
    return JSON.parse(text) as ChangeEvent<PolicyRow | ClaimRow>;
  } catch {
    return undefined;
  }
}

export const policyEvent = (seen: Seen): ChangeEvent<PolicyRow> | undefined =>
  seen.topic === 'policydb.public.policies' ? (seen.event as ChangeEvent<PolicyRow> | undefined) : undefined;

export const claimEvent = (seen: Seen): ChangeEvent<ClaimRow> | undefined =>
  seen.topic === 'claimsdb.public.claims' ? (seen.event as ChangeEvent<ClaimRow> | undefined) : undefined;

/** A digest of all bytes from where the feed stands. */
export function digest(feed: InsuranceFeed): string {
  const hash = createHash('sha256');
  for (let record = feed.next(); record !== undefined; record = feed.next()) {
    hash.update(`${record.topic} ${record.partition} ${record.timestamp} `).update(record.key).update(record.headers);
    if (record.value === null) hash.update('null');
    else hash.update(record.value);
  }
  return hash.digest('hex');
}
