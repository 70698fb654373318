import { cents } from '../../src/index.ts';
import { CLAIMS_TOPIC, POLICIES_TOPIC } from '../../src/sample/insurance-feed.ts';
import type { FeedRecord } from '../../src/sample/insurance-feed.ts';
import type { ClaimEnriched, PolicyTerms } from '../../topologies/gen/insurance/v1/claim-enriched.ts';
import type { ClaimsByPolicy } from '../../topologies/gen/insurance/v1/claims-by-policy.ts';
import type { Policy } from '../../topologies/gen/insurance/v1/policy.ts';
import type { ClaimRow, PolicyRow } from '../../topologies/rows.ts';

/** The feed as its readers must see it. */
export interface Insurance {
  /** Every change of a claim: the row as it left it, null where it is gone, and the time of its commit. */
  readonly changes: readonly { readonly after: ClaimRow | null; readonly committedMs: number }[];
  /** The rows in the end. */
  readonly claims: ReadonlyMap<string, ClaimRow>;
  readonly policies: ReadonlyMap<string, PolicyRow>;
  /** Records of each topic that are no event. */
  readonly poison: { readonly claims: number; readonly policies: number };
}

interface Event<Row> {
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: { readonly ts_ms: number };
}

/** Reads the feed the plain way: a map for each table. */
export function foldOf(records: Iterable<FeedRecord>): Insurance {
  const changes: { after: ClaimRow | null; committedMs: number }[] = [];
  const claims = new Map<string, ClaimRow>();
  const policies = new Map<string, PolicyRow>();
  const poison = { claims: 0, policies: 0 };
  for (const { topic, value } of records) {
    // a tombstone says again what the event before it said
    if (value === null) continue;
    if (topic === POLICIES_TOPIC) {
      const event = eventOf<PolicyRow>(value);
      if (event === undefined) poison.policies++;
      else keep(policies, event);
    } else if (topic === CLAIMS_TOPIC) {
      const event = eventOf<ClaimRow>(value);
      if (event === undefined) {
        poison.claims++;
        continue;
      }
      keep(claims, event);
      changes.push({ after: event.after, committedMs: event.source.ts_ms });
    }
  }
  return { changes, claims, policies, poison };
}

/** Undefined: bytes that are no event. */
export function eventOf<Row>(value: Uint8Array): Event<Row> | undefined {
  try {
    return JSON.parse(Buffer.from(value).toString()) as Event<Row>;
  } catch {
    return undefined;
  }
}

function keep<Row extends { readonly id: string }>(rows: Map<string, Row>, { before, after }: Event<Row>): void {
  if (after !== null) rows.set(after.id, after);
  else if (before !== null) rows.delete(before.id);
}

/** Every change that leaves a claim open, with its policy as it is in the end: policies are read first. */
export const enrichedClaims = ({ changes, policies }: Insurance): ClaimEnriched[] =>
  changes.flatMap(({ after, committedMs }) =>
    after?.status === 'OPEN' ? [enrichedClaim(after, committedMs, policies.get(after.policy_id))] : [],
  );

export function enrichedClaim(claim: ClaimRow, committedMs: number, policy: PolicyRow | undefined): ClaimEnriched {
  return {
    claimId: claim.id,
    policyId: claim.policy_id,
    status: claim.status,
    claimedCents: cents(claim.claimed_amount),
    paidCents: cents(claim.paid_amount),
    openedOn: claim.opened_on,
    description: claim.description ?? undefined,
    claimVersion: claim.version,
    changedAtMs: committedMs,
    policy: policy === undefined ? undefined : termsOf(policy),
  };
}

const termsOf = (policy: PolicyRow): PolicyTerms => ({
  holderId: policy.client_id,
  product: policy.product,
  cover: policy.cover,
  premiumCents: cents(policy.premium_amount),
  paymentFrequency: policy.payment_frequency,
  version: policy.version,
});

/** What each policy has cost in the end; one that has no claims any more says zeros. */
export function claimsByPolicy({ changes, claims }: Insurance): ClaimsByPolicy[] {
  const ids = new Set(changes.flatMap(({ after }) => after?.policy_id ?? []));
  const totals = new Map([...ids].map(id => [id, { open: 0, paidCents: 0n }]));
  for (const { policy_id, status, paid_amount } of claims.values()) {
    const total = totals.get(policy_id)!;
    if (status === 'OPEN') total.open++;
    total.paidCents += cents(paid_amount);
  }
  return [...totals].map(([policyId, total]) => ({ policyId, ...total }));
}

/** Every policy that there is in the end. */
export const policyReplicas = ({ policies }: Insurance): Policy[] => [...policies.values()].map(policyReplica);

export const policyReplica = (policy: PolicyRow): Policy => ({
  policyId: policy.id,
  clientId: policy.client_id,
  product: policy.product,
  cover: policy.cover,
  premiumCents: cents(policy.premium_amount),
  paymentFrequency: policy.payment_frequency,
  bonusMalus: policy.bonus_malus,
  address: policy.address,
  validFrom: policy.valid_from,
  version: policy.version,
});
