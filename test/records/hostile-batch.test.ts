import { describe, expect, test } from 'vitest';
import { FatalError } from '../../src/errors.ts';
import { BATCH_AT, batchFault, sealBatch } from '../../src/records/batch.ts';
import { BatchReader } from '../../src/records/batch-reader.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import { encodeHeaders } from '../../src/records/headers.ts';

const CLAIMS = { topic: 'claims', partition: 3 };

/** Records as hex behind a header that fits them; `change` may alter that. The CRC is right. */
function batchOf(records: readonly string[], change: (header: Buffer) => void = () => {}): Buffer {
  const writer = new BatchWriter(1000);
  writer.append(1000, null, null);
  const header = writer.finish()[0]!.subarray(0, 61);
  const batch = Buffer.concat([header, Buffer.from(records.join('').replaceAll(' ', ''), 'hex')]);
  batch.writeInt32BE(batch.length - 12, BATCH_AT.batchLength);
  batch.writeInt32BE(records.length - 1, BATCH_AT.lastOffsetDelta);
  batch.writeInt32BE(records.length, BATCH_AT.recordCount);
  change(batch);
  sealBatch(batch, 41);
  return batch;
}

function read(batch: Buffer): [offset: number, timestamp: number][] {
  const reader = new BatchReader();
  const found: [number, number][] = [];
  reader.load(batch, CLAIMS);
  while (reader.next()) found.push([reader.offset, reader.timestamp]);
  return found;
}

// length, attributes, timestamp delta, offset delta, key, value, headers
const FIRST = '0c 00 00 00 01 01 00';
const SECOND = '0c 00 02 02 01 01 00';
const HEADER = '14 00 00 00 01 01 02 02 61 02 62';

test('what the cases below are made of is read', () => {
  expect(read(batchOf([FIRST, SECOND]))).toEqual([
    [41, 1000],
    [42, 1001],
  ]);
  expect(read(batchOf([HEADER]))).toEqual([[41, 1000]]);
});

describe('a batch with a good CRC is refused, and its place named, with', () => {
  test.each<[string, Buffer]>([
    ['a record that goes past its end', batchOf([FIRST, '0e 00 02 02 01 01 00'])],
    ['a record of a negative length', batchOf(['01 00 00 00 01 01 00'])],
    ['a record without room for its fields', batchOf(['00'])],
    ['a key that goes past its record', batchOf(['0c 00 00 00 40 01 00', SECOND])],
    ['a value that goes past its record', batchOf(['0c 00 00 00 01 40 00', SECOND])],
    ['a length of more than five bytes', batchOf(['8c 80 80 80 80 00 00 00 00 01 01 00'])],
    ['a length of more than 32 bits', batchOf(['fe ff ff ff 3f 00 00 00 01 01 00'])],
    ['a timestamp of more than 64 bits', batchOf(['1e 00 80 80 80 80 80 80 80 80 80 02 00 01 01 00'])],
    ['an unfinished number at its end', batchOf(['0c 00 00 00 01 01 80'])],
    ['fewer records than it says', batchOf([FIRST], header => header.writeInt32BE(2, BATCH_AT.recordCount))],
    ['more records than it says', batchOf([FIRST, SECOND], header => header.writeInt32BE(1, BATCH_AT.recordCount))],
    ['a negative number of records', batchOf([FIRST], header => header.writeInt32BE(-1, BATCH_AT.recordCount))],
    ['four billion records', batchOf([FIRST], header => header.writeInt32BE(2 ** 31 - 1, BATCH_AT.recordCount))],
    ['two records at one offset', batchOf([FIRST, FIRST])],
    ['offsets that fall', batchOf([SECOND, FIRST])],
    ['a negative offset', batchOf(['0c 00 00 01 01 01 00'])],
    ['an offset beyond its last one', batchOf([FIRST, '0c 00 00 04 01 01 00'])],
    ['headers that are missing', batchOf(['0a 00 00 00 01 01'])],
    ['more headers than there are', batchOf(['0c 00 00 00 01 01 02'])],
    ['two billion headers', batchOf(['14 00 00 00 01 01 fe ff ff ff 0f'])],
    ['a negative number of headers', batchOf(['0c 00 00 00 01 01 01'])],
    ['a header without a name', batchOf(['12 00 00 00 01 01 02 01 02 62'])],
    ['a header that goes past its record', batchOf(['14 00 00 00 01 01 02 02 61 40 62', SECOND])],
    ['something behind its headers', batchOf(['0e 00 00 00 01 01 00 00'])],
  ])('%s', (_, batch) => {
    expect(batchFault(batch)).toBeUndefined();
    expect(() => read(batch)).toThrow(FatalError);
    expect(() => read(batch)).toThrow(
      expect.objectContaining({
        code: 'TOPO_LOG_DAMAGED',
        message: expect.stringContaining('claims-3: the record batch at offset 41') as string,
        place: { ...CLAIMS, offset: 41 },
      }) as Error,
    );
  });

  test('offsets that no number holds', () => {
    for (const offset of [-1, 2 ** 53]) {
      const batch = batchOf([FIRST]);
      sealBatch(batch, offset);
      expect(() => read(batch)).toThrow('its offsets are none');
    }
  });
});

test('a reader that refused a batch reads the next one', () => {
  const reader = new BatchReader();
  reader.load(batchOf(['00']), CLAIMS);
  expect(() => reader.next()).toThrow(FatalError);
  reader.load(batchOf([FIRST]), CLAIMS);
  expect(reader.next()).toBe(true);
  expect(reader.next()).toBe(false);
  reader.unload();
  expect(reader.next()).toBe(false);
});

test("records that the broker stamped have the broker's time", () => {
  const batch = batchOf([FIRST, SECOND], header => {
    header.writeInt16BE(0x8, BATCH_AT.attributes);
    header.writeBigInt64BE(7777n, BATCH_AT.maxTimestamp);
  });
  expect(read(batch).map(([, timestamp]) => timestamp)).toEqual([7777, 7777]);
});

test("the broker's own records are nobody's", () => {
  const batch = batchOf([FIRST], header => header.writeInt16BE(0x30, BATCH_AT.attributes));
  expect(batchFault(batch)).toBe('it is a control batch');
});

test('timestamps that lie as far apart as 64 bits allow are copied as they are', () => {
  const times = [1_700_000_000_000, 2 ** 62, -(2 ** 62), 1_700_000_000_001, -1, 2 ** 53 - 1];
  const writer = new BatchWriter(1_000_000);
  for (const timestamp of times) writer.append(timestamp, null, Buffer.from('v'), encodeHeaders([['n', null]]));
  const read = writer.finish().flatMap(batch => {
    sealBatch(batch, 0);
    const reader = new BatchReader();
    const found: number[] = [];
    reader.load(batch, CLAIMS);
    while (reader.next()) found.push(reader.timestamp);
    return found;
  });
  expect(read).toEqual(times);
});
