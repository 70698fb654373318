import { say } from '../say.ts';
import { runSeed } from './run-seed.ts';

/** Runs seeds until one fails; says which, and why. */
const [from, runs] = process.argv.slice(2).map(Number) as [number, number];

for (let seed = from; seed < from + runs; seed++) {
  say(`seed ${seed}`);
  try {
    await runSeed(seed);
  } catch (error) {
    say(`caught ${(error as Error).message.split('\n')[0]!.slice(0, 300)}`);
    process.exit(1);
  }
}
