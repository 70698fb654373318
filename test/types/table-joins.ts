// Compiled by `npm run types`, never run. Each `@ts-expect-error` is a mistake that must not compile.
import { string, topic, topology } from '../../src/index.ts';
import type { GlobalTable, Stream, Table } from '../../src/index.ts';
import { claims, isA, number, policies } from './domain.ts';
import type { Claim, Policy } from './domain.ts';

topology('foreign keys', t => {
  const [claimTable, policyTable] = [t.table('claims', claims), t.table('policies', policies)];
  const inner = claimTable.join(
    'inner',
    policyTable,
    claim => claim.policyId,
    (claim, policy) => [claim.id, policy.product],
  );
  isA<Table<string, string[]>>(inner);
  const left = claimTable.leftJoin(
    'left',
    policyTable,
    claim => (claim.status === 'OPEN' ? claim.policyId : null),
    (claim, policy) => policy?.product ?? claim.id,
    { onDrop: 'dead-letter' },
  );
  isA<Table<string, string>>(left);

  // @ts-expect-error -- a foreign key of another type than the other table's keys
  claimTable.join('numbers', policyTable, claim => claim.paidCents, (claim, policy) => [claim, policy]); // prettier-ignore
  // @ts-expect-error -- the same the other way round
  claimTable.join('texts', t.table('numbered', topic('numbered', number, string())), claim => claim.id, (claim, text) => [claim, text]); // prettier-ignore
  // @ts-expect-error -- a left join may find no row
  claimTable.leftJoin('left-2', policyTable, claim => claim.policyId, (claim, policy) => claim.id + policy.product); // prettier-ignore
  // @ts-expect-error -- a stream is no table
  claimTable.join('stream', t.stream(policies), claim => claim.policyId, (claim, policy) => [claim, policy]); // prettier-ignore
});

topology('global tables', t => {
  const policyTable = t.globalTable('policies', policies);
  isA<GlobalTable<string, Policy>>(policyTable);
  const stream = t.stream(claims);
  const inner = stream.join(
    'inner',
    policyTable,
    claim => claim.policyId,
    (claim, policy, { key }) => [claim.id, policy.product, key],
  );
  isA<Stream<string, string[]>>(inner);
  stream.leftJoin(
    'left',
    policyTable,
    () => null,
    (claim: Claim, policy: Policy | null) => [claim.id, policy?.product],
  );

  // @ts-expect-error -- a key of another type than the global table's
  stream.join('numbers', policyTable, claim => claim.paidCents, (claim, policy) => [claim, policy]); // prettier-ignore
  // @ts-expect-error -- a left join may find no row
  stream.leftJoin('left-2', policyTable, claim => claim.policyId, (claim, policy) => claim.id + policy.product); // prettier-ignore
  // @ts-expect-error -- which row a record names must be said
  stream.join('unsaid', policyTable, (claim, policy) => [claim, policy]);
  // @ts-expect-error -- a table is joined by its tasks' own rows: another table cannot look up a global one
  t.table('claims', claims).join('table', policyTable, claim => claim.policyId, (claim, policy) => [claim, policy]); // prettier-ignore
});
