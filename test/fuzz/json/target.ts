import { json } from '../../../src/serdes/index.ts';
import type { Dice } from '../../seed.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { badText, isChance } from '../hostile.ts';
import { attempt, same, sameButZeros, visible, weight } from '../visible.ts';
import { NoJson, referenceParse } from './reference.ts';
import { anyJson, damagedText, extremeText } from './texts.ts';

const serde = json<unknown>();

export const jsonTarget: Target = {
  name: 'json',
  run: dice => check(anyJsonBytes(dice)),
};

export function anyJsonBytes(dice: Dice): Buffer {
  const draw = dice.below(100);
  if (draw < 5) return Buffer.from(extremeText(dice));
  const text = anyJson(dice);
  if (draw < 60) return Buffer.from(text);
  const bytes = Buffer.from(damagedText(dice, text));
  if (!isChance(dice, 0.1)) return bytes;
  const at = dice.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), badText(dice), bytes.subarray(at)]);
}

/** An element takes two bytes. */
const MAX_WEIGHT_PER_BYTE = 4;

function check(bytes: Buffer): Outcome {
  const expected = parsed(bytes);
  const decoded = attempt(() => serde.decode(bytes));
  if (decoded === undefined) {
    if (expected !== undefined && !mayBeRefused(bytes)) throw new Error(`JSON, and refused: ${bytes.toString()}`);
    return 'refused';
  }
  if (expected === undefined) throw new Error(`taken, and no JSON: ${bytes.toString()}`);
  const { value } = decoded;
  same(visible(value), visible(expected.value), `decoded from ${bytes.toString()}`);
  same(rounded(value), JSON.parse(bytes.toString()), `JSON.parse reads ${bytes.toString()} as something else`);
  if (weight(value) > 10 + MAX_WEIGHT_PER_BYTE * bytes.length) throw new Error(`${bytes.length} bytes weigh ${weight(value)}`);
  const again = attempt(() => Buffer.from(serde.encode(value)));
  if (again === undefined) {
    if (!mayNotEncode(bytes)) throw new Error(`does not encode: ${bytes.toString()}`);
  } else sameButZeros(visible(serde.decode(again.value)), visible(value), `encoded to ${again.value.toString()}`);
  return 'value';
} // prettier-ignore

/** In the reference's form. Undefined for what is no JSON in UTF-8. */
export function parsed(bytes: Buffer): { readonly value: unknown } | undefined {
  const text = bytes.toString();
  if (!Buffer.from(text).equals(bytes)) return undefined;
  try {
    return { value: referenceParse(text) };
  } catch (error) {
    if (error instanceof NoJson) return undefined;
    throw error;
  }
}

/**
 * RFC 8259, section 9: "An implementation may set limits on the maximum depth of nesting". Where bigints are put in, it is a thousand
 * levels.
 */
function mayBeRefused(bytes: Buffer): boolean {
  const text = bytes.toString();
  return /\d{16}/.test(text) && (text.match(/[[{]/g) ?? []).length > 1000;
}

/** The same limit where JSON is written; and a number beyond the range of doubles is read as an infinity, which JSON has not. */
function mayNotEncode(bytes: Buffer): boolean {
  const text = bytes.toString();
  return (text.match(/[[{]/g) ?? []).length > 1000 || /\d{3}|e\+?\d{3}/i.test(text);
}

/** As JSON.parse would read it. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(rounded);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, rounded(inner)]));
}
