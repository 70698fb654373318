import { parseArgs } from 'node:util';
import { seedOf } from '../seed.ts';
import { MUTANTS } from './mutants.ts';
import { MutationGround } from './mutation.ts';
import { SeedFailure, runSeed } from './run-seed.ts';

/**
 * `npm run test:sim -- --seeds 10000 --from 1`: the examples and random topologies, each under the faults of its seed. `--mutants`:
 * faults seeded into a copy of the source, and how many seeds it takes to catch each; `--only tombstones`: those whose name has that.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);

if (values.mutants) await hunt(values.only, Number(values.from ?? 1), Number(values.seeds ?? 3000));
else await simulate(values.from === undefined ? seedOf('sim') : Number(values.from), Number(values.seeds ?? 100));

async function hunt(only: string, from: number, seeds: number): Promise<void> {
  using ground = new MutationGround();
  for (const mutant of MUTANTS) {
    if (!mutant.name.includes(only)) continue;
    const { seeds: taken, how } = await ground.hunt(mutant, from, seeds);
    say(`| ${mutant.name} | ${taken ?? `not in ${seeds}`} | ${how.slice(0, 200)}`);
    if (taken === null) process.exitCode = 1;
  }
}

async function simulate(from: number, seeds: number): Promise<void> {
  for (let seed = from; seed < from + seeds; seed++) {
    try {
      await runSeed(seed);
    } catch (error) {
      if (!(error instanceof SeedFailure)) throw error;
      say(`What happened last:\n  ${error.trace.slice(-30).join('\n  ')}\n${error.message}`);
      process.exit(1);
    }
    if ((seed - from + 1) % 100 === 0) say(`${seed - from + 1} seeds`);
  }
  say(`${seeds} seeds from ${from} on: nothing wrong`);
}
