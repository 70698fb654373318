import fc from 'fast-check';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { BATCH_AT, batchFault, lastOffsetOf, sealBatch } from '../../src/records/batch.ts';
import { BatchReader } from '../../src/records/batch-reader.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import { decodeHeaders, encodeHeaders } from '../../src/records/headers.ts';
import type { Headers } from '../../src/records/headers.ts';

interface Entry {
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

const LARGE = 1_000_000;

function pack(entries: readonly Entry[], maxBatchBytes = LARGE, baseOffset = 0): Buffer[] {
  const writer = new BatchWriter(maxBatchBytes);
  for (const { timestamp, key, value, headers } of entries)
    expect(writer.append(timestamp, key, value, encodeHeaders(headers))).toBe(true);
  const batches = writer.finish();
  let offset = baseOffset;
  for (const batch of batches) {
    sealBatch(batch, offset);
    offset = lastOffsetOf(batch) + 1;
  }
  return batches;
}

function unpack(batches: readonly Buffer[]): (Entry & { offset: number })[] {
  const reader = new BatchReader();
  return batches.flatMap(batch => {
    expect(batchFault(batch)).toBeUndefined();
    reader.load(batch, { topic: 'in', partition: 0 });
    const entries = [];
    while (reader.next())
      entries.push({
        offset: reader.offset,
        timestamp: reader.timestamp,
        key: reader.keyBytes(),
        value: reader.valueBytes(),
        headers: decodeHeaders(reader.headerBytes()),
      });
    return entries;
  });
}

const bytes: fc.Arbitrary<Buffer> = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array));
const entry: fc.Arbitrary<Entry> = fc.record({
  timestamp: fc.oneof(
    fc.integer({ min: 0, max: 4_102_444_800_000 }),
    fc.integer({ min: 1_600_000_000_000, max: 1_600_000_100_000 }),
  ),
  key: fc.option<Buffer>(bytes),
  value: fc.option<Buffer>(bytes),
  headers: fc.array(fc.tuple(fc.string({ maxLength: 20 }), fc.option<Buffer>(bytes)), { maxLength: 4 }),
});

describe('record batches', () => {
  test('what is written is read', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 0, max: 2 ** 50 }),
        (entries, base) => {
          const read = unpack(pack(entries, LARGE, base));
          expect(read).toEqual(entries.map((one, index) => ({ ...one, offset: base + index })));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a record is the same whether its parts are bytes, text or in another batch', () => {
    fc.assert(
      fc.property(entry, bytes, ({ timestamp, key, value, headers }, otherKey) => {
        const [batch] = pack([{ timestamp, key, value, headers }]);
        const reader = new BatchReader();
        reader.load(batch!, { topic: 'in', partition: 0 });
        reader.next();
        const writer = new BatchWriter(LARGE);
        writer.appendUnder(timestamp, otherKey, reader);
        writer.appendUnder(timestamp, null, reader);
        writer.appendText(timestamp, otherKey.toString('latin1'), value);
        const written = writer.finish();
        sealBatch(written[0]!, 0);
        expect(unpack(written).map(({ offset: _, ...one }) => one)).toEqual([
          { timestamp, key: otherKey, value, headers },
          { timestamp, key: null, value, headers },
          { timestamp, key: otherKey, value, headers: [] },
        ]);
      }),
    );
  });

  test("kafkajs reads what is written, and its own batches are read: the format is Kafka's", async () => {
    const require = createRequire(import.meta.url);
    const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => KafkaDecoder;
    const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
      decoder: KafkaDecoder,
    ) => Promise<{ records: KafkaRecord[] }>;
    const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
      RecordBatch: (batch: object) => Promise<{ buffer: Buffer }>;
    };
    const record = require('kafkajs/src/protocol/recordBatch/record/v0') as (fields: object) => unknown;
    const entries: Entry[] = [
      {
        timestamp: 1_700_000_000_000,
        key: Buffer.from('k'),
        value: Buffer.from('v'),
        headers: [['h', Buffer.from('x')]],
      },
      { timestamp: 1_600_000_000_000, key: null, value: Buffer.alloc(9000, 7), headers: [] },
      { timestamp: 1_700_000_000_001, key: Buffer.alloc(0), value: null, headers: [] },
    ];
    const [batch] = pack(entries, LARGE, 41);
    const { records } = await decode(new Decoder(Buffer.from(batch!)));
    expect(records.map(one => [one.offset, one.timestamp, one.key, one.value])).toEqual(
      entries.map((one, index) => [String(41 + index), String(one.timestamp), one.key, one.value]),
    );
    expect(records[0]!.headers['h']).toEqual(Buffer.from('x'));

    const theirs = await RecordBatch({
      firstTimestamp: 1000,
      maxTimestamp: 1002,
      lastOffsetDelta: 1,
      records: [
        record({ offsetDelta: 0, timestampDelta: 0, key: 'a', value: 'one', headers: { n: 'm' } }),
        record({ offsetDelta: 1, timestampDelta: 2, key: 'b', value: null, headers: {} }),
      ],
    });
    expect(unpack([Buffer.from(theirs.buffer)])).toMatchObject([
      {
        offset: 0,
        timestamp: 1000,
        key: Buffer.from('a'),
        value: Buffer.from('one'),
        headers: [['n', Buffer.from('m')]],
      },
      { offset: 1, timestamp: 1002, key: Buffer.from('b'), value: null, headers: [] },
    ]);
  });

  test('no batch is larger than allowed, and a record that never fits is refused', () => {
    const writer = new BatchWriter(1000);
    for (let i = 0; i < 50; i++) expect(writer.append(i, null, Buffer.alloc(100))).toBe(true);
    expect(writer.append(51, null, Buffer.alloc(2000))).toBe(false);
    const batches = writer.finish();
    expect(batches.length).toBeGreaterThan(1);
    for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(1000);
  });

  test('the largest record that fits is taken, one byte more is not', () => {
    const fits = (size: number) => new BatchWriter(1000).append(0, Buffer.from('key'), Buffer.alloc(size));
    let size = 0;
    while (fits(size + 1)) size++;
    const writer = new BatchWriter(1000);
    writer.append(0, Buffer.from('key'), Buffer.alloc(size));
    expect(writer.finish()[0]!.length).toBe(1000);
  });

  test('a rollback takes back what was appended since the mark, over batch ends too', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 40 }),
        fc.array(entry, { maxLength: 40 }),
        fc.array(entry, { maxLength: 40 }),
        (kept, undone, after) => {
          const append = (writer: BatchWriter, entries: Entry[]) => {
            for (const { timestamp, key, value, headers } of entries)
              writer.append(timestamp, key, value, encodeHeaders(headers));
          };
          const writer = new BatchWriter(5000, 2000);
          append(writer, kept);
          writer.mark();
          append(writer, undone);
          writer.rollback();
          append(writer, after);
          const plain = new BatchWriter(5000, 2000);
          append(plain, [...kept, ...after]);
          const sealed = (batches: Buffer[]) => batches.map(batch => (sealBatch(batch, 0), batch));
          expect(sealed(writer.finish())).toEqual(sealed(plain.finish()));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a flipped bit is noticed, wherever it is but in the base offset and leader epoch', () => {
    const [batch] = pack([{ timestamp: 5, key: Buffer.from('key'), value: Buffer.from('value'), headers: [] }]);
    for (let bit = BATCH_AT.batchLength * 8; bit < batch!.length * 8; bit++) {
      if (bit >= BATCH_AT.leaderEpoch * 8 && bit < BATCH_AT.magic * 8) continue;
      const damaged = Buffer.from(batch!);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(batchFault(damaged), `bit ${bit}`).toBeDefined();
    }
  });
});

interface KafkaDecoder {
  readonly buffer: Buffer;
}
interface KafkaRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer>;
}
