import type protobufjs from 'protobufjs';
import { protobuf } from '../../../src/serdes/index.ts';
import type { Serde } from '../../../src/serdes/index.ts';
import type { Dice } from '../../seed.ts';
import { Kinds, Kinds_Inner } from '../../serdes/gen/kinds/v1/kinds.ts';
import { Tree } from '../../serdes/gen/trees/v1/tree.ts';
import { asRead, peerType } from '../../serdes/protobuf-peer.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { damaged, isChance, randomBytes } from '../hostile.ts';
import { attempt, same, visible, weight } from '../visible.ts';
import { anyMessage, inPieces, nested } from './messages.ts';
import type { Hostility } from './messages.ts';
import { NoMessage, referenceDecode } from './reference.ts';
import type { Noted } from './reference.ts';

const TYPES: readonly (readonly [protobufjs.Type, Serde<unknown>])[] = [
  [peerType('kinds.v1.Kinds'), protobuf(Kinds)],
  [peerType('kinds.v1.Kinds.Inner'), protobuf(Kinds_Inner)],
  [peerType('trees.v1.Tree'), protobuf(Tree)],
];

/** An empty message in a list takes two bytes, and has a value, list or map for each of its implicit fields. */
const MAX_WEIGHT_PER_BYTE = 20;
const EMPTY_WEIGHT = 100;

export const protobufTarget: Target = {
  name: 'protobuf',
  run(dice) {
    const [type, serde] = isChance(dice, 0.5) ? TYPES[0]! : dice.oneOf(TYPES);
    return check(type, serde, anyMessageBytes(dice, type));
  },
};

export function anyMessageBytes(dice: Dice, type: protobufjs.Type): Buffer {
  const hostility = dice.oneOf<Hostility>([0, 0, 0.02, 0.2]);
  const draw = dice.below(100);
  if (draw < 4 && isRecursive(type)) return nested(dice, type, dice.oneOf([95, 98, 99, 100, 101, 102, 1000, 3000]));
  if (draw < 12 && isRecursive(type)) return inPieces(dice, type, dice.below(4));
  if (draw < 15) return randomBytes(dice, dice.below(60));
  const bytes = anyMessage(dice, type, hostility);
  return draw < 35 ? damaged(dice, bytes) : bytes;
}

const isRecursive = (type: protobufjs.Type): boolean =>
  type.fieldsArray.some(field => field.resolve().resolvedType === type);

function check(type: protobufjs.Type, serde: Serde<unknown>, bytes: Buffer): Outcome {
  const noted: Noted = { hasReplacedMember: false };
  const expected = referenceOf(type, bytes, noted);
  const decoded = attempt(() => serde.decode(bytes));
  if (decoded === undefined || expected === undefined) {
    if (decoded !== undefined) throw new Error(`taken, and no message: ${bytes.toString('hex')}`);
    if (expected !== undefined) throw new Error(`a message, and refused: ${bytes.toString('hex')}`);
    return 'refused';
  }
  const { value } = decoded;
  same(visible(value), visible(expected), `decoded from ${bytes.toString('hex')}`);
  const heavy = weight(value);
  if (heavy > EMPTY_WEIGHT + MAX_WEIGHT_PER_BYTE * bytes.length)
    throw new Error(`${bytes.length} bytes weigh ${heavy}`);
  const again = Buffer.from(serde.encode(value));
  same(visible(serde.decode(again)), visible(value), `encoded to ${again.toString('hex')} and decoded`);
  if (!noted.hasReplacedMember) same(asRead(type, again), asRead(type, bytes), 'protobufjs reads other bytes');
  return 'value';
}

function referenceOf(type: protobufjs.Type, bytes: Buffer, noted: Noted): unknown {
  try {
    return referenceDecode(type, bytes, noted);
  } catch (error) {
    if (error instanceof NoMessage) return undefined;
    throw error;
  }
}
