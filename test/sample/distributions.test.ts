import { expect, test } from 'vitest';
import type { ClaimRow, PolicyRow } from '../../src/sample/rows.ts';
import { claimEvent, policyEvent, readFeed } from './read-feed.ts';

const YEARS = 5;
const POLICIES = 20_000;
const records = readFeed({ policies: POLICIES, years: YEARS, seed: 1, partitions: 4 });
const snapshot = records.flatMap(seen => (policyEvent(seen)?.op === 'r' ? [policyEvent(seen)!.after!] : []));
const deleted = new Set(
  records.flatMap(seen => (policyEvent(seen)?.op === 'd' ? [policyEvent(seen)!.before!.id] : [])),
);
/** There from the first day to the last. */
const lasting = new Set(snapshot.map(({ id }) => id).filter(id => !deleted.has(id)));
const opened = records.flatMap(seen => (claimEvent(seen)?.op === 'c' ? [claimEvent(seen)!.after!] : []));
const updates = records.flatMap(seen => {
  const event = policyEvent(seen);
  return event?.op === 'u' ? [{ before: event.before!, after: event.after! }] : [];
});

const share = <T>(values: readonly T[], of: (value: T) => boolean): number => values.filter(of).length / values.length;
const cents = (text: string): number => Math.round(Number(text) * 100);
const sorted = (amounts: readonly string[]): number[] => amounts.map(cents).sort((a, b) => a - b);
const quantile = (values: readonly number[], at: number): number => values[Math.floor(values.length * at)]! / 100;

/** Within `tolerance` of the wanted value, as a part of it. */
function expectNear(value: number, wanted: number, tolerance: number): void {
  expect(Math.abs(value - wanted), `${value} is not about ${wanted}`).toBeLessThanOrEqual(wanted * tolerance);
}

test('the defaults make between 60,000 and 110,000 records', () => {
  expect(records.length).toBeGreaterThan(60_000);
  expect(records.length).toBeLessThan(110_000);
});

test('claims per policy and year: 87.3, 11.2, 1.3 and 0.1 % have 0, 1, 2 and 3', () => {
  const claims = new Map<string, number>();
  for (const row of opened) {
    const policyYear = `${row.policy_id} ${row.opened_on.slice(0, 4)}`;
    if (lasting.has(row.policy_id)) claims.set(policyYear, (claims.get(policyYear) ?? 0) + 1);
  }
  const all = lasting.size * YEARS;
  const with_ = (count: number): number => [...claims.values()].filter(value => value === count).length / all;
  expectNear(1 - claims.size / all, 0.873, 0.005);
  expectNear(with_(1), 0.112, 0.04);
  expectNear(with_(2), 0.013, 0.1);
  expectNear(with_(3), 0.001, 0.35);
});

test('claim amounts have the measured quantiles, recoveries and spikes', () => {
  const amounts = sorted(opened.map(row => row.claimed_amount));
  expectNear(quantile(amounts, 0.5), 472, 0.05);
  expectNear(quantile(amounts, 0.9), 2_114, 0.06);
  expectNear(quantile(amounts, 0.99), 5_264, 0.12);
  expect(amounts.at(-1)! / 100).toBeLessThanOrEqual(140_000);
  expect(amounts.at(-1)! / 100).toBeGreaterThan(30_000);
  expectNear(
    share(amounts, amount => amount < 0),
    0.09,
    0.1,
  );
  expect(share(opened, row => row.claimed_amount === '1204.00')).toBeGreaterThan(0.05);
  expect(share(opened, row => row.claimed_amount === '1128.12')).toBeGreaterThan(0.03);
});

test('cover and payment frequency are spread as measured', () => {
  const cover = { TPL: 0.645, TPL_PLUS: 0.175, COMP: 0.093, COMP_PLUS: 0.086 };
  for (const [level, part] of Object.entries(cover))
    expectNear(
      share(snapshot, row => row.cover === level),
      part,
      0.06,
    );
  const frequency = { yearly: 0.38, monthly: 0.3, 'half-yearly': 0.3, quarterly: 0.025 };
  for (const [name, part] of Object.entries(frequency)) {
    expectNear(
      share(snapshot, row => row.payment_frequency === name),
      part,
      0.12,
    );
  }
});

test('8.6 % of clients own more than one vehicle', () => {
  const vehicles = new Map<string, number>();
  for (const row of snapshot) vehicles.set(row.client_id, (vehicles.get(row.client_id) ?? 0) + 1);
  expectNear(
    share([...vehicles.values()], count => count > 1),
    0.086,
    0.06,
  );
});

test('premiums have the measured quantiles', () => {
  const premiums = sorted(snapshot.map(row => row.premium_amount));
  expectNear(quantile(premiums, 0.5), 312, 0.03);
  expectNear(quantile(premiums, 0.99), 1_119, 0.06);
});

test('a year changes the bonus-malus of 20 %, the payment frequency of 1.6 % and the address of 1.2 % of policies', () => {
  const changed = (field: keyof PolicyRow): number =>
    updates.filter(({ before, after }) => lasting.has(after.id) && before[field] !== after[field]).length /
    (lasting.size * YEARS);
  expectNear(changed('bonus_malus'), 0.2, 0.03);
  expectNear(changed('payment_frequency'), 0.016, 0.08);
  expectNear(changed('address'), 0.012, 0.1);
});

test('about 1 % of claims open before their policy comes, or name one that never comes', () => {
  const known = new Set<string>();
  const later = new Set<string>();
  const strays: ClaimRow[] = [];
  for (const seen of records) {
    const policy = policyEvent(seen)?.after;
    if (policy) known.add(policy.id);
    const claim = claimEvent(seen);
    if (claim?.op === 'c' && !known.has(claim.after!.policy_id)) strays.push(claim.after!);
  }
  for (const row of strays) if (known.has(row.policy_id)) later.add(row.id);
  expectNear(strays.length / opened.length, 0.01, 0.25);
  expect(later.size).toBeGreaterThan(strays.length / 4);
  expect(later.size).toBeLessThan((strays.length * 3) / 4);
});

test('claims are paid in parts, closed, sometimes reopened and closed again, rarely deleted', () => {
  const statuses = new Map<string, string[]>();
  const payments = new Map<string, number>();
  let deletions = 0;
  for (const seen of records) {
    const event = claimEvent(seen);
    if (event === undefined) continue;
    if (event.op === 'd') deletions++;
    const row = (event.after ?? event.before)!;
    if (event.op === 'c') statuses.set(row.id, [row.status]);
    const known = statuses.get(row.id);
    if (known !== undefined && known.at(-1) !== row.status) known.push(row.status);
    if (event.op === 'u' && event.before!.paid_amount !== event.after!.paid_amount) {
      payments.set(row.id, (payments.get(row.id) ?? 0) + 1);
    }
  }
  const lives = [...statuses.values()].map(life => life.join(' '));
  expect(share(lives, life => life.startsWith('OPEN CLOSED'))).toBeGreaterThan(0.9);
  expectNear(
    share(lives, life => life.startsWith('OPEN CLOSED OPEN')),
    0.055,
    0.25,
  );
  expect(share(lives, life => life === 'OPEN CLOSED OPEN CLOSED')).toBeGreaterThan(0.03);
  expect(share([...payments.values()], count => count > 1)).toBeGreaterThan(0.3);
  expect(deletions / opened.length).toBeGreaterThan(0.001);
  expect(deletions / opened.length).toBeLessThan(0.01);
});
