import protobufjs from 'protobufjs';
import type { Dice } from '../../seed.ts';
import { anyBits, badText, few, goodText, isChance, randomBytes } from '../hostile.ts';
import { wireOf } from './reference.ts';

/** `padding`: bytes of zero bits behind the number, which make the varint longer than it need be. */
export function varint(value: bigint, padding = 0): Buffer {
  const groups: number[] = [];
  let rest = value;
  do {
    groups.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n);
  for (let more = 0; more < padding; more++) groups.push(0);
  return Buffer.from(groups.map((group, index) => (index < groups.length - 1 ? group | 0x80 : group)));
}

export const delimited = (number: number, content: Buffer): Buffer =>
  Buffer.concat([varint(BigInt(number) * 8n + 2n), varint(BigInt(content.length)), content]);

/** How often each thing in a message is not as it should be. */
export type Hostility = 0 | 0.02 | 0.2;

/** Lengths that lie: no bytes are there for them. */
const HUGE = [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const DEEPEST = 4;

/** A message of a type as bytes, field by field, with mistakes in it. */
export function anyMessage(dice: Dice, type: protobufjs.Type, hostility: Hostility, depth = 0): Buffer {
  const parts: Buffer[] = [];
  for (let left = few(dice, 12); left > 0; left--) {
    if (isChance(dice, hostility)) parts.push(strangeField(dice, type, hostility, depth));
    else if (isChance(dice, 0.1)) parts.push(unknownField(dice, type));
    else parts.push(...knownField(dice, type, hostility, depth));
  }
  return Buffer.concat(parts);
}

/** Overlong now and then, which is no mistake; with hostility up to more than 64 bits. */
function anyVarint(dice: Dice, value: bigint, hostility: Hostility): Buffer {
  if (isChance(dice, hostility)) return varint(value, dice.below(12));
  if (isChance(dice, hostility / 2)) return Buffer.concat([Buffer.alloc(9, 0xff), Buffer.from([dice.below(256)])]);
  const plain = varint(value);
  return isChance(dice, 0.05) ? varint(value, dice.below(11 - plain.length)) : plain;
}

function tag(dice: Dice, number: number, wire: number, hostility: Hostility): Buffer {
  return anyVarint(dice, BigInt(number) * 8n + BigInt(wire), hostility);
}

function withLength(dice: Dice, content: Buffer, hostility: Hostility): Buffer {
  const wrong = [BigInt(content.length + 1 + dice.below(3)), BigInt(Math.max(0, content.length - 1)), ...HUGE];
  const length = isChance(dice, hostility) ? dice.oneOf(wrong) : BigInt(content.length);
  return Buffer.concat([anyVarint(dice, length, hostility), content]);
}

/** One or several occurrences of one field. */
function knownField(dice: Dice, type: protobufjs.Type, hostility: Hostility, depth: number): Buffer[] {
  const field = dice.oneOf(type.fieldsArray).resolve();
  const again = isChance(dice, field.repeated || field.map ? 0.5 : 0.15) ? 1 + dice.below(3) : 1;
  return Array.from({ length: again }, () => {
    const isPacked = field.repeated && wireOf(field) !== 2 && isChance(dice, 0.6);
    if (!isPacked) return Buffer.concat([tag(dice, field.id, fieldWire(field), hostility), contentOf(dice, field, hostility, depth)]);
    const elements = Array.from({ length: few(dice, 40) }, () => contentOf(dice, field, hostility, depth));
    const packed = Buffer.concat(elements);
    const content = isChance(dice, hostility) ? torn(dice, packed)[0]! : packed;
    return Buffer.concat([tag(dice, field.id, 2, hostility), withLength(dice, content, hostility)]);
  }); // prettier-ignore
}

const fieldWire = (field: protobufjs.Field): number => (field.map ? 2 : wireOf(field));

/** What stands behind the tag. */
function contentOf(dice: Dice, field: protobufjs.Field, hostility: Hostility, depth: number): Buffer {
  if (field instanceof protobufjs.MapField) return withLength(dice, anyEntry(dice, field, hostility, depth), hostility);
  switch (wireOf(field)) {
    case 0:
      return anyVarint(dice, numberFor(dice, field, hostility), hostility);
    case 1:
      return randomBytes(dice, 8);
    case 5:
      return randomBytes(dice, 4);
    default: {
      if (field.resolvedType instanceof protobufjs.Type) {
        const inner = depth < DEEPEST ? anyMessage(dice, field.resolvedType, hostility, depth + 1) : Buffer.alloc(0);
        return withLength(dice, inner, hostility);
      }
      const isText = field.type === 'string' && !isChance(dice, hostility);
      const content = isText ? goodText(dice) : isChance(dice, 0.5) ? badText(dice) : randomBytes(dice, dice.below(40));
      return withLength(dice, content, hostility);
    }
  }
}

/** Mostly of the field's range. */
function numberFor(dice: Dice, field: protobufjs.Field, hostility: Hostility): bigint {
  const bits = anyBits(dice);
  if (field.type.endsWith('64') || isChance(dice, hostility)) {
    const isNumber = field.options?.['jstype'] === 'JS_NUMBER' && !isChance(dice, hostility);
    return isNumber ? bits & ((1n << 53n) - 1n) : bits;
  }
  if (field.type === 'bool') return bits;
  if (field.type === 'uint32' || field.type === 'sint32') return BigInt.asUintN(32, bits);
  return BigInt.asUintN(64, BigInt.asIntN(32, bits));
}

/** Key and value, one of them, or one of them twice, in any order, with something unknown between them. */
function anyEntry(dice: Dice, field: protobufjs.MapField, hostility: Hostility, depth: number): Buffer {
  const key = new protobufjs.Field('key', 1, field.keyType).resolve();
  const value = new protobufjs.Field('value', 2, field.type);
  value.resolvedType = field.resolvedType;
  const parts = (isChance(dice, 0.8) ? [key, value] : Array.from({ length: dice.below(4) }, () => dice.oneOf([key, value]))).map(
    one => Buffer.concat([tag(dice, one.id, wireOf(one), hostility), contentOf(dice, one, hostility, depth)]),
  ); // prettier-ignore
  if (isChance(dice, 0.05)) parts.push(Buffer.concat([tag(dice, 3 + dice.below(100), 0, hostility), varint(1n)]));
  return Buffer.concat(parts);
}

function unknownField(dice: Dice, type: protobufjs.Type): Buffer {
  const numbers = [45, 100, 2047, 2048, 2 ** 29 - 2, 1 + dice.below(2 ** 29 - 1)];
  const number = dice.oneOf(numbers.filter(one => type.fieldsById[one] === undefined));
  const contents: readonly (() => readonly [number, Buffer])[] = [
    () => [0, varint(anyBits(dice))],
    () => [1, randomBytes(dice, 8)],
    () => [2, withLength(dice, randomBytes(dice, dice.below(20)), 0)],
    () => [5, randomBytes(dice, 4)],
  ];
  const [wire, content] = dice.oneOf(contents)();
  return Buffer.concat([varint(BigInt(number) * 8n + BigInt(wire)), content]);
}

/** What no field of a good message looks like, or hardly any. */
function strangeField(dice: Dice, type: protobufjs.Type, hostility: Hostility, depth: number): Buffer {
  const field = dice.oneOf(type.fieldsArray).resolve();
  const options = [
    // another wire type, with what belongs to it
    () => {
      const other = dice.oneOf(type.fieldsArray).resolve();
      return Buffer.concat([tag(dice, field.id, fieldWire(other), 0), contentOf(dice, other, hostility, depth)]);
    },
    () => Buffer.concat([tag(dice, 0, dice.below(8), 0), varint(anyBits(dice))]),
    // a group, begun and perhaps ended
    () => Buffer.concat([tag(dice, field.id, 3, 0), isChance(dice, 0.5) ? tag(dice, field.id, 4, 0) : Buffer.alloc(0)]),
    () => tag(dice, field.id, dice.oneOf([4, 6, 7]), 0),
    // a number that has no room in a tag
    () => Buffer.concat([varint(BigInt(2 ** 29 + dice.below(2 ** 29)) * 8n), varint(1n)]),
    () => randomBytes(dice, 1 + dice.below(12)),
    () => Buffer.concat([tag(dice, field.id, fieldWire(field), 0), varint(dice.oneOf(HUGE))]),
  ];
  return dice.oneOf(options)();
}

/** A chain of messages, one in the other. */
export function nested(dice: Dice, type: protobufjs.Type, levels: number): Buffer {
  const edges = type.fieldsArray.filter(field => field.resolve().resolvedType === type);
  let content: Buffer = Buffer.alloc(0);
  for (let level = 1; level < levels; level++) {
    const edge = dice.oneOf(edges);
    const isEntry = edge instanceof protobufjs.MapField;
    // an entry without a value has an empty message
    const isEmpty = content.length === 0 && isChance(dice, 0.5);
    content = delimited(edge.id, isEntry && !isEmpty ? delimited(2, content) : content);
    if (isEntry) level++;
  }
  return content;
}

/** A message in pieces, and its parts in pieces again; now and then torn where no field ends. */
export function inPieces(dice: Dice, type: protobufjs.Type, levels: number): Buffer {
  const field = dice.oneOf(
    type.fieldsArray.filter(one => one.resolve().resolvedType === type && !one.repeated && !one.map),
  );
  const piece = () => (levels > 0 ? inPieces(dice, type, levels - 1) : anyMessage(dice, type, 0, DEEPEST));
  const whole = Array.from({ length: 2 + dice.below(2) }, piece);
  const pieces = isChance(dice, 0.7) ? whole : torn(dice, Buffer.concat(whole));
  return Buffer.concat(pieces.map(one => delimited(field.id, one)));
}

function torn(dice: Dice, bytes: Buffer): Buffer[] {
  const at = dice.below(bytes.length + 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}
