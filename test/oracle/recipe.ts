import type { Dice } from '../seed.ts';
import type { OracleTopology } from './cases.ts';

/** Later than any window, buffer or session of a random case reaches: the last record closes what is still open. */
const FAR_MS = 10_000;

export interface Side {
  readonly topic: string;
  readonly keys: readonly string[];
  readonly nullValuePercent: number;
  readonly value: (dice: Dice, count: number) => string;
}

/** How inputs are drawn. Time goes on by 0 to `stepMs`, now and then by `leapMs`; some records fall back behind it. */
export interface Recipe {
  readonly sides: readonly Side[];
  readonly stepMs: number;
  readonly leapMs: number;
  readonly backMs: number;
  readonly nullKeyPercent: number;
  /** The topics of which one gets the last record, far later than all others. */
  readonly endsOn?: readonly string[];
}

export interface Variety {
  readonly name: string;
  readonly draw: (dice: Dice, count: number) => { readonly topology: OracleTopology; readonly recipe: Recipe };
}

/** Random inputs in the form of `cases.jsonl`. */
export function inputsOf(recipe: Recipe, dice: Dice): string[] {
  const inputs: string[] = [];
  const length = 20 + dice.below(16);
  let now = dice.below(20);
  for (let count = 0; count < length; count++) {
    now += dice.below(100) < 4 ? recipe.leapMs : dice.below(recipe.stepMs + 1);
    const timestamp = dice.below(100) < 30 ? Math.max(0, now - dice.below(recipe.backMs + 1)) : now;
    const side = dice.oneOf(recipe.sides);
    const key = dice.below(100) < recipe.nullKeyPercent ? '~' : dice.oneOf(side.keys);
    const value = dice.below(100) < side.nullValuePercent ? '~' : side.value(dice, count);
    inputs.push(`${side.topic}|${key}|${value}|${timestamp}`);
  }
  if (recipe.endsOn) inputs.push(`${dice.oneOf(recipe.endsOn)}|z|z|${now + FAR_MS}`);
  return inputs;
}

export const KEYS = ['a', 'b', 'c'];
export const numbered = (prefix: string) => (_dice: Dice, count: number) => `${prefix}${count}`;
export const LEFT: Side = { topic: 'left', keys: KEYS, nullValuePercent: 8, value: numbered('l') };
export const RIGHT: Side = { topic: 'right', keys: KEYS, nullValuePercent: 8, value: numbered('r') };
export const IN: Side = { topic: 'in', keys: ['a', 'b'], nullValuePercent: 8, value: numbered('') };

/** For what has no window. */
export const UNWINDOWED = { stepMs: 6, leapMs: 60, backMs: 30, nullKeyPercent: 5 };
/** Histories of versioned tables: shorter than records fall back, about as long, and longer than a case. */
export const RETENTIONS_MS = [10, 40, 100_000];
