import ts from 'typescript';
import { expect, test } from 'vitest';
import { FILE, languageService } from './language-service.ts';

const SOURCE = `
import { avg, collect, count, json, last, max, string, sum, topic, topology, tumbling, within } from 'topo-streams';
interface Claim { id: string; policyId: string; cents: number }
interface Policy { id: string; product: string }
const claims = topic('claims', string(), json<Claim>());
const policies = topic('policies', string(), json<Policy>());
topology('t', t => {
  const byPolicy = t.stream(claims).keyBy('by-policy', claim => claim.policyId);
  const table = t.table('policies', policies);
  const joined = byPolicy.leftJoin('joined', table, (claim, policy) => ({ id: claim.id, product: policy?.product }));
  const grouped = byPolicy.groupByKey();
  const exposure = grouped.aggregate('exposure', { open: count(), cents: sum(c => c.cents), mean: avg(c => c.cents), ids: collect(c => c.id) });
  const largest = grouped.aggregate('largest', max(c => c.cents));
  const hourly = grouped.window(tumbling('1 h', { emit: 'final' })).count('hourly');
  const together = grouped.cogroup({ n: count() }).and(t.stream(policies).groupByKey(), { product: last(p => p.product) }).aggregate('together');
  const pairs = byPolicy.outerJoin('pairs', byPolicy, within('1 s'), (left, right) => ({ left, right }));
  const both = table.join('both', exposure, (policy, { open }) => ({ ...policy, open }));
});
`;

/** What an editor shows where the mouse rests on a name. */
function hovers(): Map<string, string> {
  const service = languageService(SOURCE);
  const entries = [...SOURCE.matchAll(/const (\w+) =/g)].map(match => {
    const info = service.getQuickInfoAtPosition(FILE, match.index + 'const '.length);
    const shown = ts.displayPartsToString(info?.displayParts).replaceAll(/\s+/g, ' ');
    return [match[1]!, shown.replace(/^const \w+: /, '')] as const;
  });
  return new Map(entries);
}

test(
  'what an editor shows of a step is its key and value, and nothing of the library’s insides',
  { timeout: 60_000 },
  () => {
    expect(Object.fromEntries(hovers())).toEqual({
      claims: 'Topic<string, Claim, Claim>',
      policies: 'Topic<string, Policy, Policy>',
      byPolicy: 'Stream<string, Claim>',
      table: 'Table<string, Policy>',
      joined: 'Stream<string, { id: string; product: string | undefined; }>',
      grouped: 'GroupedStream<string, Claim>',
      exposure: 'Table<string, { open: number; cents: number; mean: number | null; ids: string[]; }>',
      largest: 'Table<string, number>',
      hourly: 'Table<Windowed<string>, number>',
      together: 'Table<string, { n: number; product: string | null; }>',
      pairs: 'Stream<string, { left: Claim | null; right: Claim | null; }>',
      both: 'Table<string, { open: number; id: string; product: string; }>',
    });
  },
);
