import { headerTexts } from '../headers.ts';
import type { InputRecord, OutputRecord } from '../../src/testing/index.ts';
import { CLAIMS_TOPIC, POLICIES_TOPIC } from '../../src/sample/insurance-feed.ts';
import type { ClaimRow, PolicyRow } from '../../topologies/rows.ts';

export { CLAIMS_TOPIC, POLICIES_TOPIC, headerTexts };

export const policy = (id: string, version: number, more: Partial<PolicyRow> = {}): PolicyRow => ({
  id,
  client_id: 'K-1',
  product: 'motor-car',
  cover: 'COMP',
  premium_amount: '312.00',
  payment_frequency: 'yearly',
  bonus_malus: 100,
  address: '1 rue de la Paix, 75002 Paris',
  valid_from: '2021-01-01Z',
  version,
  ...more,
});

export const claim = (id: string, policyId: string, version: number, more: Partial<ClaimRow> = {}): ClaimRow => ({
  id,
  policy_id: policyId,
  status: 'OPEN',
  claimed_amount: '472.00',
  paid_amount: '0.00',
  opened_on: '2021-03-14Z',
  description: null,
  version,
  ...more,
});

interface Row {
  readonly id: string;
}

/** A change event as Debezium writes it without schemas; `after` null: the delete, without its tombstone. */
function change<R extends Row>(topic: string, before: R | null, after: R | null, timestamp: number): InputRecord {
  const op = before === null ? 'c' : after === null ? 'd' : 'u';
  const source = {
    version: '3.7.0.Final',
    connector: 'postgresql',
    name: 'db',
    ts_ms: timestamp,
    db: 'db',
    schema: 'public',
    table: 't',
  };
  return {
    topic,
    key: keyOf((after ?? before)!.id),
    value: Buffer.from(JSON.stringify({ before, after, source, op, ts_ms: timestamp })),
    timestamp,
    headers: [['__debezium.context.taskId', Buffer.from('0')]],
  };
}

export const policyChange = (before: PolicyRow | null, after: PolicyRow | null, at: number): InputRecord =>
  change(POLICIES_TOPIC, before, after, at);

export const claimChange = (before: ClaimRow | null, after: ClaimRow | null, at: number): InputRecord =>
  change(CLAIMS_TOPIC, before, after, at);

export const tombstone = (topic: string, id: string, timestamp: number): InputRecord => ({
  topic,
  key: keyOf(id),
  value: null,
  timestamp,
});

/** Bytes that no event is. */
export const poison = (topic: string, id: string, timestamp: number): InputRecord => ({
  topic,
  key: keyOf(id),
  value: Buffer.from('\ufeffno event', 'utf16le'),
  timestamp,
  headers: [['trace', Buffer.from('t-1')]],
});

/** A key's exact bytes, as JsonConverter writes them. */
export const keyOf = (id: string): Buffer => Buffer.from(`{"id":"${id}"}`);

export const byKey = <V>(records: readonly OutputRecord<string, V>[]): Record<string, V | null> =>
  Object.fromEntries(records.map(({ key, value }) => [key, value]));
