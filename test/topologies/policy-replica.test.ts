import { expect, test } from 'vitest';
import type { Policy } from '../../topologies/gen/insurance/v1/policy.ts';
import policyReplica from '../../topologies/policy-replica.ts';
import { drive } from '../drive.ts';
import { headerTexts, keyOf, POLICIES_TOPIC, poison, policy, policyChange, tombstone } from './insurance-events.ts';

const options = { partitions: 3 };

test('every change of a policy is its row in the replica, and a deleted one a tombstone', async () => {
  await using driver = await drive(policyReplica, options);
  const [first, second] = [policy('P-1', 1), policy('P-1', 2, { premium_amount: '1234567890.05', bonus_malus: 95 })];
  await driver.pipe(policyChange(null, first, 1000));
  await driver.pipe(policyChange(first, second, 2000));
  await driver.pipeAll([policyChange(second, null, 3000), tombstone(POLICIES_TOPIC, 'P-1', 3000)]);

  const records = await driver.read<string, Policy>('policies.replica');
  expect(records.map(({ key, timestamp }) => [key, timestamp])).toEqual([['P-1', 1000], ['P-1', 2000], ['P-1', 3000]]); // prettier-ignore
  expect(records[1]!.value).toMatchObject({
    policyId: 'P-1',
    clientId: 'K-1',
    premiumCents: 123456789005n,
    bonusMalus: 95,
    validFrom: '2021-01-01Z',
    version: 2,
  });
  expect(records[2]!.value).toBeNull();
  expect(driver.figures().dropped).toEqual({ tombstone: 1 });
});

test('policies lie in the partitions of their keys, and their store holds them all', async () => {
  await using driver = await drive(policyReplica, options);
  const rows = Array.from({ length: 60 }, (_, n) => policy(`P-${n}`, 1));
  await driver.pipeAll(rows.map((row, n) => policyChange(null, row, 1000 + n)));
  const records = await driver.read<string, Policy>('policies.replica');
  expect(records.map(({ key }) => key).sort()).toEqual(rows.map(({ id }) => id).sort());
  expect(new Set(records.map(({ partition }) => partition)).size).toBe(3);
  for (const row of rows) expect(await driver.store('policies').get(row.id)).toEqual(row);
});

test('bytes that are no event are dead-lettered, and the row stays as it was', async () => {
  await using driver = await drive(policyReplica, options);
  await driver.pipeAll([policyChange(null, policy('P-1', 1), 1000), poison(POLICIES_TOPIC, 'P-1', 2000)]);
  const [letter] = await driver.read<Buffer, Buffer>('policy-replica.dead-letters');
  expect(letter).toMatchObject({ timestamp: 2000, key: keyOf('P-1'), value: poison(POLICIES_TOPIC, 'P-1', 0).value });
  expect(headerTexts(letter!.headers)).toMatchObject({
    trace: 't-1',
    'topo.code': 'TOPO_DECODE',
    '__streams.errors.offset': '1',
  });
  expect(await driver.read('policies.replica')).toHaveLength(1);
  expect(await driver.store('policies').get('P-1')).toEqual(policy('P-1', 1));
});
