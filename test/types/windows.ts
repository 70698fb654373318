// Compiled by `npm run types`, never run. Each `@ts-expect-error` is a mistake that must not compile.
import {
  avg,
  collect,
  count,
  hopping,
  json,
  min,
  session,
  sliding,
  string,
  sum,
  topic,
  topology,
  tumbling,
  windowed,
} from '../../src/index.ts';
import type { Table, Windowed } from '../../src/index.ts';
import { claims, isA, policies } from './domain.ts';
import type { Claim } from './domain.ts';

const list = {
  init: (): string[] => [],
  add: (ids: string[], { id }: Claim) => [...ids, id],
  serde: json<string[]>(),
};

topology('windows', t => {
  const grouped = t.stream(claims).groupByKey();
  const hourly = grouped.window(tumbling('1 h', { grace: '5 min', emit: 'final' }));
  const counts = hourly.count('counts');
  isA<Table<Windowed<string>, number>>(counts);
  isA<Table<Windowed<string>, { open: number; paid: bigint }>>(
    hourly.aggregate('both', { open: count(c => c.status === 'OPEN'), paid: sum(c => c.paidCents) }),
  );
  isA<Table<Windowed<string>, string>>(
    hourly.aggregate(
      'least',
      min(claim => claim.id),
    ),
  );
  counts.to(topic('counts', windowed(string()), json<number>()));
  // @ts-expect-error -- rows of windows have windowed keys
  counts.to(topic('counts-2', string(), json<number>()));

  // @ts-expect-error -- without a window, nothing is final
  grouped.count('totals', { emit: 'final' });
  // @ts-expect-error -- nor has it a grace
  grouped.aggregate('totals-2', { n: count() }, { grace: '1 min' });
  // @ts-expect-error -- how to emit belongs to the window
  hourly.count('counts-3', { emit: 'final' });
  // @ts-expect-error -- no such way
  tumbling('1 h', { emit: 'last' });
  // @ts-expect-error -- no unit
  sliding('10');
  // @ts-expect-error -- how often such windows begin
  hopping('10 s', { grace: '1 s' });
  // @ts-expect-error -- nor when they begin
  hopping('10 s');
  const groupedTable = t.table('policies', policies).groupBy('by-product', policy => policy.product);
  // @ts-expect-error -- a table's rows are of no time
  groupedTable.window(tumbling('1 h'));
  // @ts-expect-error -- a window is asked for
  grouped.window('1 h');
});

topology('sessions', t => {
  const sessions = t.stream(claims).groupByKey().window(session('5 min'));
  isA<Table<Windowed<string>, { n: number }>>(sessions.aggregate('counts', { n: count() }));
  isA<Table<Windowed<string>, Claim>>(sessions.reduce('last', (_, claim) => claim));
  const merging = { ...list, merge: (earlier: string[], later: string[]) => [...earlier, ...later] };
  isA<Table<Windowed<string>, string[]>>(sessions.aggregate('lists', merging));
  isA<Table<Windowed<string>, string[]>>(
    t.stream(claims).groupByKey().window(tumbling('1 h')).aggregate('lists-2', list),
  );
  // @ts-expect-error -- two sessions may become one: `merge` is missing
  sessions.aggregate('lists-3', list);
});

topology('cogroups', t => {
  const opened = t.stream(claims).groupByKey();
  const others = t.stream(policies).groupByKey();
  const both = opened
    .cogroup({ opened: count(), paid: sum(c => c.paidCents) })
    .and(others, { length: sum(policy => policy.product.length), products: collect(policy => policy.product) });
  isA<Table<string, { opened: number; paid: bigint | 0; length: number; products: string[] }>>(both.aggregate('files'));
  isA<Table<Windowed<string>, { opened: number; paid: bigint | 0; length: number; products: string[] }>>(
    both.window(session('1 h')).aggregate('files-2'),
  );
  // nothing is the least of no values
  isA<Table<string, { n: number; least: string | null; mean: number | null }>>(
    opened
      .cogroup({ n: count() })
      .and(others, { least: min(p => p.product), mean: avg(() => 1) })
      .aggregate('files-3'),
  );
  // @ts-expect-error -- two fields of one name
  both.and(others, { opened: count() });
  const byLength = t.stream(claims).groupBy('by-length', claim => claim.id.length);
  // @ts-expect-error -- keys are numbers there
  both.and(byLength, { n: count() });
  // @ts-expect-error -- an aggregator of claims over policies
  opened.cogroup({ n: count() }).and(others, { paid: sum((claim: Claim) => claim.paidCents) });

  const custom = opened
    .cogroup((ids: string[], claim) => [...ids, claim.id])
    .and(others, (ids, policy) => [...ids, policy.product]);
  const { init, serde } = list;
  isA<Table<string, string[]>>(custom.aggregate('lists', { init, serde }));
  isA<Table<Windowed<string>, number>>(
    custom.window(tumbling('1 h')).aggregate('lists-2', { init, serde, result: ids => ids.length }),
  );
  // @ts-expect-error -- another state
  custom.aggregate('lists-3', { init: () => 0, serde: json<number>() });
  // @ts-expect-error -- sessions bring states together: `merge` is missing
  custom.window(session('1 h')).aggregate('lists-4', { init, serde });
});

topology('suppress', t => {
  const table = t.table('claims', claims);
  isA<Table<string, Claim>>(table.suppress('held', { timeLimit: '5 min', maxRecords: 1000 }));
  // @ts-expect-error -- for how long?
  table.suppress('held-2', { maxRecords: 1000 });
  // @ts-expect-error -- streams are not suppressed
  t.stream(claims).suppress('held-3', { timeLimit: '5 min' });
});
