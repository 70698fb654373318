import type { Random } from '../../src/sample/random.ts';

const A = 0x61;
const SPACE = 0x20;
const LETTERS = 26;
const SHORTEST = 3;
/** Letters that one random number is good for: 26^6 is below 2^32. */
const LETTERS_A_DRAW = 6;
const DRAW = LETTERS ** LETTERS_A_DRAW;

const scratch = Buffer.alloc(4096);

/** Letters with a space at every 13th place or so: from 3 to `limit` - 1 of them, less the spaces at both ends. */
export function words(random: Random, limit: number): string {
  const length = SHORTEST + random.below(limit - SHORTEST);
  for (let at = 0; at < length; at++) scratch[at] = random.below(13) === 0 ? SPACE : A + random.below(LETTERS);
  return scratch.toString('latin1', 0, length).trim();
}

/** Exactly `length` letters, 4,096 at most. */
export function letters(random: Random, length: number): string {
  for (let at = 0; at < length;) {
    let draw = random.below(DRAW);
    for (const end = Math.min(length, at + LETTERS_A_DRAW); at < end; at++) {
      scratch[at] = A + (draw % LETTERS);
      draw = Math.floor(draw / LETTERS);
    }
  }
  return scratch.toString('latin1', 0, length);
}

/** Letters that make a message of `size` bytes one of `average` bytes, give or take a fifth of what is missing. */
export function filling(random: Random, size: number, average: number): string {
  const missing = average - size;
  if (missing <= 0) return '';
  const spread = Math.round(missing * 0.2);
  return letters(random, missing - spread + random.below(2 * spread + 1));
}
