import { expect, test } from 'vitest';
import { seedOf } from '../seed.ts';
import { MUTANTS } from './mutants.ts';
import { MutationGround, mutated } from './mutation.ts';
import { runSeed } from './run-seed.ts';

const SEEDS = 150;
/** Those that a handful of seeds catch: in the commit, in the restore, in the log, in a unit. */
const QUICK = [
  'the store is written before the log',
  'a restore forgets timestamps',
  'a commit is acknowledged before it is synced',
  'a dead letter is dropped',
];

test('random topologies under the faults of a seed do what a naive model does', { timeout: 600_000 }, async () => {
  const from = seedOf('sim');
  for (let seed = from; seed < from + SEEDS; seed++) await runSeed(seed);
});

test('one seed gives one run', async () => {
  const seed = seedOf('sim');
  const [one, other] = [await runSeed(seed), await runSeed(seed)];
  expect(other.digest).toBe(one.digest);
});

test('every fault to be seeded into the source still fits it', () => {
  for (const mutant of MUTANTS) expect(() => mutated(mutant)).not.toThrow();
});

test('faults seeded into the source are caught', { timeout: 600_000 }, async () => {
  using ground = new MutationGround();
  for (const name of QUICK) {
    const { seeds } = await ground.hunt(
      MUTANTS.find(mutant => mutant.name === name)!,
      1,
      100,
    );
    expect(seeds, name).not.toBeNull();
  }
  expect((await ground.control(1, 10)).seeds).toBeNull();
});
