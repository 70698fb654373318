import { parseArgs } from 'node:util';
import { seedOf } from '../seed.ts';
import { MUTANTS } from './mutants.ts';
import { MutationGround } from './mutation.ts';
import { SeedFailure, runSeed } from './run-seed.ts';

/**
 * `npm run test:sim -- --seeds 10000 --from 1`: the examples and random topologies, each under the faults of its seed. `--mutants`:
 * faults seeded into a copy of the source, and after how many seeds each is caught.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);
const seeds = Number(values.seeds);

if (values.mutants) {
  using ground = new MutationGround();
  for (const mutant of MUTANTS) {
    const { seeds: taken, how } = await ground.hunt(mutant, 1, seeds);
    say(`${String(taken).padStart(5)} ${mutant.name}: ${how.slice(0, 200)}`);
  }
} else {
  const from = values.from === undefined ? seedOf('sim') : Number(values.from);
  for (let seed = from; seed < from + seeds; seed++) {
    try {
      await runSeed(seed);
    } catch (error) {
      say(error instanceof SeedFailure ? error.message : String(error));
      say(`Run it again with: npm run test:sim -- --seeds 1 --from ${seed}`);
      process.exit(1);
    }
    if ((seed - from + 1) % 100 === 0) say(`${seed - from + 1} seeds`);
  }
  say(`${seeds} seeds from ${from} on: nothing wrong`);
}
