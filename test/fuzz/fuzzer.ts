import { Dice } from '../seed.ts';

/** What became of a case: hostile bytes were taken for a value, or refused as they should be. */
export type Outcome = 'value' | 'refused';

export interface Target {
  readonly name: string;
  /** One case, all of it out of the dice. @throws when the code under test did what it must not */
  readonly run: (dice: Dice) => Outcome | Promise<Outcome>;
}

export interface Tally {
  cases: number;
  values: number;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly targets: readonly Target[];
  /** Asked between cases. */
  readonly isOver: () => boolean;
  /** Asked between cases, which a target shares the time by: true when the next target has its turn. */
  readonly isTurnOver: () => boolean;
  /** Called at each turn, with the number of its first case. */
  readonly onTurn: (target: Target, from: number) => void;
}

/** Runs the targets in turns until the time is over. @throws what the first case throws that fails, naming how to run it again */
export async function fuzz(options: FuzzOptions): Promise<ReadonlyMap<string, Tally>> {
  const { seed, targets, isOver, isTurnOver, onTurn } = options;
  const tallies = new Map(targets.map(({ name }) => [name, { cases: 0, values: 0 }]));
  while (!isOver())
    for (const target of targets) {
      const tally = tallies.get(target.name)!;
      onTurn(target, tally.cases);
      do {
        if ((await runCase(target, seed, tally.cases)) === 'value') tally.values++;
        tally.cases++;
      } while (!isTurnOver() && !isOver());
    }
  return tallies;
}

/** @throws when the case fails */
export async function runCase(target: Target, seed: number, number: number): Promise<Outcome> {
  try {
    const outcome = target.run(new Dice(caseSeed(seed, target.name, number)));
    return typeof outcome === 'string' ? outcome : await outcome;
  } catch (cause) {
    const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    throw new Error(`${howToRepeat(seed, target.name, number)}\n${detail}`, { cause });
  }
}

export const howToRepeat = (seed: number, target: string, number: number): string =>
  `case ${number} of ${target} failed. To run it again: npm run test:fuzz -- --seed ${seed} --case ${target}/${number}`;

/** Each case has dice of its own, so that it can be run alone. */
function caseSeed(seed: number, target: string, number: number): number {
  let hash = seed | 0;
  for (const code of Buffer.from(`${target}/${number}`)) hash = Math.imul(hash ^ code, 0x5bd1e995) ^ (hash >>> 13);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
