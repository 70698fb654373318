import fc from 'fast-check';
import type { Kinds, Kinds_Inner } from './gen/kinds/v1/kinds.ts';

/** A message with every field at its default. */
export const EMPTY_KINDS: Kinds = {
  aDouble: 0,
  aFloat: 0,
  anInt32: 0,
  anInt64: 0n,
  aUint32: 0,
  aUint64: 0n,
  aSint32: 0,
  aSint64: 0n,
  aFixed32: 0,
  aFixed64: 0n,
  aSfixed32: 0,
  aSfixed64: 0n,
  aBool: false,
  aString: '',
  someBytes: new Uint8Array(0),
  level: 'UNSPECIFIED',
  packedNumbers: [],
  unpackedNumbers: [],
  texts: [],
  inners: [],
  levels: [],
  byName: {},
  byNumber: {},
  byFlag: {},
  numberInt64: 0,
  numberUint64: 0,
  numberSint64: 0,
  numberFixed64: 0,
  numberSfixed64: 0,
};

const int32 = fc.integer();
const uint32 = fc.nat({ max: 2 ** 32 - 1 });
const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -300n, max: 300n }));
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 300n }));
const safe = fc.maxSafeInteger();
const safeNat = fc.maxSafeNat();
const level = fc.constantFrom('UNSPECIFIED', 'LOW', 'HIGH', 3, -1, 2 ** 31 - 1, -(2 ** 31));
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 50 }), fc.string({ maxLength: 200 }));
const bytes = fc.uint8Array({ maxLength: 200 });

const { inner } = fc.letrec<{ inner: Kinds_Inner }>(tie => ({
  inner: fc.record(
    {
      name: text,
      count: int32,
      numbers: fc.array(int32, { maxLength: 3 }),
      next: fc.option(tie('inner'), { nil: undefined, maxDepth: 4 }),
    },
    { requiredKeys: ['name', 'count', 'numbers', 'next'] },
  ),
}));

const dropUndefined = <T extends object>(value: T): T => {
  const entries = Object.entries(value).filter(([, inside]) => inside !== undefined);
  return Object.fromEntries(
    entries.map(([key, inside]) => [
      key,
      typeof inside === 'object' && inside !== null && Object.getPrototypeOf(inside) === Object.prototype
        ? dropUndefined(inside as object)
        : Array.isArray(inside)
          ? inside.map(one => (typeof one === 'object' ? dropUndefined(one as object) : (one as unknown)))
          : (inside as unknown),
    ]),
  ) as T;
};

/** Any message: all kinds, all edges. Maps and messages as plain objects without undefined properties. */
export const anyKinds: fc.Arbitrary<Kinds> = fc
  .record(
    {
      aDouble: fc.double(),
      aFloat: fc.float(),
      anInt32: int32,
      anInt64: int64,
      aUint32: uint32,
      aUint64: uint64,
      aSint32: int32,
      aSint64: int64,
      aFixed32: uint32,
      aFixed64: uint64,
      aSfixed32: int32,
      aSfixed64: int64,
      aBool: fc.boolean(),
      aString: text,
      someBytes: bytes,
      level,
      maybeString: text,
      maybeInt32: int32,
      inner,
      packedNumbers: fc.array(int32),
      unpackedNumbers: fc.array(int64),
      texts: fc.array(text, { maxLength: 4 }),
      inners: fc.array(inner, { maxLength: 3 }),
      levels: fc.array(level),
      byName: fc.dictionary(fc.string({ maxLength: 5 }), int64, { maxKeys: 3 }),
      byNumber: fc.dictionary(int64.map(String), inner, { maxKeys: 3 }),
      byFlag: fc.dictionary(fc.boolean().map(String), text),
      payment: fc.oneof(
        fc.record({ case: fc.constant('iban' as const), value: text }),
        fc.record({ case: fc.constant('card' as const), value: inner }),
        fc.record({ case: fc.constant('cashCents' as const), value: int64 }),
      ),
      numberInt64: safe,
      numberUint64: safeNat,
      numberSint64: safe,
      numberFixed64: safeNat,
      numberSfixed64: safe,
      at: fc.record({ seconds: int64, nanos: int32 }),
      money: fc.record({
        cents: int64,
        currency: fc.constantFrom('UNSPECIFIED' as const, 'EUR' as const, 'NEGATIVE' as const, 5),
      }),
      maybeLevel: level,
      maybeBytes: bytes,
      maybeInt64: int64,
    },
    { requiredKeys: Object.keys(EMPTY_KINDS) as [] },
  )
  .map(message => dropUndefined(message) as Kinds);
