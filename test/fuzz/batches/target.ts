import { createRequire } from 'node:module';
import { FatalError } from '../../../src/errors.ts';
import { batchFault, lastOffsetOf, sealBatch } from '../../../src/records/batch.ts';
import { BatchReader } from '../../../src/records/batch-reader.ts';
import { BatchWriter } from '../../../src/records/batch-writer.ts';
import { decodeHeaders } from '../../../src/records/headers.ts';
import type { Dice } from '../../seed.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { randomBytes } from '../hostile.ts';
import { same, visible } from '../visible.ts';
import { anyBatch } from './batches.ts';
import type { Hostility } from './batches.ts';
import { NoBatch, referenceRecords } from './reference.ts';
import type { ReferenceRecord } from './reference.ts';

interface KafkaDecoder {
  readonly buffer: Buffer;
}
interface KafkaRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, unknown>>;
}
const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => KafkaDecoder;
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: KafkaDecoder,
) => Promise<{ readonly records: readonly KafkaRecord[] }>;

const PLACE = { topic: 'in', partition: 0 };

export const batchTarget: Target = {
  name: 'batches',
  run(dice) {
    const batch = anyBytes(dice);
    return check(batch);
  },
};

function anyBytes(dice: Dice): Buffer {
  if (dice.below(50) === 0) return randomBytes(dice, dice.below(80));
  return anyBatch(dice, dice.oneOf<Hostility>([0, 0.01, 0.01, 0.1]), dice.below(1000));
}

interface Seen {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Uint8Array | null])[];
}

/** All records of a batch, as the runtime reads them. @throws FatalError */
export function readBatch(batch: Buffer): Seen[] {
  const reader = new BatchReader();
  const seen: Seen[] = [];
  reader.load(batch, PLACE);
  while (reader.next())
    seen.push({
      offset: reader.offset,
      timestamp: reader.timestamp,
      key: reader.keyBytes(),
      value: reader.valueBytes(),
      headers: decodeHeaders(reader.headerBytes()),
    });
  return seen;
}

async function check(batch: Buffer): Promise<Outcome> {
  const expected = referenceOf(batch);
  const seen = attempt(batch);
  const hex = batch.toString('hex');
  if (seen === undefined || expected === undefined) {
    if (seen !== undefined) throw new Error(`taken, and no batch: ${hex}`);
    if (expected !== undefined && !expected.some(isAtTheEdge)) throw new Error(`a batch, and refused: ${hex}`);
    return 'refused';
  }
  same(visible(seen.map(known)), visible(expected.map(known)), `read from ${hex}`);
  seen.forEach((record, index) => sameTime(record, expected[index]!));
  copyAll(batch, seen);
  if (expected.some(isOddlyNull)) return 'value';
  const { records } = await decodeBatch(new Decoder(batch));
  same(visible(records.map(kafkaForm)), visible(expected.map(referenceForm)), `kafkajs reads ${hex} as something else`);
  return 'value';
}

function attempt(batch: Buffer): Seen[] | undefined {
  if (batchFault(batch) !== undefined) return undefined;
  try {
    return readBatch(batch);
  } catch (error) {
    if (error instanceof FatalError && error.code === 'TOPO_LOG_DAMAGED' && error.message.includes('in-0')) return undefined;
    throw error;
  }
} // prettier-ignore

function referenceOf(batch: Buffer): ReferenceRecord[] | undefined {
  try {
    return referenceRecords(batch);
  } catch (error) {
    if (error instanceof NoBatch) return undefined;
    throw error;
  }
}

/** A timestamp that is one of 64 bits or of more, depending on how it is rounded: numbers hold 53. */
const isAtTheEdge = ({ timestamp }: ReferenceRecord): boolean =>
  timestamp > 2n ** 63n - 4096n || timestamp < 4096n - 2n ** 63n;

/** Kafka reads any negative length as null (`DefaultRecord.readFrom`), kafkajs only -1 (`readVarIntBytes`). */
const isOddlyNull = (record: ReferenceRecord): boolean => record.isOddlyNull;

const known = ({ offset, key, value, headers }: Seen | ReferenceRecord): unknown => ({
  offset: Number(offset),
  key,
  value,
  headers,
});

/** Numbers hold 53 bits. A timestamp beyond is no time, and its record a dead letter: it need not be exact. */
function sameTime({ timestamp }: Seen, expected: ReferenceRecord): void {
  const distance = Math.abs(timestamp - Number(expected.timestamp));
  if (expected.isExact ? distance > 0 : distance > 4096) throw new Error(`time ${timestamp} for ${expected.timestamp}`);
}

/** A record that passes through a topology as it came must be the same, and its batch a good one. */
function copyAll(batch: Buffer, seen: readonly Seen[]): void {
  const writer = new BatchWriter(2 ** 31 - 1, 300);
  const reader = new BatchReader();
  reader.load(batch, PLACE);
  while (reader.next()) writer.appendCopy(reader, reader.timestamp);
  let offset = 0;
  const copied = writer.finish().flatMap(one => {
    sealBatch(one, offset);
    offset = lastOffsetOf(one) + 1;
    if (batchFault(one) !== undefined) throw new Error(`a copied batch has a fault: ${batchFault(one)}`);
    return readBatch(one);
  });
  copied.forEach(({ timestamp }, index) => {
    const distance = Math.abs(timestamp - seen[index]!.timestamp);
    if (distance > 0) throw new Error(`time ${timestamp} copied from ${seen[index]!.timestamp}`);
  });
  same(visible(copied.map(known)), visible(seen.map((record, index) => known({ ...record, offset: index }))), 'copied');
}

/** kafkajs makes an object of the headers, in which `__proto__` is lost: only names are compared, without it. */
function namesOf(headers: Iterable<string>): string[] {
  return [...new Set(headers)].filter(name => name !== '__proto__').sort();
}

const kafkaForm = ({ offset, timestamp, key, value, headers }: KafkaRecord): unknown => ({
  offset,
  timestamp,
  key,
  value,
  headers: namesOf(Object.keys(headers)),
});

const referenceForm = ({ offset, timestamp, key, value, headers }: ReferenceRecord): unknown => ({
  offset: String(offset),
  timestamp: String(timestamp),
  key,
  value,
  headers: namesOf(headers.map(([name]) => name)),
});
