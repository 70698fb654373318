import type { Dice } from '../seed.ts';
import { aggregateVarieties } from './aggregate-varieties.ts';
import type { CaseLine } from './cases.ts';
import { joinVarieties } from './join-varieties.ts';
import { inputsOf } from './recipe.ts';

const CASES_PER_VARIETY = 12;

/** Random inputs for every join and window: several keys, out of order, late, tombstones, null keys. */
export function randomCases(dice: Dice): CaseLine[] {
  const cases: CaseLine[] = [];
  for (const variety of [...joinVarieties(), ...aggregateVarieties()])
    for (let count = 1; count <= CASES_PER_VARIETY; count++) {
      const { topology, recipe } = variety.draw(dice, count);
      cases.push({ name: `random/${variety.name}/${count}`, topology, inputs: inputsOf(recipe, dice) });
    }
  return cases;
}
