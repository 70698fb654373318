import type { Dice } from '../seed.ts';

/** What stands in texts of hostile records. It may be in no error message, since messages get into logs. */
export const SECRET = 'SECRET';

export const isChance = (dice: Dice, probability: number): boolean => dice.unit() < probability;

/** Mostly few, now and then many. */
export const few = (dice: Dice, most: number): number => (isChance(dice, 0.9) ? dice.below(4) : dice.below(most + 1));

export function randomBytes(dice: Dice, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = dice.below(256);
  return bytes;
}

/** 64 bits, mostly near an edge: a power of two, give or take one. */
export function anyBits(dice: Dice): bigint {
  if (isChance(dice, 0.3)) return BigInt(dice.below(300));
  if (isChance(dice, 0.2)) return (BigInt(dice.below(0x1_0000_0000)) << 32n) | BigInt(dice.below(0x1_0000_0000));
  const edge = (1n << BigInt(dice.below(65))) + BigInt(dice.below(3) - 1);
  return BigInt.asUintN(64, isChance(dice, 0.5) ? edge : -edge);
}

/** Names that objects have by themselves, or that mean something to somebody. */
export const ODD_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'toJSON',
  'hasOwnProperty',
  '',
  '0',
  '-0',
];

/** UTF-8 of lengths around those where readers change their ways. */
export function goodText(dice: Dice): Buffer {
  const texts = [
    () => dice.oneOf(ODD_NAMES),
    () => '__proto__',
    () => SECRET + dice.below(1000),
    () => 'x'.repeat(dice.oneOf([15, 16, 17, 41, 42, 43, 127, 128])),
    () => 'é'.repeat(1 + dice.below(30)),
    () => `a${'\ufffd'}b`,
    () => `${'\ufeff'}bom${dice.oneOf(['', '\ufffd'])}`,
    () => '🚗'.repeat(1 + dice.below(6)),
    () => String.fromCharCode(dice.below(0x80), dice.below(0xd800), dice.below(0x800)),
  ];
  return Buffer.from(dice.oneOf(texts)());
}

/** What a lenient reader takes for text: overlong forms, halves of surrogate pairs, beyond Unicode, cut short, stray bytes. */
const BAD_TEXTS = [
  'c080',
  'c1bf',
  'e08080',
  'e09fbf',
  'f0808080',
  'f08fbfbf',
  'eda080',
  'edbfbf',
  'edadbfedb080',
].concat(['f4908080', 'f7bfbfbf', 'f888808080', 'e282', 'f09f98', 'c3', '80', 'bf', 'fe', 'ff', 'c3c3a9', 'efbfbf80']);

export function badText(dice: Dice): Buffer {
  const bad = Buffer.from(dice.oneOf(BAD_TEXTS), 'hex');
  const [before, behind] = [goodText(dice), goodText(dice)];
  return Buffer.concat(isChance(dice, 0.5) ? [bad] : [before, bad, behind]);
}

/** A few bytes changed, inserted, removed, doubled or cut off. */
export function damaged(dice: Dice, bytes: Buffer): Buffer {
  let damage = bytes;
  for (let changes = 1 + dice.below(3); changes > 0; changes--) {
    const at = dice.below(damage.length + 1);
    const to = Math.min(damage.length, at + dice.below(8));
    const [before, part, behind] = [damage.subarray(0, at), damage.subarray(at, to), damage.subarray(to)];
    const options = [
      () => [before, randomBytes(dice, part.length), behind],
      () => [before, randomBytes(dice, 1 + dice.below(4)), part, behind],
      () => [before, behind],
      () => [before, part, part, behind],
      () => [before],
      () => [before, part.length > 0 ? Buffer.from([part[0]! ^ (1 << dice.below(8))]) : part, part.subarray(1), behind],
    ];
    damage = Buffer.concat(dice.oneOf(options)());
  }
  return damage;
}
