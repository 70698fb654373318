// Compiled by `npm run types`, never run. Each `@ts-expect-error` is a mistake that must not compile.
import {
  avg,
  collect,
  count,
  countDistinct,
  debezium,
  first,
  json,
  last,
  max,
  min,
  row,
  string,
  sum,
  topN,
  topic,
  topology,
} from '../../src/index.ts';
import type { Change, RowCreated, RowUpdated, Stream, Table } from '../../src/index.ts';
import { changes, claims, number, policies, isA } from './domain.ts';
import type { Claim, Policy } from './domain.ts';

topology('joins', t => {
  const policyTable = t.table('policies', policies);
  const byPolicy = t.stream(claims).keyBy('by-policy', claim => claim.policyId);
  byPolicy.join('inner', policyTable, (claim, policy) => `${claim.id} ${policy.product}`);
  byPolicy.leftJoin('left', policyTable, (claim, policy) => `${claim.id} ${policy?.product}`);

  // @ts-expect-error -- a left join may find no row
  byPolicy.leftJoin('left-2', policyTable, (claim, policy) => `${claim.id} ${policy.product}`);

  const byNumber = t.stream(claims).keyBy('by-number', claim => claim.id.length);
  // @ts-expect-error -- keys are numbers here, strings there
  byNumber.join('numbers', policyTable, claim => claim);

  // @ts-expect-error -- the same where there may be no row
  byNumber.leftJoin('numbers-3', policyTable, claim => claim);
  // @ts-expect-error -- streams of different keys are not one
  t.stream(claims).merge(byNumber);

  // @ts-expect-error -- a serde of another type than the key
  t.stream(claims).keyBy('by-number-2', claim => claim.id.length, string());

  const pairs = debezium('db.pairs', row<{ a: string; b: number; c: string }>(), { key: ['a', 'b'] });
  const pairTable = t.table('pairs', pairs);
  isA<Table<Pick<{ a: string; b: number; c: string }, 'a' | 'b'>, { a: string; b: number; c: string }>>(pairTable);
  // @ts-expect-error -- a key of two columns
  byPolicy.join('pairs-join', pairTable, claim => claim);

  // @ts-expect-error -- no such column
  debezium('db.other', row<Claim>(), { key: 'policy' });
});

topology('sinks', t => {
  const stream = t.stream(claims);
  stream.to(claims);
  stream.to(topic('ids', string(), json<{ id: string }>()));
  // @ts-expect-error -- a stream of claims into a topic of policies
  stream.to(policies);
  // @ts-expect-error -- keys of another type
  stream.to(topic('numbered', number, json<Claim>()));
  // @ts-expect-error -- a table of claims into a topic of policies
  t.table('claims', claims).to(policies);
  // @ts-expect-error -- another type than the stream's
  stream.as(json<Policy>());
  // a deleted row is a tombstone
  t.table('claims-2', claims).toStream().to(claims);
});

topology('narrowing', t => {
  const stream = t.stream(changes);
  isA<Stream<string, Change<Claim>>>(stream);
  const present = stream.filter(change => change.after !== null);
  isA<Stream<string, RowCreated<Claim> | RowUpdated<Claim>>>(present);
  present.filter(change => change.after.status === 'OPEN').keyBy('by-policy', change => change.after.policyId);

  // @ts-expect-error -- a delete has no `after`
  stream.filter(change => change.after.status === 'OPEN');

  const table = t.table('rows', changes);
  isA<Table<string, Claim>>(table);

  const { created, rest } = stream.split({ created: change => change.after !== null, rest: () => true });
  created.map(change => change.after.id);
  isA<Stream<string, Change<Claim>>>(rest);
  // @ts-expect-error -- no such branch
  isA<unknown>(stream.split({ created: () => true }).deleted);

  const tombstones = t.stream(claims, { tombstones: true });
  isA<Stream<string, Claim | null>>(tombstones);
  // @ts-expect-error -- a tombstone has no status
  tombstones.map(claim => claim.status);
  tombstones.groupByKey().aggregate('open', { open: count(claim => claim.status === 'OPEN') });
  tombstones.toTable('claims').map(claim => claim.status);
  // @ts-expect-error -- the field's name is misspelt
  t.stream(claims).map(claim => claim.statis);
});

topology('aggregates', t => {
  const grouped = t.stream(claims).groupBy('by-policy', claim => claim.policyId);
  const groupedTable = t.table('claims', claims).groupBy('table-by-policy', claim => claim.policyId, string());

  const composed = groupedTable.aggregate('exposure', {
    open: count(c => c.status === 'OPEN'),
    paid: sum(c => c.paidCents),
  });
  isA<Table<string, { open: number; paid: bigint }>>(composed);
  const counted = grouped.count('counted');
  isA<Table<string, number>>(counted);
  const summed = groupedTable.sum('summed', claim => claim.paidCents);
  isA<Table<string, bigint>>(summed);
  const alone = grouped.aggregate(
    'alone',
    sum(claim => claim.id.length),
  );
  isA<Table<string, number>>(alone);

  const ids = grouped.aggregate('ids', {
    init: () => [] as string[],
    add: (state, claim) => [...state, claim.id],
    result: state => state.length,
    serde: json<string[]>(),
  });
  isA<Table<string, number>>(ids);

  const list = {
    init: (): string[] => [],
    add: (ids: string[], { id }: Claim) => [...ids, id],
    serde: json<string[]>(),
  };
  grouped.aggregate('ids-2', list);
  // @ts-expect-error -- a table needs to take rows out again: `subtract` is missing
  groupedTable.aggregate('ids-3', list);
  // @ts-expect-error -- so does its reduce
  groupedTable.reduce('latest', (state, claim) => claim);
  // @ts-expect-error -- an aggregator without a serde for its state
  grouped.aggregate('ids-4', { init: () => 0, add: (state: number) => state + 1 });
  // @ts-expect-error -- an aggregator of policies over claims
  grouped.aggregate('products', { products: count((policy: Policy) => policy.product === 'motor') });
  // @ts-expect-error -- a sum of text
  grouped.sum('text', claim => claim.id);
});

topology('aggregators', t => {
  const grouped = t.stream(claims).groupByKey();
  const groupedTable = t.table('claims', claims).groupBy('by-policy', claim => claim.policyId, string());

  const all = grouped.aggregate('all', {
    least: min(claim => claim.paidCents),
    greatest: max(claim => claim.id),
    mean: avg(claim => claim.paidCents),
    first: first(),
    last: last(claim => claim.status),
    policies: countDistinct(claim => claim.policyId),
    dearest: topN(3, claim => claim.paidCents),
    dearestIds: topN(
      3,
      claim => claim.paidCents,
      claim => claim.id,
    ),
    ids: collect(claim => claim.id),
    claims: collect(),
  });
  isA<
    Table<
      string,
      {
        least: bigint;
        greatest: string;
        mean: number | null;
        first: Claim;
        last: 'OPEN' | 'CLOSED';
        policies: number;
        dearest: Claim[];
        dearestIds: string[];
        ids: string[];
        claims: Claim[];
      }
    >
  >(all);
  const latest = grouped.aggregate('latest', last());
  isA<Table<string, Claim>>(latest);
  const longest = grouped.aggregate(
    'longest',
    max(claim => claim.id.length),
  );
  isA<Table<string, number>>(longest);
  // a row is never null: where the aggregate is, there is none
  const mean = groupedTable.aggregate(
    'mean',
    avg(claim => claim.paidCents),
  );
  isA<Table<string, number>>(mean);
  const inverses = groupedTable.aggregate('inverses', {
    mean: avg(claim => claim.paidCents),
    policies: countDistinct(claim => claim.policyId),
    ids: collect(claim => claim.id),
    claims: collect(),
  });
  isA<Table<string, { mean: number | null; policies: number; ids: string[]; claims: Claim[] }>>(inverses);

  // @ts-expect-error -- min has no inverse, which a table needs
  groupedTable.aggregate('least', { n: count(), least: min((claim: Claim) => claim.paidCents) });
  // @ts-expect-error -- nor has it alone
  groupedTable.aggregate('least-2', min((claim: Claim) => claim.paidCents)); // prettier-ignore
  // @ts-expect-error -- nor has topN
  groupedTable.aggregate('dearest', { dearest: topN(3, (claim: Claim) => claim.paidCents) });
  // @ts-expect-error -- an aggregator of one's own without a serde for its state
  grouped.aggregate('own', { init: () => '', add: (ids: string, claim: Claim) => ids + claim.id });
  // @ts-expect-error -- values of these have no order
  grouped.aggregate('least-3', { least: min((claim: Claim) => claim) });
  // @ts-expect-error -- text is no weight
  grouped.aggregate('dearest-2', { dearest: topN(3, (claim: Claim) => claim.id) });
});

topology('errors', { onError: 'stop' }, t => {
  const stream = t.stream(claims, { onError: { retry: { times: 3, backoff: '1 s' }, then: 'stop' } });
  stream.map(claim => claim.paidCents, {
    onError: (_error, record, claim) => (claim.id === record.key ? { value: 0n } : 'stop'),
  });
  stream.filter(claim => claim.paidCents > 0, { onError: () => ({ value: true }) });
  stream.keyBy('by-policy', claim => claim.policyId, string(), {
    onError: (_error, _record, claim) => ({ value: claim.id }),
  });

  // @ts-expect-error -- it stands in place of a number
  stream.map(claim => claim.paidCents, { onError: () => ({ value: 'none' }) });
  // @ts-expect-error -- nor is a filter's result a claim
  stream.filter(claim => claim.paidCents > 0, { onError: (_error, _record, claim) => ({ value: claim }) });
  // @ts-expect-error -- a count has no value of its own to give
  stream.groupByKey().count('counted', { onError: () => ({ value: 0 }) });
  // @ts-expect-error -- there is no such policy
  stream.peek(() => {}, { onError: 'ignore' });
});
