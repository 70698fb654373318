import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { aggregateState, change, json, string } from '../../src/serdes/index.ts';

describe('the state of an aggregate', () => {
  const serde = aggregateState([
    ['open', 'count'],
    ['paidCents', 'sum'],
    ['__proto__', 'sum'],
  ]);
  const edges = [
    0,
    -0,
    1,
    -1,
    63,
    64,
    2 ** 31,
    2 ** 52,
    -(2 ** 52),
    2 ** 52 + 1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2 ** 60,
    0.1,
    NaN,
    Infinity,
    5e-324,
  ];
  const bigEdges = [0n, -1n, 2n ** 52n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 200n];

  test('any numbers and bigints come back exactly, and as what they were', () => {
    const total = fc.oneof(
      fc.double(),
      fc.maxSafeInteger(),
      fc.bigInt(),
      fc.constantFrom(...edges),
      fc.constantFrom(...bigEdges),
    );
    fc.assert(
      fc.property(total, total, total, (a, b, c) => {
        const state = { open: a, paidCents: b, ['__proto__']: c };
        expect(serde.decode(serde.encode(state))).toStrictEqual(state);
      }),
      { numRuns: 1000 },
    );
  });

  test('a bigint of many digits finds room', () => {
    const one = aggregateState([
      ['sum', 'sum'],
      ['more', 'sum'],
    ]);
    const state = { sum: 10n ** 40_000n, more: -(10n ** 50_000n) };
    expect(one.decode(one.encode(state))).toStrictEqual(state);
  });

  test('bytes that are cut, longer or of another format do not decode', () => {
    const encoded = Buffer.from(serde.encode({ open: 1000, paidCents: 2n ** 100n, ['__proto__']: 0.5 }));
    for (let length = 0; length < encoded.length; length++) {
      expect(() => serde.decode(encoded.subarray(0, length)), String(length)).toThrow(RecordError);
    }
    expect(() => serde.decode(Buffer.concat([encoded, Buffer.from([0])]))).toThrow(RecordError);
    expect(() => serde.decode(Buffer.from([2, 0, 0]))).toThrow(RecordError);
    expect(() => serde.decode(Buffer.from('0100ffffffffffffffffffff01', 'hex'))).toThrow(RecordError);
  });

  test('a field that is no plain data is refused by name', () => {
    expect(() => serde.encode({ open: 1, paidCents: () => 1 })).toThrow(
      'paidCents: expected plain data, got a function',
    );
    expect(() => serde.encode({ open: 1 })).toThrow('paidCents: expected plain data, got undefined');
  });
});

describe('the change of a row', () => {
  const serde = change(json<{ a: number }>());

  test('all four shapes come back', () => {
    for (const old of [null, { a: 1 }]) {
      for (const now of [null, { a: 2 }]) {
        expect(serde.decode(serde.encode({ old, new: now }))).toStrictEqual({ old, new: now });
      }
    }
  });

  test('changes nest, and a long old value leaves the new one whole', () => {
    const nested = change(change(string()));
    const value = { old: { old: 'a'.repeat(70_000), new: 'b' }, new: { old: null, new: '' } };
    expect(nested.decode(nested.encode(value))).toStrictEqual(value);
  });

  test('bytes that are no change do not decode', () => {
    for (const hex of ['', '04', '0000', '03000000', '0300000009', '017b']) {
      expect(() => serde.decode(Buffer.from(hex, 'hex')), hex).toThrow(RecordError);
    }
  });
});
