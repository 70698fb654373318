import { crc32c } from '@node-rs/crc32';
import type { Dice } from '../../seed.ts';
import { anyBits, damaged, few, goodText, isChance, randomBytes } from '../hostile.ts';

/** How often each field is not what it should be. */
export type Hostility = 0 | 0.01 | 0.1;

/** Zigzag, as Kafka's format has it; `padding`: bytes that it need not have. */
function varint(value: bigint, padding = 0): Buffer {
  const groups: number[] = [];
  let rest = BigInt.asUintN(70, (value << 1n) ^ (value >> 69n));
  do {
    groups.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n);
  for (let more = 0; more < padding; more++) groups.push(0);
  return Buffer.from(groups.map((group, index) => (index < groups.length - 1 ? group | 0x80 : group)));
}

const LIES = [
  -1n,
  -2n,
  0n,
  1n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
];

function anyVarint(dice: Dice, value: number, hostility: Hostility): Buffer {
  const said = isChance(dice, hostility)
    ? dice.oneOf([...LIES, BigInt(value) + 1n, BigInt(value) - 1n])
    : BigInt(value);
  return varint(said, isChance(dice, hostility) ? dice.below(10) : 0);
}

/** Null, empty, or some bytes. */
function anyContent(dice: Dice): Buffer | null {
  if (isChance(dice, 0.1)) return null;
  return isChance(dice, 0.5) ? goodText(dice) : randomBytes(dice, dice.below(isChance(dice, 0.1) ? 400 : 30));
}

function withLength(dice: Dice, bytes: Buffer | null, hostility: Hostility): Buffer {
  return Buffer.concat([anyVarint(dice, bytes?.length ?? -1, hostility), bytes ?? Buffer.alloc(0)]);
}

function anyHeaders(dice: Dice, hostility: Hostility): Buffer {
  const headers = Array.from({ length: isChance(dice, 0.7) ? 0 : dice.below(4) }, () =>
    Buffer.concat([withLength(dice, goodText(dice), hostility), withLength(dice, anyContent(dice), hostility)]),
  );
  return Buffer.concat([anyVarint(dice, headers.length, hostility), ...headers]);
}

const BASES = [1_700_000_000_000n, 0n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)];

function anyTimestamp(dice: Dice, hostility: Hostility): bigint {
  if (isChance(dice, hostility)) return BigInt.asIntN(64, anyBits(dice));
  return BigInt(dice.below(100_000) - 50_000);
}

function anyRecord(dice: Dice, offsetDelta: number, hostility: Hostility): Buffer {
  const body = Buffer.concat([
    randomBytes(dice, 1),
    varint(anyTimestamp(dice, hostility)),
    anyVarint(dice, offsetDelta, hostility),
    withLength(dice, anyContent(dice), hostility),
    withLength(dice, anyContent(dice), hostility),
    anyHeaders(dice, hostility),
    isChance(dice, hostility) ? randomBytes(dice, 1 + dice.below(3)) : Buffer.alloc(0),
  ]);
  return withLength(dice, body, hostility);
}

/** A batch whose offsets begin at `baseOffset`; damaged in its fields, and only now and then in its CRC. */
export function anyBatch(dice: Dice, hostility: Hostility, baseOffset = 0): Buffer {
  const count = few(dice, 30);
  let delta = -1;
  const deltas = Array.from({ length: count }, () => (delta += isChance(dice, 0.9) ? 1 : 1 + dice.below(5)));
  const records = deltas.map(one => anyRecord(dice, one, hostility));
  const lastDelta = Math.max(0, delta) + (isChance(dice, 0.1) ? dice.below(5) : 0);
  const lie = (usual: number) => (isChance(dice, hostility) ? Number(BigInt.asIntN(32, anyBits(dice))) : usual);
  const content = Buffer.concat(records);
  const header = Buffer.alloc(61);
  header.writeBigInt64BE(BigInt(baseOffset), 0);
  header.writeInt32BE(lie(49 + content.length), 8);
  header.writeInt32BE(-1, 12);
  header.writeInt8(isChance(dice, hostility) ? dice.below(4) : 2, 16);
  const bits = isChance(dice, 0.1) ? dice.oneOf([0x8, 0x10, 0x40]) : 0;
  header.writeInt16BE(isChance(dice, hostility) ? dice.below(0x80) : bits, 21);
  header.writeInt32BE(lie(lastDelta), 23);
  const usual = BigInt(1_700_000_000_000 + dice.below(1000));
  header.writeBigInt64BE(isChance(dice, hostility) ? dice.oneOf(BASES) : usual, 27);
  header.writeBigInt64BE(isChance(dice, hostility) ? dice.oneOf(BASES) : usual, 35);
  header.fill(0xff, 43, 57);
  header.writeInt32BE(lie(count), 57);
  const whole = Buffer.concat([header, content]);
  const batch = isChance(dice, hostility) ? damagedBehindHeader(dice, whole) : whole;
  if (!isChance(dice, hostility / 2)) batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

/** Its length is right again. */
function damagedBehindHeader(dice: Dice, batch: Buffer): Buffer {
  const changed = Buffer.concat([batch.subarray(0, 61), damaged(dice, batch.subarray(61))]);
  changed.writeInt32BE(changed.length - 12, 8);
  return changed;
}
