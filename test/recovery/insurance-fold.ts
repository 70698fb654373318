import { cents, protobuf } from 'topo-streams';
import { expect } from 'vitest';
import { CLAIMS_TOPIC, insuranceFeed, POLICIES_TOPIC } from '../../src/sample/insurance-feed.ts';
import type { FeedOptions } from '../../src/sample/insurance-feed.ts';
import { ClaimEnriched } from '../../topologies/gen/insurance/v1/claim-enriched.ts';
import { ClaimsByPolicy } from '../../topologies/gen/insurance/v1/claims-by-policy.ts';
import type { ClaimRow, PolicyRow } from '../../topologies/rows.ts';
import type { TopicRecord } from '../topic-records.ts';
import type { Outcome } from './outcome.ts';

interface Event<Row> {
  readonly before: Row | null;
  readonly after: Row | null;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** The input topics hold the feed: nothing twice, nothing missing, all in its order. */
export function expectFeed({ topics }: Outcome, options: FeedOptions): void {
  const expected = new Map(
    [POLICIES_TOPIC, CLAIMS_TOPIC].map(topic => [
      topic,
      Array.from({ length: options.partitions }, (): string[] => []),
    ]),
  );
  const feed = insuranceFeed(options);
  for (let record = feed.next(); record !== undefined; record = feed.next()) {
    const value = record.value === null ? null : Buffer.from(record.value).toString('latin1');
    expected
      .get(record.topic)!
      [record.partition]!.push(line(record.timestamp, Buffer.from(record.key).toString('latin1'), value));
  }
  for (const [topic, partitions] of expected) {
    const found = partitions.map((_, partition) =>
      topics
        .get(topic)!
        .filter(record => record.partition === partition)
        .map(record => line(record.timestamp, record.key, record.value)),
    );
    expect(
      found.map(lines => lines.length),
      `records of ${topic}`,
    ).toEqual(partitions.map(lines => lines.length));
    expect(found, topic).toEqual(partitions);
  }
}

const line = (timestamp: number, key: string | null, value: string | null): string => `${timestamp} ${key} ${value}`;

/** All that must hold of claims-enriched's outputs, stores and dead letters, against a fold of its inputs. */
export function expectClaimsEnriched(outcome: Outcome): void {
  const { topics, stores } = outcome;
  const claims = topics.get(CLAIMS_TOPIC)!;
  const policies = topics.get(POLICIES_TOPIC)!;
  expectDeadLetters(topics.get('claims-enriched.dead-letters')!, [
    [CLAIMS_TOPIC, claims],
    [POLICIES_TOPIC, policies],
  ]);

  const claimRows = lastRows<ClaimRow>(claims);
  expect(stores.get('claims')).toEqual(sorted(claimRows));
  const policyRows = lastRows<PolicyRow>(policies);
  expect(stores.get('policies')).toEqual(sorted(policyRows));
  const deleted = new Set(
    policies.flatMap(({ value }) => eventOf<PolicyRow>(value)?.before?.id ?? []).filter(id => !policyRows.has(id)),
  );
  expectEnriched(topics.get('claims.enriched')!, claims, deleted);
  expectTotals(outcome, claims, claimRows);
}

/** Undefined: bytes that are no event. */
function eventOf<Row>(value: string | null): Event<Row> | null | undefined {
  if (value === null) return null;
  try {
    return JSON.parse(bytesOf(value).toString()) as Event<Row>;
  } catch {
    return undefined;
  }
}

/** The table that a topic of changes leads to. */
function lastRows<Row extends { readonly id: string }>(records: readonly TopicRecord[]): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const { key, value } of records) {
    const event = eventOf<Row>(value);
    if (event === undefined) continue;
    if (event === null || event.after === null) rows.delete((JSON.parse(key!) as { id: string }).id);
    else rows.set(event.after.id, event.after);
  }
  return rows;
}

const sorted = <V>(rows: ReadonlyMap<string, V>): [string, V][] => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));

function expectDeadLetters(
  letters: readonly TopicRecord[],
  inputs: readonly (readonly [string, readonly TopicRecord[]])[],
): void {
  const poison = inputs.flatMap(([topic, records]) =>
    records.filter(({ value }) => eventOf(value) === undefined).map(record => ({ topic, ...record })),
  );
  expect(poison.length).toBeGreaterThan(0);
  const origin = ({ headers }: TopicRecord) => {
    const header = (name: string) => headers.find(([one]) => one === `__streams.errors.${name}`)![1]!;
    return { topic: header('topic'), partition: Number(header('partition')), offset: Number(header('offset')) };
  };
  const kept = letters.map(letter => ({
    ...origin(letter),
    timestamp: letter.timestamp,
    key: letter.key,
    value: letter.value,
  }));
  const expected = poison.map(({ topic, partition, offset, timestamp, key, value }) => ({
    topic,
    partition,
    offset,
    timestamp,
    key,
    value,
  }));
  const byPlace = (a: { topic: string; partition: number; offset: number }, b: typeof a) =>
    a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition || a.offset - b.offset;
  expect(kept.sort(byPlace)).toEqual(expected.sort(byPlace));
}

/** Every event that leaves a claim open, once, in order; a policy never falls back to an earlier version, nor to none unless deleted. */
function expectEnriched(
  enriched: readonly TopicRecord[],
  claims: readonly TopicRecord[],
  deleted: ReadonlySet<string>,
): void {
  const serde = protobuf(ClaimEnriched);
  const found = new Map<string, number[]>();
  const policyVersions = new Map<string, number>();
  for (const { key, value } of enriched) {
    const claim = serde.decode(bytesOf(value!));
    expect(claim.policyId).toBe(key);
    push(found, claim.claimId, claim.claimVersion);
    const before = policyVersions.get(claim.policyId) ?? 0;
    const version = claim.policy?.version ?? (before > 0 && deleted.has(claim.policyId) ? GONE : 0);
    expect(version, `version of ${claim.policyId}`).toBeGreaterThanOrEqual(before);
    policyVersions.set(claim.policyId, version);
  }
  const expected = new Map<string, number[]>();
  for (const { value } of claims) {
    const after = eventOf<ClaimRow>(value)?.after;
    if (after?.status === 'OPEN') push(expected, after.id, after.version);
  }
  expect(expected.size).toBeGreaterThan(1000);
  expect(sorted(found)).toEqual(sorted(expected));
  expect([...policyVersions.values()].some(version => version > 1 && version < GONE)).toBe(true);
}

/** The version of a policy that is gone: it comes after all others. */
const GONE = Infinity;

function push(lists: Map<string, number[]>, key: string, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** The last record of each policy, and the store, say what the claims add up to; a policy without claims any more says zeros. */
function expectTotals(
  { topics, stores }: Outcome,
  claims: readonly TopicRecord[],
  claimRows: ReadonlyMap<string, ClaimRow>,
): void {
  const expected = new Map<string, { open: bigint; paidCents: bigint }>();
  for (const { value } of claims) {
    const after = eventOf<ClaimRow>(value)?.after;
    if (after) expected.set(after.policy_id, { open: 0n, paidCents: 0n });
  }
  for (const { policy_id, status, paid_amount } of claimRows.values()) {
    const totals = expected.get(policy_id)!;
    if (status === 'OPEN') totals.open++;
    totals.paidCents += cents(paid_amount);
  }
  const asBigints = ({ open, paidCents }: { open: number | bigint; paidCents: number | bigint }) => ({
    open: BigInt(open),
    paidCents: BigInt(paidCents),
  });
  const serde = protobuf(ClaimsByPolicy);
  const last = new Map<string, { open: bigint; paidCents: bigint }>();
  for (const { key, value } of topics.get('claims.by-policy')!)
    last.set(key!, asBigints(serde.decode(bytesOf(value!))));
  const stored = stores
    .get('exposure')!
    .map(([key, value]) => [key, asBigints(value as { open: bigint; paidCents: bigint })] as const);
  expect(sorted(last)).toEqual(sorted(expected));
  expect(stored).toEqual(sorted(expected));
  expect([...expected.values()].some(({ open, paidCents }) => open === 0n && paidCents === 0n)).toBe(true);
}
