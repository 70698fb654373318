import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { Random } from '../../src/testing/simulator/random.ts';
import { FAULTS } from '../../src/testing/simulator/fate.ts';
import { Simulation } from '../../src/testing/simulator/simulation.ts';
import { simulate } from '../../src/testing/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';

const claims = topic('claims', string(), string());
const policies = topic('policies', string(), string());
const counts = topic('counts', string(), json<number>());

const enriched = topology('enriched', t => {
  t.stream(claims)
    .leftJoin('with-policy', t.table('policies', policies), (claim, policy) => `${claim} under ${policy}`)
    .to(topic('claims.enriched', string(), string()));
});

/** Counts what lands in other tasks than it came from. */
const counted = topology('counted', t => {
  t.stream(claims)
    .groupBy('by-kind', claim => claim.slice(0, 1), string())
    .count('claims-by-kind')
    .to(counts);
});

const drawClaims = (random: Random): InputRecord[] =>
  Array.from({ length: 40 }, (_, n) => ({
    topic: random.chance(0.7) ? 'claims' : 'policies',
    key: `P-${random.below(5)}`,
    value: `${random.oneOf(['fire', 'water', 'theft'])} ${n}`,
  }));

test('crashes, power cuts and disk errors do not show in what comes out', { timeout: 120_000 }, async () => {
  await simulate(enriched, { input: drawClaims, runs: 60 });
  await simulate(counted, {
    input: random => drawClaims(random).filter(({ topic }) => topic === 'claims'),
    runs: 60,
    check(outcome, input) {
      const total = outcome.entries<string, number>('claims-by-kind').reduce((sum, [, count]) => sum + count, 0);
      expect(total).toBe(input.length);
      expect(outcome.records('counts')).toHaveLength(input.length);
    },
  });
});

test('what compaction leaves of inputs and outputs is looked at', { timeout: 60_000 }, async () => {
  const compacted = { config: { 'cleanup.policy': 'compact' } };
  const replicated = topology('replicated', t => {
    t.table('policies', topic('policies', string(), string(), compacted))
      .map(policy => `${policy} here`)
      .to(topic('policies.here', string(), string(), compacted));
  });
  let deleted = 0;
  await simulate(replicated, {
    input: random => drawClaims(random).map(record => ({ ...record, topic: 'policies' })),
    runs: 40,
    check: (outcome, input) => void (deleted += input.length - outcome.records('policies.here').length),
  });
  expect(deleted).toBeGreaterThan(0);
});

test('one seed gives one run, turn by turn, whatever else the process does', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const input = drawClaims(new Random(seed));
    const run = async () => {
      const simulation = new Simulation(
        { topology: enriched, partitions: 2, input, isComplete: false, faults: FAULTS },
        seed,
      );
      const { log } = await simulation.run();
      return { digest: simulation.trace.digest, records: [...log.records] };
    };
    // one after the other, and two at once
    const [first, second, third] = [await run(), ...(await Promise.all([run(), run()]))];
    expect(second).toEqual(first);
    expect(third).toEqual(first);
  }
});
