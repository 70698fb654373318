import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import { compareOutputs } from '../../src/testing/simulator/comparison.ts';
import { CALM } from '../../src/testing/simulator/fate.ts';
import { Simulation } from '../../src/testing/simulator/simulation.ts';
import { say } from '../say.ts';
import { Dice, seedOf } from '../seed.ts';

const LARGEST_SEED = 2 ** 31 - 1;
const policies = topic('policies', string(), string());
const claims = topic('claims', string(), string());
const log = topic('latest', string(), string(), { config: { 'cleanup.policy': 'compact' } });

/** A join, a count and timers: outputs, dead letters, a compacted topic, changelogs and states. */
const enriched = topology('enriched', t => {
  const rows = t.table('policy-rows', policies, { readFirst: true });
  const joined = t
    .stream(claims)
    .leftJoin('joined', rows, (claim, policy) => {
      if (claim.endsWith('7')) throw new Error('an unlucky claim');
      return `${claim} of ${policy}`;
    })
    .as(string());
  joined.to(log);
  joined.debounceTime('quiet', '20 ms').to(topic('quiet', string(), string()));
  joined
    .groupByKey()
    .count('counted')
    .to(topic('counts', string(), json<number>()));
});

const drawInput = (dice: Dice): InputRecord[] =>
  Array.from({ length: 40 }, (_, n) => ({
    topic: n % 4 === 0 ? 'policies' : 'claims',
    key: `k${dice.below(4)}`,
    value: n % 9 === 8 ? null : `v${n}`,
    timestamp: 5 * n,
  }));

const ROUNDS = 2;
/** Many commits, and much that does not fit the caches. */
const settings = { commitIntervalMs: 0, maxEpochRecords: 2, memoryBytes: 20_000 };

test(
  'a disk that is full from any write on loses nothing: it ends the run, which goes on where there is room',
  { timeout: 300_000 },
  async () => {
    const dice = new Dice(seedOf('full-disk'));
    for (let round = 0; round < ROUNDS; round++) {
      const common = { topology: enriched, partitions: 2, input: drawInput(dice), isComplete: true, settings };
      const seed = 1 + dice.below(LARGEST_SEED);
      const undisturbed = await new Simulation({ ...common, faults: [] }, seed).run();
      let writes = 0;
      for (let faultAt = 1; ; faultAt++) {
        const fates = [{ ...CALM, fault: 'full', faultAt } as const];
        const simulation = new Simulation({ ...common, faults: [], fates }, seed);
        const { log, writers, stores } = await simulation.run();
        compareOutputs(enriched, log, undisturbed.log, writers);
        expect(stores).toEqual(undisturbed.stores);
        if (simulation.faultsMet === 0) break;
        writes++;
      }
      expect(writes).toBeGreaterThan(50);
      say(`full-disk: full at each of ${writes} writes`);
    }
  },
);
