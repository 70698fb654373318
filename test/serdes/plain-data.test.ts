import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { aggregateState } from '../../src/serdes/index.ts';
import { MAX_DEPTH, plainDataProblem, samePlainData } from '../../src/serdes/plain-data.ts';
import { seedOf } from '../seed.ts';

const serde = aggregateState([['kept', 'last']]);
const encoded = (kept: unknown) => Buffer.from(serde.encode({ kept }));
const roundTrip = (kept: unknown) => serde.decode(serde.encode({ kept }))['kept'];

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('__proto__', 'é'.repeat(21), ''));
const { data } = fc.letrec<{ data: unknown }>(tie => ({
  data: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.double(),
    fc.maxSafeInteger(),
    fc.bigInt(),
    text,
    fc.uint8Array(),
    fc.array(tie('data'), { maxLength: 5 }),
    fc
      .array(fc.tuple(text, tie('data')), { maxLength: 5 })
      .map(entries => Object.fromEntries(entries) as Record<string, unknown>),
  ),
}));

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { value };
  return value;
};

describe('plain data in the state of an aggregate', () => {
  test('comes back as it was', () => {
    const seed = seedOf('plain data comes back');
    fc.assert(
      fc.property(data, value => {
        expect(roundTrip(value)).toStrictEqual(value);
        expect(plainDataProblem(value)).toBeNull();
        expect(samePlainData(roundTrip(value), value)).toBe(true);
      }),
      { seed, numRuns: 1000 },
    );
  });

  test('finds room, however long it is and whatever stands behind', () => {
    const long = ['x'.repeat(40_000), { ['é'.repeat(30_000)]: new Uint8Array(70_000) }, 10n ** 30_000n, 'end'];
    expect(roundTrip(long)).toStrictEqual(long);
    const wide = Array.from({ length: 20_000 }, (_, index) => ({ index }));
    expect(roundTrip(wide)).toStrictEqual(wide);
  });

  test('does not decode when it is cut at any place', () => {
    const bytes = encoded([null, true, 1, -0.5, 1n, 2n ** 60n, 2n ** 90n, 'é', new Uint8Array(3), { a: [{}] }]);
    for (let length = 0; length < bytes.length; length++)
      expect(() => serde.decode(bytes.subarray(0, length)), String(length)).toThrow(RecordError);
  });

  test('with any byte changed is another value, or does not decode', () => {
    const seed = seedOf('plain data with a changed byte');
    fc.assert(
      fc.property(data, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, byte) => {
        const bytes = encoded(value);
        bytes[at % bytes.length] = byte;
        try {
          serde.decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordError);
        }
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('of bytes at random does not decode, or is a value', () => {
    const seed = seedOf('plain data of random bytes');
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(12), fc.nat(255)), { maxLength: 60 }), bytes => {
        try {
          serde.decode(Buffer.from([1, ...bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(RecordError);
        }
      }),
      { seed, numRuns: 5000 },
    );
  });

  test.each([
    ['an array of more items than there are bytes', '010afeffffff0f00'],
    ['an object of more', '010bfeffffff0f00'],
    ['text of a negative length', '010801'],
    ['bytes that go past the end', '01090a00'],
    ['a bigint of four billion digits', '0104ffffffff31'],
    ['text that is no UTF-8', '010802ff'],
    ['an unknown tag', '010c'],
    ['an integer that no number holds exactly', '0100ffffffffffffff7f'],
    ['a bigint that is written otherwise', '0102ffffffffffffff7f'],
    ['arrays without end', `01${'0a02'.repeat(100_000)}00`],
    ['objects without end', `01${'0b0200'.repeat(100_000)}00`],
  ])('does not decode from %s', (_, hex) => {
    expect(() => serde.decode(Buffer.from(hex, 'hex'))).toThrow(RecordError);
  });

  test('named __proto__ is a property like any other', () => {
    const hostile = JSON.parse('{"__proto__":{"admin":true},"a":1}') as object;
    const back = roundTrip(hostile) as { admin?: boolean };
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.keys(back)).toEqual(['__proto__', 'a']);
    expect(back.admin).toBeUndefined();
  });

  test('is a copy, no view of the bytes it was read from', () => {
    const bytes = encoded(new Uint8Array([1, 2, 3]));
    const value = serde.decode(bytes)['kept'];
    bytes.fill(0);
    expect(value).toStrictEqual(new Uint8Array([1, 2, 3]));
  });

  test('leaves out properties that are undefined, as JSON does', () => {
    expect(roundTrip({ a: 1, b: undefined })).toStrictEqual({ a: 1 });
    expect(samePlainData({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(samePlainData({ a: undefined }, { b: 1 })).toBe(false);
  });

  test('is nested a hundred levels deep at most', () => {
    expect(plainDataProblem(nested(MAX_DEPTH))).toBeNull();
    expect(roundTrip(nested(MAX_DEPTH))).toStrictEqual(nested(MAX_DEPTH));
    expect(plainDataProblem(nested(MAX_DEPTH + 1))).toMatch(/^more than 100 levels at /);
    const circle: unknown[] = [];
    circle.push(circle);
    expect(plainDataProblem(circle)).toMatch(/more than 100 levels/);
    expect(() => encoded(circle)).toThrow(/nested deeper than 100 levels, or in itself/);
  });

  test.each([
    [undefined, 'undefined'],
    [{ at: new Date(0) }, 'an instance of Date at .at'],
    [[{ prices: [1, () => 2] }], 'a function at [0].prices[1]'],
    [new Map(), 'an instance of Map'],
    [Symbol('s'), 'a symbol'],
    [[1, undefined], 'undefined at [1]'],
    [Array(2), 'undefined at [0]'],
    [Object.create({ inherited: 1 }), 'an instance of Object'],
  ])('is not %o', (value, problem) => {
    expect(plainDataProblem(value)).toBe(problem);
    expect(() => encoded(value)).toThrow(RecordError);
  });

  test('holds no bigint of more than 100,000 digits, which would take long to read', () => {
    expect(roundTrip(10n ** 99_999n)).toBe(10n ** 99_999n);
    expect(() => encoded(10n ** 100_000n)).toThrow(/kept: a bigint of more than 100000 digits/);
    const bytes = Buffer.concat([Buffer.from('010400030d40', 'hex'), Buffer.from('9'.repeat(200_000))]);
    expect(() => serde.decode(bytes)).toThrow(RecordError);
  });

  test('with half a surrogate pair is refused: UTF-8 cannot say it', () => {
    expect(() => encoded({ text: '\uD800' })).toThrow('kept: text with half a surrogate pair is no UTF-8');
    expect(() => encoded('x'.repeat(30) + '\uDC00')).toThrow(RecordError);
  });
});

describe('two pieces of plain data', () => {
  test.each([
    [
      { a: 1, b: [2n] },
      { b: [2n], a: 1 },
    ],
    [NaN, NaN],
    [0, -0],
    [new Uint8Array([1]), Buffer.from([1])],
  ])('%o and %o hold the same', (a, b) => expect(samePlainData(a, b)).toBe(true));

  test.each([
    [1, 1n],
    [1, '1'],
    [[], {}],
    [null, {}],
    [[1, 2], [1]],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ toString: 1 }, { b: 1 }],
    [new Uint8Array([1]), [1]],
  ])('%o and %o do not', (a, b) => expect(samePlainData(a, b)).toBe(false));
});
