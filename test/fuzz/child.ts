import { say } from '../say.ts';
import { fuzz } from './fuzzer.ts';
import { TARGETS } from './targets.ts';

/** The process that runs the cases: says which turn it begins, a line each, and at the end how many cases there were. */
const [, , seed, minutes] = process.argv.map(Number);
const tell = (message: object) => say(JSON.stringify(message));

/** What a target comes to in so long is one turn. */
const TURN_MS = 100;
const end = performance.now() + minutes! * 60_000;
let turnEnd = 0;

try {
  const tallies = await fuzz({
    seed: seed!,
    targets: TARGETS,
    isOver: () => performance.now() >= end,
    isTurnOver: () => performance.now() >= turnEnd,
    onTurn({ name }, from) {
      turnEnd = performance.now() + TURN_MS;
      tell({ target: name, from });
    },
  });
  tell({ tallies: Object.fromEntries(tallies) });
} catch (error) {
  tell({ failure: (error as Error).message });
  process.exitCode = 1;
}
