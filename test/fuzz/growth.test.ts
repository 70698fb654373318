import { describe, expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { BatchReader } from '../../src/records/batch-reader.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import { sealBatch } from '../../src/records/batch.ts';
import { encodeHeaders } from '../../src/records/headers.ts';
import { aggregateState } from '../../src/serdes/aggregate-state.ts';
import { cents, change, changeEvent, debeziumKey, json, protobuf, row, string } from '../../src/serdes/index.ts';
import { Kinds } from '../serdes/gen/kinds/v1/kinds.ts';
import { Tree } from '../serdes/gen/trees/v1/tree.ts';
import { delimited, varint } from './protobuf/messages.ts';

const [kinds, tree, anyJson, events] = [protobuf(Kinds), protobuf(Tree), json(), changeEvent(row())];
const repeated = (part: string, length: number): string => part.repeat(Math.ceil(length / part.length));
const hex = (part: string, length: number): Buffer => Buffer.from(repeated(part, length * 2), 'hex');
const text = (content: string): Buffer => Buffer.from(content);

/** What is decoded, or refused; nothing else may happen. */
function read(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
  }
}

function batchOf(records: number, headers: number): Buffer {
  const writer = new BatchWriter(2 ** 31 - 1);
  const packed = encodeHeaders(Array.from({ length: headers }, () => ['a name', Buffer.from('value')]));
  for (let index = 0; index < records; index++) writer.append(index, Buffer.from('key'), Buffer.from('value'), packed);
  const [batch] = writer.finish();
  sealBatch(batch!, 0);
  return batch!;
}

function readBatch(batch: Buffer): void {
  const reader = new BatchReader();
  reader.load(batch, { topic: 'in', partition: 0 });
  while (reader.next());
}

/** A message in many pieces, in one in many pieces, and so on. */
function pieces(length: number, levels: number): Buffer {
  let content = hex('0a00', length);
  for (let level = 0; level < levels; level++) {
    const half = (content.length >> 2) << 1;
    content = Buffer.concat([delimited(2, content.subarray(0, half)), delimited(2, content.subarray(half))]);
  }
  return content;
}

const every = (character: number): string => String.fromCharCode(0xe000 + character);
const ALL_PRIVATE = Array.from({ length: 0x18ff }, (_, character) => every(character)).join('');
const LONG = '12345678901234567890';

/** Input of about so many bytes, which somebody made to be slow to read. */
const SLOW: Readonly<Record<string, (bytes: number) => () => unknown>> = {
  'JSON: arrays in arrays': bytes => {
    const input = text('['.repeat(bytes / 2) + ']'.repeat(bytes / 2));
    return () => anyJson.decode(input);
  },
  'JSON: objects in objects, with an integer beyond 2^53': bytes => {
    const input = text(repeated('{"a":', bytes) + LONG);
    return () => anyJson.decode(input);
  },
  'JSON: one integer': bytes => {
    const input = text('9'.repeat(bytes));
    return () => anyJson.decode(input);
  },
  'JSON: many integers beyond 2^53': bytes => {
    const input = text(`[${repeated(`${LONG},`, bytes)}1]`);
    return () => anyJson.decode(input);
  },
  'JSON: all but one of the private characters': bytes => {
    // the two bytes of each are those that a search looks for
    const input = text(`["${repeated('\u{e0e0}', bytes / 2)}${ALL_PRIVATE}",${LONG}]`);
    return () => anyJson.decode(input);
  },
  'JSON: backslashes in front of quotes': bytes => {
    const input = text(`["${repeated('\\\\\\"', bytes)}",${LONG}]`);
    return () => anyJson.decode(input);
  },
  'JSON: space behind integers beyond 2^53': bytes => {
    const input = text(`[${repeated(`${LONG}${' '.repeat(200)},`, bytes)}1]`);
    return () => anyJson.decode(input);
  },
  'JSON: a value in itself, written again': bytes => {
    const value = anyJson.decode(text('['.repeat(bytes / 8) + 'null' + ']'.repeat(bytes / 8)));
    return () => anyJson.encode(value);
  },
  'Debezium: ts_ns all over': bytes => {
    const input = text(
      `{"op":"c","after":{"a":[${repeated(`{"ts_ns":${LONG}},`, bytes)}1]},"source":{"ts_ms":1,"ts_ns":${LONG}}}`,
    );
    return () => events.decode(input);
  },
  'Debezium: a ts_ns of many digits': bytes => {
    const input = text(`{"op":"c","after":{},"source":{"ts_ms":1,"ts_ns":${'9'.repeat(bytes)}}}`);
    return () => events.decode(input);
  },
  'a key of Debezium: many fields': bytes => {
    const input = text(`{${repeated('"id":1,', bytes)}"id":2}`);
    return () => debeziumKey(['id']).decode(input);
  },
  'an amount of many digits': bytes => {
    const input = '9'.repeat(bytes);
    return () => cents(input);
  },
  'Protobuf: unknown fields between known ones': bytes => {
    const input = hex('c03e01' + '1805', bytes);
    return () => kinds.decode(input);
  },
  'Protobuf: a message in many pieces': bytes => {
    const input = hex('9a01021005', bytes);
    return () => kinds.decode(input);
  },
  'Protobuf: pieces in pieces': bytes => {
    const input = pieces(bytes, 90);
    return () => tree.decode(input);
  },
  'Protobuf: members of a oneof in turn': bytes => {
    const input = hex('2a0412002a00' + '32021200', bytes);
    return () => tree.decode(input);
  },
  'Protobuf: the same key of a map': bytes => {
    const input = hex('22050a0161' + '1200', bytes);
    return () => tree.decode(input);
  },
  'Protobuf: numbers as keys of a map, far apart': bytes => {
    const entries = Array.from({ length: bytes / 8 }, (_, index) =>
      delimited(9, Buffer.concat([varint(8n), varint(BigInt((index * 1021) % 2 ** 31))])),
    );
    const input = Buffer.concat(entries);
    return () => tree.decode(input);
  },
  'Protobuf: text of replacement characters': bytes => {
    const input = delimited(14, text(repeated('\ufffd', bytes / 3)));
    return () => kinds.decode(input);
  },
  'Protobuf: a chain deeper than allowed': bytes => {
    let input = Buffer.alloc(0) as Buffer;
    for (let level = 0; level < bytes / 100; level++) input = delimited(2, input);
    return () => tree.decode(input);
  },
  'the state of an aggregate: arrays of nothing': bytes => {
    const input = Buffer.concat([Buffer.from('010a', 'hex'), varint(BigInt(bytes)), hex('0a00', bytes)]);
    return () => aggregateState([['a', 'last']]).decode(input);
  },
  'a record batch: many records': bytes => {
    const input = batchOf(bytes / 16, 0);
    return () => readBatch(input);
  },
  'a record batch: many headers': bytes => {
    const input = batchOf(1, bytes / 13);
    return () => readBatch(input);
  },
};

const BYTES = 64 * 1024;
const GROWTH = 16;
/** Some times what is linear, as more objects also mean more collections; quadratic would be 256. */
const LIMIT = 80;
/** What takes less is too short to be measured. */
const LEAST_MICROS = 100;

/** The processor time of one call, of several the least: what others do on the machine does not count. */
function costOf(work: () => unknown): number {
  let least = Infinity;
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage();
    read(work);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

/** How many times the first costs what the second does: measured again where it seems too much, as a collection may fall into all rounds. */
function leastRatio(work: () => unknown, to: () => unknown, limit: number): number {
  costOf(to);
  let ratio = Infinity;
  for (let attempt = 0; attempt < 5 && ratio >= limit; attempt++)
    ratio = costOf(work) / Math.max(costOf(to), LEAST_MICROS);
  return ratio;
}

describe('sixteen times the bytes take about sixteen times the time', () => {
  test.each(Object.entries(SLOW))('%s', (_, make) => {
    expect(leastRatio(make(BYTES * GROWTH), make(BYTES), LIMIT)).toBeLessThan(LIMIT);
  });
});

test('JSON that holds every private character costs no more than any other', () => {
  const ordinary = text(`[${repeated('"abcdefgh",12345,', BYTES * GROWTH)}${LONG}]`);
  const hostile = SLOW['JSON: all but one of the private characters']!(BYTES * GROWTH);
  expect(leastRatio(hostile, () => anyJson.decode(ordinary), 4)).toBeLessThan(4);
});

/** Bytes that the process holds outside of the heap and in it: what a call adds to them, garbage included. */
function allocatedBy(work: () => unknown): { readonly buffers: number; readonly heap: number } {
  const before = process.memoryUsage();
  read(work);
  const after = process.memoryUsage();
  return { buffers: after.arrayBuffers - before.arrayBuffers, heap: after.heapUsed - before.heapUsed };
}

describe('a length that lies allocates nothing', () => {
  const LENGTHS = [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n - 1n].map(length => varint(length));
  const FIELDS = [2, 14, 15, 19, 20, 22, 23, 25];
  const lies: Readonly<Record<string, () => unknown>> = Object.fromEntries([
    ...FIELDS.flatMap(field =>
      LENGTHS.map(length => {
        const input = Buffer.concat([varint(BigInt(field * 8 + 2)), length, Buffer.alloc(8)]);
        return [`field ${field}, ${length.toString('hex')}`, () => kinds.decode(input)] as const;
      }),
    ),
    ...['08', '09', '0a', '0b'].map(tag => {
      const input = Buffer.from(`01${tag}feffffff1f0000`, 'hex');
      return [`the state of an aggregate, ${tag}`, () => aggregateState([['a', 'last']]).decode(input)] as const;
    }),
    ['a change of a row', () => change(string()).decode(Buffer.from('03ffffffff0000', 'hex'))] as const,
  ]);

  test.each(Object.entries(lies))('%s', (_, decode) => {
    read(decode);
    const { buffers, heap } = allocatedBy(decode);
    expect(buffers).toBeLessThan(64 * 1024);
    expect(heap).toBeLessThan(1024 * 1024);
  });
});

test('pieces of messages in pieces are not copied at each level', () => {
  const input = pieces(1024 * 1024, 90);
  expect(allocatedBy(() => tree.decode(input)).buffers).toBeLessThan(4 * input.length);
});
