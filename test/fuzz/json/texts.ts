import type { Dice } from '../../seed.ts';
import { ODD_NAMES, SECRET, few, isChance } from '../hostile.ts';

/** JSON text with anything that may be said in it, at hand-picked places where a reader may slip. */
export function anyJson(dice: Dice, depth = 0): string {
  const draw = depth > 3 ? 3 + dice.below(7) : dice.below(10);
  if (draw < 3) return anyObject(dice, depth);
  if (draw < 5) return depth > 4 ? '[]' : anyArray(dice, depth);
  if (draw < 7) return anyString(dice);
  return draw < 9 ? anyNumber(dice) : dice.oneOf(['null', 'true', 'false']);
}

const space = (dice: Dice): string => (isChance(dice, 0.9) ? '' : dice.oneOf([' ', '\n', '\t', '\r\n', '     ']));

export function member(dice: Dice, name: string, value: string): string {
  return `${space(dice)}${name}${space(dice)}:${space(dice)}${value}${space(dice)}`;
}

export function anyObject(dice: Dice, depth: number): string {
  const members = Array.from({ length: few(dice, 12) }, () => member(dice, anyName(dice), anyJson(dice, depth + 1)));
  // now and then a name comes twice
  if (members.length > 0 && isChance(dice, 0.1)) members.push(dice.oneOf(members));
  return `{${members.join(',')}${space(dice)}}`;
}

function anyArray(dice: Dice, depth: number): string {
  const items = Array.from({ length: few(dice, 12) }, () => space(dice) + anyJson(dice, depth + 1) + space(dice));
  return `[${items.join(',')}]`;
}

/** Names are no secret: messages say which property is wrong. */
const anyName = (dice: Dice): string =>
  isChance(dice, 0.3) ? quoted(dice, dice.oneOf(ODD_NAMES)) : anyString(dice).replaceAll(SECRET, 'name');

/** Some characters escaped that need not be. */
export function quoted(dice: Dice, text: string): string {
  const plain = JSON.stringify(text);
  if (isChance(dice, 0.9)) return plain;
  return plain.replace(/[a-z_0-9\ue000-\uf8ff](?!.*\\)/g, one =>
    isChance(dice, 0.3) ? `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}` : one,
  );
}

export function anyString(dice: Dice): string {
  const texts = [
    () => `${SECRET}${dice.below(100)}`,
    () => String.fromCharCode(0xe000 + dice.below(3)) + dice.below(100),
    () => String.fromCharCode(0xe000 + dice.below(0x1900)),
    () => `, ${longDigits(dice)}, `,
    () => `"${longDigits(dice)}`,
    () => longDigits(dice),
    () => '\\'.repeat(dice.below(6)),
    () => 'x'.repeat(dice.below(40)),
    () => dice.oneOf(['é', '🚗', '\ufffd', '\u0001', '\u2028', '']),
  ];
  const text = quoted(dice, dice.oneOf(texts)());
  return isChance(dice, 0.05) ? `"\\ud800${text.slice(1)}` : text;
}

/** As many as matter: 2^53 has 16. */
export const longDigits = (dice: Dice): string =>
  String(1 + dice.below(9)) + Array.from({ length: 13 + dice.below(20) }, () => dice.below(10)).join('');

export function anyNumber(dice: Dice): string {
  const numbers = [
    () => String(dice.below(1000)),
    () => longDigits(dice),
    () => String(2n ** 53n + BigInt(dice.below(5) - 2)),
    () => `${longDigits(dice)}.${longDigits(dice)}`,
    () => `${longDigits(dice)}e${dice.oneOf(['+', '-', ''])}${dice.below(400)}`,
    () => `0.${longDigits(dice)}`,
    () => '0',
    () => longDigits(dice).repeat(1 + dice.below(30)),
  ];
  return (isChance(dice, 0.3) ? '-' : '') + dice.oneOf(numbers)();
}

/** What JSON has not, though some readers take it. */
const WRONG = ['NaN', 'Infinity', 'undefined', '+1', '.5', '1.', '0x1', '01', '00', '-', "'a'", '//', '/**/', '1_0', '\ufeff'].concat(
  ['\u0000', '\u00a0', '\u2028', '1n', '[,]', '{"a"}', '{a:1}', '"\\x41"', '"\\u12"', '"\t"', 'nul', '-0123456789012345678'],
); // prettier-ignore

/** Text in which something is not as it should be: mostly no JSON any more. */
export function damagedText(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  const [before, behind] = [text.slice(0, at), text.slice(at)];
  const options = [
    () => before,
    () => before + behind.slice(1 + dice.below(3)),
    () => before + dice.oneOf([...'[]{},:"\\-+.eE0919', ' ']) + behind,
    () => before + dice.oneOf(WRONG) + behind,
    () => before + longDigits(dice) + behind,
    () => text + dice.oneOf([',', ' ', '}', ']', 'x', text]),
  ];
  return dice.oneOf(options)();
}

/** Text that is large in one way. */
export function extremeText(dice: Dice): string {
  const depth = 500 + dice.below(1200);
  const inner = dice.oneOf([longDigits(dice), 'null', '"x"', '']);
  const options = [
    () => '['.repeat(depth) + inner + ']'.repeat(depth),
    () => '{"a":'.repeat(depth) + inner + '}'.repeat(depth),
    () => '['.repeat(depth),
    () => dice.oneOf(['', '-', '0', '1.']) + '9'.repeat(1000 + dice.below(4000)),
    () => `"${'\\'.repeat(1000 + dice.below(3))}"`,
    () => `[${'1,'.repeat(500)}${longDigits(dice)}]`,
  ];
  return dice.oneOf(options)();
}
