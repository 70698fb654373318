import { cents, count, debezium, protobuf, row, string, sum, topic, topology } from 'topo-streams';
import type { RowCreated, RowUpdated } from 'topo-streams';
import { ClaimEnriched } from './gen/insurance/v1/claim-enriched.ts';
import type { PolicyTerms } from './gen/insurance/v1/claim-enriched.ts';
import { ClaimsByPolicy } from './gen/insurance/v1/claims-by-policy.ts';
import type { ClaimRow, PolicyRow } from './rows.ts';

const claims = debezium('claimsdb.public.claims', row<ClaimRow>(), { key: 'id' });
const policies = debezium('policydb.public.policies', row<PolicyRow>(), { key: 'id' });

/** Every change that leaves a claim open, with the policy it was made under; and what each policy has cost so far. */
export default topology('claims-enriched', t => {
  t.stream(claims)
    .filter(change => change.after !== null)
    .filter(change => change.after.status === 'OPEN')
    .keyBy('by-policy', change => change.after.policy_id)
    .leftJoin('with-policy', t.table('policies', policies, { readFirst: true }), enrich)
    .to(topic('claims.enriched', string(), protobuf(ClaimEnriched)));

  t.table('claims', claims)
    .groupBy('totals-by-policy', claim => claim.policy_id, string())
    .aggregate('exposure', {
      open: count(claim => claim.status === 'OPEN'),
      paidCents: sum(claim => cents(claim.paid_amount)),
    })
    .map((totals, { key }): ClaimsByPolicy => ({ policyId: key, ...totals }))
    .to(topic('claims.by-policy', string(), protobuf(ClaimsByPolicy)));
});

function enrich(change: RowCreated<ClaimRow> | RowUpdated<ClaimRow>, policy: PolicyRow | null): ClaimEnriched {
  const claim = change.after;
  return {
    claimId: claim.id,
    policyId: claim.policy_id,
    status: claim.status,
    claimedCents: cents(claim.claimed_amount),
    paidCents: cents(claim.paid_amount),
    openedOn: claim.opened_on,
    description: claim.description ?? undefined,
    claimVersion: claim.version,
    changedAtMs: change.source.ts_ms,
    policy: policy === null ? undefined : termsOf(policy),
  };
}

function termsOf(policy: PolicyRow): PolicyTerms {
  return {
    holderId: policy.client_id,
    product: policy.product,
    cover: policy.cover,
    premiumCents: cents(policy.premium_amount),
    paymentFrequency: policy.payment_frequency,
    version: policy.version,
  };
}
