import { aggregateState } from '../../../src/serdes/aggregate-state.ts';
import { change } from '../../../src/serdes/change.ts';
import { answer, subscription } from '../../../src/serdes/foreign-key.ts';
import { string } from '../../../src/serdes/index.ts';
import type { Serde } from '../../../src/serdes/index.ts';
import { windowed } from '../../../src/serdes/windowed.ts';
import type { Dice } from '../../seed.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { ODD_NAMES, anyBits, badText, damaged, few, goodText, isChance, randomBytes } from '../hostile.ts';
import { attempt, same, visible, weight } from '../visible.ts';

interface Format {
  readonly name: string;
  readonly serde: Serde<unknown>;
  readonly value: (dice: Dice) => unknown;
  /** Whether a value has one form only: then what decodes encodes to the same bytes. */
  readonly isCanonical: boolean;
}

const key = { type: 'string' } as const;
const text = (dice: Dice): string => goodText(dice).toString();
const small = (dice: Dice): number => dice.below(1_000_000);
const orNull = <T>(dice: Dice, value: T): T | null => (isChance(dice, 0.3) ? null : value);

const format = <T>(name: string, serde: Serde<T>, value: (dice: Dice) => T, isCanonical = true): Format => ({
  name,
  serde: serde,
  value,
  isCanonical,
});

/** What topologies keep for themselves, in their stores and between their steps; some of it lies in topics that others can write to. */
const FORMATS: readonly Format[] = [
  format(
    'aggregate',
    aggregateState([
      ['a', 'last'],
      ['b', 'sum'],
    ]),
    dice => ({ a: anyData(dice), b: anyData(dice) }),
    false,
  ),
  format('change', change(string()), dice => ({ old: orNull(dice, text(dice)), new: orNull(dice, text(dice)) })),
  format('windowed', windowed(string()), dice => ({ key: text(dice), start: small(dice), end: small(dice) })),
  format('subscription', subscription(key, key), dice => ({
    key: goodText(dice),
    version: small(dice),
    left: orNull(dice, goodText(dice)),
    wasReferring: isChance(dice, 0.5),
    moved: isChance(dice, 0.5),
  })),
  format('answer', answer(key, key), dice => ({
    version: small(dice),
    left: goodText(dice),
    right: orNull(dice, goodText(dice)),
    moved: isChance(dice, 0.5),
  })),
  format('string', string(), text),
];

export const internalTarget: Target = {
  name: 'internal',
  run(dice) {
    const chosen = dice.oneOf(FORMATS);
    return check(chosen, anyBytes(dice, chosen));
  },
};

/** Plain data, as aggregates keep it. */
function anyData(dice: Dice, depth = 0): unknown {
  const scalars = [
    () => null,
    () => isChance(dice, 0.5),
    () => small(dice) - 500_000,
    () => Number(anyBits(dice)) / 3,
    () => dice.oneOf([0, -0, NaN, Infinity, 2 ** 52, 2 ** 53, -(2 ** 52) - 1]),
    () => BigInt.asIntN(64, anyBits(dice)),
    () => anyBits(dice) ** BigInt(1 + dice.below(20)),
    () => text(dice),
    () => new Uint8Array(randomBytes(dice, dice.below(30))),
  ];
  if (depth > 3 || isChance(dice, 0.7)) return dice.oneOf(scalars)();
  const items = Array.from({ length: few(dice, 8) }, () => anyData(dice, depth + 1));
  if (isChance(dice, 0.5)) return items;
  return Object.fromEntries(
    items.map((item, index) => [isChance(dice, 0.3) ? dice.oneOf(ODD_NAMES) : `n${index}`, item]),
  );
}

function anyBytes(dice: Dice, { serde, value }: Format): Buffer {
  const draw = dice.below(100);
  if (draw < 5) return randomBytes(dice, dice.below(60));
  const bytes = Buffer.from(serde.encode(value(dice)));
  if (draw < 30) return bytes;
  if (draw < 35) return Buffer.concat([bytes, badText(dice)]);
  return damaged(dice, bytes);
}

/** An empty array in an array takes two bytes. */
const MAX_WEIGHT_PER_BYTE = 4;

function check({ name, serde, isCanonical }: Format, bytes: Buffer): Outcome {
  const decoded = attempt(() => serde.decode(bytes));
  if (decoded === undefined) return 'refused';
  const { value } = decoded;
  if (weight(value) > 20 + MAX_WEIGHT_PER_BYTE * bytes.length)
    throw new Error(`${bytes.length} bytes weigh ${weight(value)}`);
  const seen = visible(value);
  const again = Buffer.from(serde.encode(value));
  same(visible(serde.decode(again)), seen, `${name}: encoded to ${again.toString('hex')} and decoded`);
  if (isCanonical) same(again.toString('hex'), bytes.toString('hex'), `${name}: taken, though it is never written so`);
  return 'value';
}
