import { cents, debezium, protobuf, row, topic, topology } from 'topo-streams';
import { Policy } from './gen/insurance/v1/policy.ts';
import type { PolicyRow } from './rows.ts';

const policies = debezium('policydb.public.policies', row<PolicyRow>(), { key: 'id' });
const replica = topic('policies.replica', policies.key, protobuf(Policy), { config: { 'cleanup.policy': 'compact' } });

/** Every policy as it is now, without its table's columns and types: what another service keeps a copy of. */
export default topology('policy-replica', t => {
  t.table('policies', policies).map(toPolicy).to(replica);
});

function toPolicy(policy: PolicyRow): Policy {
  return {
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
  };
}
