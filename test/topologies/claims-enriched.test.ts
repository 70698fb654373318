import { describe, expect, test } from 'vitest';
import claimsEnriched from '../../topologies/claims-enriched.ts';
import type { ClaimEnriched } from '../../topologies/gen/insurance/v1/claim-enriched.ts';
import type { ClaimsByPolicy } from '../../topologies/gen/insurance/v1/claims-by-policy.ts';
import type { TopologyTestDriver } from '../../src/testing/index.ts';
import { drive } from '../drive.ts';
import {
  byKey,
  CLAIMS_TOPIC,
  claim,
  claimChange,
  headerTexts,
  keyOf,
  POLICIES_TOPIC,
  poison,
  policy,
  policyChange,
  tombstone,
} from './insurance-events.ts';

const options = { partitions: 3 };
const enriched = (driver: TopologyTestDriver) => driver.read<string, ClaimEnriched>('claims.enriched');
const totals = (driver: TopologyTestDriver) => driver.read<string, ClaimsByPolicy>('claims.by-policy');

describe('claims.enriched', () => {
  test('an open claim comes with its policy as it was at that moment', async () => {
    await using driver = await drive(claimsEnriched, options);
    const [first, second] = [policy('P-1', 1), policy('P-1', 2, { cover: 'TPL', premium_amount: '280.50' })];
    await driver.pipe(policyChange(null, first, 1000));
    const opened = claim('C-1', 'P-1', 1, { description: 'Grêle du 20 juin' });
    await driver.pipe(claimChange(null, opened, 2000));
    await driver.pipe(policyChange(first, second, 3000));
    const paid = claim('C-1', 'P-1', 2, { paid_amount: '-12.34' });
    await driver.pipe(claimChange(opened, paid, 4000));

    const records = await enriched(driver);
    expect(records.map(({ key, timestamp }) => [key, timestamp])).toEqual([['P-1', 2000], ['P-1', 4000]]); // prettier-ignore
    expect(records[0]!.value).toMatchObject({
      claimId: 'C-1',
      policyId: 'P-1',
      claimedCents: 47200n,
      paidCents: 0n,
      openedOn: '2021-03-14Z',
      description: 'Grêle du 20 juin',
      claimVersion: 1,
      changedAtMs: 2000,
      policy: { holderId: 'K-1', cover: 'COMP', premiumCents: 31200n, version: 1 },
    });
    expect(records[1]!.value).toMatchObject({
      paidCents: -1234n,
      claimVersion: 2,
      policy: { cover: 'TPL', premiumCents: 28050n, version: 2 },
    });
    expect(headerTexts(records[0]!.headers)).toEqual({ '__debezium.context.taskId': '0' });
  });

  test('a claim of an unknown policy comes without one, and one of a deleted policy too', async () => {
    await using driver = await drive(claimsEnriched, options);
    await driver.pipe(claimChange(null, claim('C-1', 'P-9', 1), 1000));
    await driver.pipe(policyChange(null, policy('P-9', 1), 2000));
    await driver.pipe(claimChange(null, claim('C-2', 'P-9', 1), 3000));
    await driver.pipeAll([policyChange(policy('P-9', 1), null, 4000), tombstone(POLICIES_TOPIC, 'P-9', 4000)]);
    await driver.pipe(claimChange(null, claim('C-3', 'P-9', 1), 5000));
    const found = (await enriched(driver)).map(({ value }) => [value!.claimId, value!.policy?.version]);
    expect(found).toEqual([['C-1', undefined], ['C-2', 1], ['C-3', undefined]]); // prettier-ignore
  });

  test('a closed, a deleted and a tombstoned claim say nothing', async () => {
    await using driver = await drive(claimsEnriched, options);
    const [open, closed] = [claim('C-1', 'P-1', 1), claim('C-1', 'P-1', 2, { status: 'CLOSED' })];
    await driver.pipeAll([
      claimChange(open, closed, 1000),
      claimChange(closed, null, 2000),
      tombstone(CLAIMS_TOPIC, 'C-1', 2000),
    ]);
    expect(await enriched(driver)).toEqual([]);
    expect(driver.figures().deadLettered).toBe(0);
  });

  test('policies that lie there before the first start are read before any claim, whatever the timestamps', async () => {
    await using driver = await drive(claimsEnriched, {
      ...options,
      before: [claimChange(null, claim('C-1', 'P-1', 1), 1000), policyChange(null, policy('P-1', 7), 9000)],
    });
    await driver.pipeAll([]);
    expect((await enriched(driver)).map(({ value }) => value!.policy?.version)).toEqual([7]);
  });
});

describe('claims.by-policy', () => {
  test('totals follow a claim as it is opened, paid, closed, reopened and deleted; the last one leaves a row of zeros', async () => {
    await using driver = await drive(claimsEnriched, options);
    const opened = claim('C-1', 'P-1', 1);
    const paid = { ...opened, version: 2, paid_amount: '100.10' };
    const closed = { ...paid, version: 3, status: 'CLOSED' as const };
    const reopened = { ...paid, version: 4, paid_amount: '150.00' };
    const other = claim('C-2', 'P-1', 1, { paid_amount: '-0.01' });
    const seen: unknown[] = [];
    for (const event of [
      claimChange(null, opened, 1000),
      claimChange(opened, paid, 2000),
      claimChange(null, other, 2500),
      claimChange(paid, closed, 3000),
      claimChange(closed, reopened, 4000),
      claimChange(other, null, 5000),
      tombstone(CLAIMS_TOPIC, 'C-2', 5000),
      claimChange(reopened, null, 6000),
      tombstone(CLAIMS_TOPIC, 'C-1', 6000),
    ]) {
      await driver.pipe(event);
      seen.push((await totals(driver)).map(({ key, value }) => `${key}: ${value!.open} open, ${value!.paidCents}`));
    }
    expect(seen).toEqual([
      ['P-1: 1 open, 0'],
      ['P-1: 1 open, 10010'],
      ['P-1: 2 open, 10009'],
      ['P-1: 1 open, 10009'],
      ['P-1: 2 open, 14999'],
      ['P-1: 1 open, 15000'],
      [],
      ['P-1: 0 open, 0'],
      [],
    ]);
    expect(await driver.store('exposure').get('P-1')).toMatchObject({ paidCents: 0n });
    expect(await driver.store('claims').get('C-1')).toBeNull();
  });

  test('a claim that moves to another policy is taken from the one and added to the other', async () => {
    await using driver = await drive(claimsEnriched, options);
    const [before, after] = [
      claim('C-1', 'P-1', 1, { paid_amount: '5.00' }),
      claim('C-1', 'P-2', 2, { paid_amount: '7.00' }),
    ];
    await driver.pipe(claimChange(null, before, 1000));
    await driver.pipe(claimChange(before, after, 2000));
    expect(byKey(await totals(driver))).toMatchObject({
      'P-1': { open: 0, paidCents: 0n },
      'P-2': { open: 1, paidCents: 700n },
    });
  });

  test('many claims over all partitions add up', async () => {
    await using driver = await drive(claimsEnriched, options);
    const claims = Array.from({ length: 200 }, (_, n) => claim(`C-${n}`, `P-${n % 20}`, 1, { paid_amount: `${n}.00` }));
    await driver.pipeAll(claims.map((row, n) => claimChange(null, row, 1000 + n)));
    await driver.pipeAll(
      claims.slice(0, 100).map((row, n) => claimChange(row, { ...row, version: 2, status: 'CLOSED' }, 2000 + n)),
    );
    const found = byKey(await totals(driver));
    for (let p = 0; p < 20; p++) {
      const paid = claims.reduce((sum, _, n) => (n % 20 === p ? sum + n : sum), 0);
      expect(found[`P-${p}`]).toMatchObject({ policyId: `P-${p}`, open: 5, paidCents: BigInt(100 * paid) });
    }
    expect(new Set((await enriched(driver)).map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]));
  });
});

describe('bytes that are no event', () => {
  test('go to the dead letters as they came, with where and why, and leave no trace in any state', async () => {
    await using driver = await drive(claimsEnriched, options);
    const row = claim('C-1', 'P-1', 1, { paid_amount: '3.00' });
    await driver.pipeAll([policyChange(null, policy('P-1', 1), 500), claimChange(null, row, 1000)]);
    const before = byKey(await totals(driver));
    const bad = poison(CLAIMS_TOPIC, 'C-1', 2000);
    await driver.pipeAll([bad, poison(POLICIES_TOPIC, 'P-1', 2000)]);

    const letters = await driver.read<Buffer, Buffer>('claims-enriched.dead-letters');
    expect(letters.map(({ headers }) => headerTexts(headers)['__streams.errors.topic']).sort()).toEqual([
      CLAIMS_TOPIC,
      POLICIES_TOPIC,
    ]);
    const letter = letters.find(({ headers }) => headerTexts(headers)['__streams.errors.topic'] === CLAIMS_TOPIC)!;
    expect(letter.key).toEqual(keyOf('C-1'));
    expect(letter.value).toEqual(bad.value);
    expect(letter.timestamp).toBe(2000);
    const headers = headerTexts(letter.headers);
    expect(headers).toMatchObject({
      trace: 't-1',
      '__streams.errors.partition': String(letter.partition),
      '__streams.errors.offset': '1',
      'topo.step': CLAIMS_TOPIC,
      'topo.code': 'TOPO_DECODE',
      'topo.attempt': '1',
    });
    expect(headers['__streams.errors.exception']).toMatch(/Error$/);
    expect(headers['__streams.errors.message']).not.toBe('');
    expect(headers['__streams.errors.stacktrace']).toContain('Error');
    expect(headers['topo.manifest']).toMatch(/^[0-9a-f]{16,}$/);

    expect(await totals(driver)).toEqual([]);
    expect(await driver.store('claims').get('C-1')).toEqual(row);
    expect(await driver.store('policies').get('P-1')).toEqual(policy('P-1', 1));
    expect(before['P-1']).toMatchObject({ open: 1, paidCents: 300n });
    await driver.pipe(claimChange(row, { ...row, version: 2, paid_amount: '4.00' }, 3000));
    expect(byKey(await totals(driver))['P-1']).toMatchObject({ open: 1, paidCents: 400n });
  });
});
