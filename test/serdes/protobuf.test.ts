import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { RecordError, TopologyError } from '../../src/errors.ts';
import { message, protobuf } from '../../src/serdes/index.ts';
import type { Serde } from '../../src/serdes/index.ts';
import { Empty, Kinds, Kinds_Inner, OldInner } from './gen/kinds/v1/kinds.ts';
import { Tree } from './gen/trees/v1/tree.ts';
import { Money } from './gen/shared/v1/money.ts';
import { anyKinds, EMPTY_KINDS } from './kinds.ts';

const kinds = protobuf(Kinds);
const inner = protobuf(Kinds_Inner);
const old = protobuf(OldInner);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** A failed property prints its seed. */
test('any message comes back', () => {
  fc.assert(
    fc.property(anyKinds, value => {
      expect(kinds.decode(kinds.encode(value))).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

describe('a decoded message', () => {
  test('is a plain object whose implicit fields are all its own, and whose explicit ones are absent', () => {
    const value = kinds.decode(Buffer.alloc(0));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value).sort()).toEqual(Object.keys(EMPTY_KINDS).sort());
    expect(value).toEqual(EMPTY_KINDS);
    expect(kinds.encode(value)).toHaveLength(0);
  });

  test('has explicit fields that are set to their default', () => {
    const value = {
      ...EMPTY_KINDS,
      maybeString: '',
      maybeInt32: 0,
      maybeLevel: 'UNSPECIFIED',
      maybeInt64: 0n,
    } as const;
    expect(kinds.decode(kinds.encode(value))).toEqual(value);
    const empty = { ...EMPTY_KINDS, payment: { case: 'iban', value: '' } } as const;
    expect(kinds.decode(kinds.encode(empty)).payment).toEqual({ case: 'iban', value: '' });
  });

  test('keeps nothing of the buffer it came from', () => {
    const bytes = Buffer.from(kinds.encode({ ...EMPTY_KINDS, someBytes: Buffer.from('abc'), aString: 'x'.repeat(50) }));
    const value = kinds.decode(bytes);
    bytes.fill(0);
    expect(Buffer.from(value.someBytes).toString()).toBe('abc');
    expect(value.someBytes.byteOffset).toBe(0);
    expect(value.aString).toBe('x'.repeat(50));
  });

  test('meets no inherited property in its maps', () => {
    const value = kinds.decode(
      kinds.encode({
        ...EMPTY_KINDS,
        byName: JSON.parse('{"__proto__":1,"a":2}', (_, x: unknown) =>
          typeof x === 'number' ? BigInt(x) : x,
        ) as Kinds['byName'],
      }),
    );
    expect(Object.entries(value.byName)).toEqual([
      ['__proto__', 1n],
      ['a', 2n],
    ]);
    expect(value.byName['constructor']).toBeUndefined();
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  test('has names of enum values, and numbers where there is no name', () => {
    expect(kinds.decode(hex('8001 02')).level).toBe('HIGH');
    expect(kinds.decode(hex('8001 63')).level).toBe(99);
    expect(kinds.decode(kinds.encode({ ...EMPTY_KINDS, level: 99 })).level).toBe(99);
    expect(kinds.decode(kinds.encode({ ...EMPTY_KINDS, level: 1 })).level).toBe('LOW');
    expectTypeOf<Kinds['level']>().toEqualTypeOf<'UNSPECIFIED' | 'LOW' | 'HIGH' | number>();
  });

  test('narrows a oneof by its case', () => {
    const { payment } = kinds.decode(kinds.encode({ ...EMPTY_KINDS, payment: { case: 'cashCents', value: 5n } }));
    if (payment?.case === 'cashCents') expectTypeOf(payment.value).toEqualTypeOf<bigint>();
    expect(payment).toEqual({ case: 'cashCents', value: 5n });
  });
});

describe('unknown fields', () => {
  const full = inner.encode({ name: 'a', count: 5, next: { name: 'b', count: 0, numbers: [] }, numbers: [1, 2] });

  test('survive a spread and a change', () => {
    const changed = { ...old.decode(full), name: 'changed' };
    expect(inner.decode(old.encode(changed))).toEqual({
      name: 'changed',
      count: 5,
      next: { name: 'b', count: 0, numbers: [] },
      numbers: [1, 2],
    });
  });

  test('do not travel into another message', () => {
    const spread = { ...old.decode(full), count: 1, numbers: [] };
    expect(inner.decode(inner.encode(spread))).toEqual({ name: 'a', count: 1, numbers: [] });
    expect(protobuf(Empty).encode(spread)).toHaveLength(0);
  });

  test('survive in nested messages too', () => {
    const withUnknown = Buffer.concat([hex('9a01 05 0a0161 7a00'), hex('c03e01')]);
    const value = kinds.decode(withUnknown);
    expect(value.inner).toMatchObject({ name: 'a' });
    expect(Buffer.from(kinds.encode({ ...value })).includes(hex('7a00'))).toBe(true);
    expect(Buffer.from(kinds.encode({ ...value })).includes(hex('c03e01'))).toBe(true);
    expect(Buffer.from(inner.encode(value.inner!)).toString('hex')).toBe('7a000a0161');
  });

  test('are not seen by whoever lists properties', () => {
    expect(Object.keys(old.decode(full))).toEqual(['name']);
    expect(JSON.stringify(old.decode(full))).toBe('{"name":"a"}');
  });
});

describe('encode refuses', () => {
  const refuse = (change: Record<string, unknown>) => () => kinds.encode({ ...EMPTY_KINDS, ...change });
  const wrong: [Record<string, unknown>, string][] = [
    [{ anInt64: '5' }, 'Kinds.anInt64: expected a bigint, got a string'],
    [{ anInt64: 5 }, 'Kinds.anInt64: expected a bigint, got a number'],
    [{ anInt64: 2n ** 63n }, 'Kinds.anInt64: expected a bigint in the range of int64, got another one'],
    [{ aUint64: -1n }, 'Kinds.aUint64: expected a bigint in the range of uint64'],
    [{ aSint64: 2n ** 64n }, 'Kinds.aSint64: expected a bigint in the range of sint64'],
    [{ aFixed64: -1n }, 'Kinds.aFixed64: expected'],
    [{ aSfixed64: 2n ** 63n }, 'Kinds.aSfixed64: expected'],
    [{ anInt32: 2 ** 31 }, 'Kinds.anInt32: expected a number in the range of int32, got another one'],
    [{ anInt32: 1.5 }, 'Kinds.anInt32: expected'],
    [{ anInt32: NaN }, 'Kinds.anInt32: expected'],
    [{ anInt32: 1n }, 'Kinds.anInt32: expected a number, got a bigint'],
    [{ aUint32: -1 }, 'Kinds.aUint32: expected'],
    [{ aFixed32: 2 ** 32 }, 'Kinds.aFixed32: expected'],
    [{ aFloat: 1e300 }, 'Kinds.aFloat: expected a number in the range of float'],
    [{ aDouble: '1' }, 'Kinds.aDouble: expected a number, got a string'],
    [{ aBool: 0 }, 'Kinds.aBool: expected a boolean, got a number'],
    [{ aString: null }, 'Kinds.aString: expected a string, got null'],
    [{ aString: 'a\ud800' }, 'Kinds.aString: expected a string without half a surrogate pair'],
    [{ someBytes: [1] }, 'Kinds.someBytes: expected bytes, got an array'],
    [{ level: 'MEDIUM' }, 'Kinds.level: expected a string out of Kinds.Level, got another one'],
    [{ level: 0.5 }, 'Kinds.level: expected a string, got a number'],
    [
      { numberInt64: 2 ** 53 },
      'Kinds.numberInt64: expected a number in the range of int64, a safe integer, got another one',
    ],
    [{ numberUint64: -1 }, 'Kinds.numberUint64: expected'],
    [{ anInt64: undefined }, 'Kinds.anInt64: missing, expected a bigint'],
    [{ texts: undefined }, 'Kinds.texts: missing, expected an array'],
    [{ texts: 'abc' }, 'Kinds.texts: expected an array, got a string'],
    [{ texts: ['a', 5] }, 'Kinds.texts[1]: expected a string, got a number'],
    [{ packedNumbers: [1, 2, '3'] }, 'Kinds.packedNumbers[2]: expected a number, got a string'],
    [{ inner: null }, 'Kinds.inner: expected an object, got null'],
    [{ inner: { name: 'a', count: 1 } }, 'Kinds.inner.numbers: missing, expected an array'],
    [
      { inners: [{ name: 'a', count: 1, numbers: [], next: { name: 5 } }] },
      'Kinds.inners[0].next.name: expected a string, got a number',
    ],
    [{ byName: { secret: 5 } }, 'Kinds.byName[…]: expected a bigint, got a number'],
    [{ byName: new Map() }, 'Kinds.byName: expected an object without a class'],
    [{ byNumber: { secret: {} } }, 'Kinds.byNumber[…].key: missing, expected a bigint'],
    [
      { payment: { case: 'gold', value: 1 } },
      'Kinds.payment: expected an object with a case out of iban, card, cashCents',
    ],
    [{ payment: { case: 'iban', value: 1 } }, 'Kinds.payment.value: expected a string, got a number'],
    [{ money: { cents: 1n, currency: 'USD' } }, 'Kinds.money.currency: expected a string out of Currency'],
  ];

  test.each(wrong)('%o', (change, problem) => {
    expect(refuse(change)).toThrow(RecordError);
    expect(refuse(change)).toThrow(problem);
    expect(refuse(change)).not.toThrow('secret');
  });

  test('a value that is no object', () => {
    for (const value of [null, undefined, 5, 'x'])
      expect(() => kinds.encode(value as unknown as Kinds)).toThrow(/^Kinds: /);
  });

  test('a message nested more than a hundred levels deep, or in itself', () => {
    const circle: { name: string; count: number; numbers: number[]; next?: unknown } = {
      name: '',
      count: 0,
      numbers: [],
    };
    circle.next = circle;
    expect(() => inner.encode(circle as Kinds_Inner)).toThrow('nested less deeply');
  });

  test('and the next message is whole', () => {
    expect(refuse({ aString: 'abc', payment: 5 })).toThrow(RecordError);
    expect(kinds.decode(kinds.encode({ ...EMPTY_KINDS, aString: 'x' })).aString).toBe('x');
  });

  test('a wider object passes, as in TypeScript', () => {
    const wide = { name: 'a', status: 'OPEN' };
    expect(Buffer.from(old.encode(wide)).toString('hex')).toBe('0a0161');
  });
});

describe('decode refuses', () => {
  const wrong: [string, string][] = [
    ['an unfinished tag', '80'],
    ['an unfinished varint', '18 ff'],
    ['a varint that is missing', '18'],
    ['a varint of eleven bytes', '20 8080808080808080808001'],
    ['a varint of more than 64 bits', '20 ffffffffffffffffff02'],
    ['an int32 of 33 bits', '18 ffffffff1f'],
    ['a uint32 of 33 bits', '28 8080808010'],
    ['an unfinished fixed32', '4d 010203'],
    ['an unfinished fixed64', '51 01020304050607'],
    ['an unfinished double', '09 01020304050607'],
    ['an unfinished text', '72 05 6161'],
    ['a length beyond the end', '72 ffffffff0f'],
    ['a length of more than 32 bits', '72 ffffffffff01'],
    ['text that is no UTF-8', '72 01 ff'],
    ['a text in a varint', '70 05'],
    ['a number in a text', '1a 01 61'],
    ['field number 0', '00 00'],
    ['a group', 'c33e c43e'],
    ['the end of a group', 'c43e'],
    ['a group of a known number', '1b 1c'],
    ['wire type 6', '1e'],
    ['wire type 7', '1f'],
    ['a tag of more than 32 bits', '808080808001 00'],
    ['a tag of more than five bytes', '988080808000 05'],
    ['a length of more than five bytes', '72 818080808000 61'],
    ['a field that goes over from one piece of a message to the next', '9a01 01 10 9a01 01 05'],
    ['a member of a oneof that is no message, and replaced', 'ea01 01 ff e201 01 61'],
    ['a nested message that runs past its end', '9a01 03 0a0561 6161616161'],
    ['a nested varint that runs past its end', '9a01 02 1080 01'],
    ['packed numbers that run past their end', 'a201 02 0180 01'],
    ['an unfinished unknown field', 'c23e 05 61'],
    ['a map entry of another type', 'ca01 02 1201 61'],
    ['a number beyond 2^53 in a JS_NUMBER field', 'f801 8080808080808010'],
  ];

  test.each(wrong)('%s', (_, bytes) => {
    expect(() => kinds.decode(hex(bytes))).toThrow(expect.objectContaining({ code: 'TOPO_DECODE' }) as Error);
  });

  test('a message that is replaced in a oneof by another message, and is none', () => {
    const trees = protobuf(Tree);
    expect(trees.decode(hex('2a02 0a00 3200')).either).toMatchObject({ case: 'right' });
    expect(() => trees.decode(hex('2a01 ff 3200'))).toThrow(RecordError);
  });

  test('more levels and more bytes than allowed', () => {
    let bytes = Buffer.alloc(0);
    const nest = () => (bytes = Buffer.concat([hex('1a'), varint(bytes.length), bytes]));
    for (let level = 1; level < 100; level++) nest();
    expect(() => inner.decode(bytes)).not.toThrow();
    nest();
    expect(() => inner.decode(bytes)).toThrow('kinds.v1.Kinds.Inner: the message is nested too deeply');
    expect(() => protobuf(Kinds_Inner, { maxDepth: 2 }).decode(hex('1a02 1a00'))).toThrow('too deeply');
    expect(() => protobuf(Kinds_Inner, { maxBytes: 2 }).decode(hex('0a0161'))).toThrow('more than 2 bytes');
  });
});

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.from([(value & 0x7f) | 0x80, ...varint(value >>> 7)]);
}

describe('decode accepts', () => {
  test('at its deepest an entry of a map without a value, which encodes again', () => {
    const trees = protobuf(Tree, { maxDepth: 3 });
    const value = trees.decode(hex('2203 0a0161'));
    expect(Object.keys(value.byName)).toEqual(['a']);
    expect(trees.decode(trees.encode(value))).toEqual(value);
    expect(() => protobuf(Tree, { maxDepth: 2 }).decode(hex('2203 0a0161'))).toThrow('too deeply');
  });

  test('packed and unpacked numbers, mixed', () => {
    expect(kinds.decode(hex('a001 05 a201 02 0607 a001 08')).packedNumbers).toEqual([5, 6, 7, 8]);
    expect(kinds.decode(hex('aa01 02 0607 a801 08')).unpackedNumbers).toEqual([6n, 7n, 8n]);
  });

  test('of several values of a field the last', () => {
    expect(kinds.decode(hex('18 01 18 02')).anInt32).toBe(2);
  });

  test('a message in pieces as one', () => {
    const piece = (value: Partial<Kinds_Inner>) => {
      const bytes = inner.encode({ name: '', count: 0, numbers: [], ...value });
      return Buffer.concat([hex('9a01'), varint(bytes.length), bytes]);
    };
    const pieces = [piece({ name: 'a', numbers: [1] }), piece({ count: 5 }), piece({ name: 'b', numbers: [2] })];
    expect(kinds.decode(Buffer.concat(pieces)).inner).toEqual({ name: 'b', count: 5, numbers: [1, 2] });
  });

  test('of a oneof the last member, merged only with itself', () => {
    const iban = hex('e201 01 61');
    const card = (bytes: string) => Buffer.concat([hex('ea01'), varint(hex(bytes).length), hex(bytes)]);
    expect(kinds.decode(Buffer.concat([card('0a0161'), iban])).payment).toEqual({ case: 'iban', value: 'a' });
    expect(kinds.decode(Buffer.concat([card('0a0161'), card('1005')])).payment).toEqual({
      case: 'card',
      value: { name: 'a', count: 5, numbers: [] },
    });
    expect(kinds.decode(Buffer.concat([card('0a0161'), iban, card('1005')])).payment).toEqual({
      case: 'card',
      value: { name: '', count: 5, numbers: [] },
    });
  });

  test('map entries without key or value', () => {
    expect(kinds.decode(hex('ca01 00')).byName).toEqual({ '': 0n });
    expect(kinds.decode(hex('d201 02 0805')).byNumber).toEqual({ '5': { name: '', count: 0, numbers: [] } });
  });

  test('a varint that is longer than it need be', () => {
    expect(kinds.decode(hex('18 8500')).anInt32).toBe(5);
    expect(kinds.decode(hex('6a00 68 8000').subarray(2)).aBool).toBe(false);
  });

  test('any Uint8Array, not only Buffers', () => {
    expect(kinds.decode(new Uint8Array(hex('18 05'))).anInt32).toBe(5);
  });
});

test('a message without its descriptor is refused when it is named', () => {
  expect(() => protobuf(message('kinds.v1.None', Kinds.descriptor))).toThrow(TopologyError);
  expect(() => protobuf(message('kinds.v1.Kinds', 'AAAA'))).toThrow(TopologyError);
});

test('a serde of one message takes no other', () => {
  const takesKinds = (serde: Serde<Kinds>) => serde;
  takesKinds(protobuf(Kinds));
  // @ts-expect-error Money is no Kinds
  takesKinds(protobuf(Money));
  // @ts-expect-error implicit fields are required
  expect(() => protobuf(Money).encode({ cents: 1n })).toThrow('Money.currency: missing');
});
