// Compiled by `npm run types`, never run. Each `@ts-expect-error` is a mistake that must not compile.
import { json, string, topology } from '../../src/index.ts';
import type { Stream, Table, VersionedTable } from '../../src/index.ts';
import { changes, claims, isA, policies } from './domain.ts';
import type { Claim, Policy } from './domain.ts';

topology('table-joins', t => {
  const claimTable = t.table('claims', claims);
  const policyTable = t.table('policies', policies);
  isA<Table<string, string>>(claimTable.join('inner', policyTable, (claim, policy) => claim.id + policy.id));
  isA<Table<string, string>>(claimTable.leftJoin('left', policyTable, (claim, policy) => claim.id + policy?.id));
  isA<Table<string, string>>(claimTable.outerJoin('outer', policyTable, (claim, policy) => `${claim?.id}${policy?.id}`));

  // @ts-expect-error -- a left join may find no row
  claimTable.leftJoin('left-2', policyTable, (claim, policy) => claim.id + policy.id);
  // @ts-expect-error -- an outer join may have no left row
  claimTable.outerJoin('outer-2', policyTable, (claim, policy) => claim.id + policy?.id);

  const numbered = t.stream(policies).keyBy('by-number', policy => policy.id.length).toTable('numbered');
  // @ts-expect-error -- keys are numbers there, strings here
  claimTable.join('numbers', numbered, (claim, policy) => claim.id + policy.id);
  // @ts-expect-error -- the same where there may be no row
  claimTable.leftJoin('numbers-2', numbered, claim => claim.id);
  // @ts-expect-error -- the same on both sides that may be missing
  claimTable.outerJoin('numbers-3', numbered, () => '');
  // @ts-expect-error -- a stream is no table
  claimTable.join('stream', t.stream(policies), claim => claim.id);
}); // prettier-ignore

topology('versioned', t => {
  const stream = t.stream(claims);
  const policyTable = t.table('policies', policies);
  const versioned = t.table('versions', policies, { versioned: '5 min' });
  isA<VersionedTable<string, Policy>>(versioned);
  isA<VersionedTable<string, Claim>>(t.table('rows', changes, { versioned: '5 min', readFirst: true }));
  isA<VersionedTable<string, string>>(versioned.filter(policy => policy.id !== '').map(policy => policy.id).as(json())); // prettier-ignore

  const name = (claim: Claim, policy: Policy | null) => claim.id + policy?.product;
  isA<Stream<string, string>>(stream.join('inner', versioned, name, { grace: '2 s' }));
  isA<Stream<string, string>>(stream.leftJoin('left', versioned, name, { grace: 2000, renamedFrom: 'outer' }));
  isA<Stream<string, string>>(stream.leftJoin('at-once', versioned, name, { onDrop: 'dead-letter' }));
  // a versioned table is a table
  versioned.join('tables', policyTable, (a, b) => a.id + b.id).as(string());

  // @ts-expect-error -- a plain table keeps no versions to wait for
  stream.join('waiting', policyTable, name, { grace: '2 s' });
  // @ts-expect-error -- neither does the join of two
  stream.leftJoin('waiting-2', versioned.join('tables-2', policyTable, a => a), name, { grace: '2 s' }); // prettier-ignore
  // @ts-expect-error -- a table made of a stream keeps no versions
  stream.toTable('latest', json<Claim>(), { versioned: '5 min' });
  // @ts-expect-error -- nor does a global one
  t.globalTable('everywhere', policies, { versioned: '5 min' });
  // @ts-expect-error -- no duration
  stream.join('waiting-3', versioned, name, { grace: '2 seconds' });
  // @ts-expect-error -- no duration
  t.table('versions-2', policies, { versioned: 'long' });
  // @ts-expect-error -- a plain table is none that knows its versions
  isA<VersionedTable<string, Policy>>(policyTable);
});
