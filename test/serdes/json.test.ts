import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { json } from '../../src/serdes/index.ts';

const serde = json<unknown>();
const decode = (text: string): unknown => serde.decode(Buffer.from(text));
const failureOf = (text: string): unknown => {
  try {
    return decode(text);
  } catch (error) {
    return error;
  }
};
const encode = (value: unknown): string => Buffer.from(serde.encode(value)).toString();

describe('decode', () => {
  test('integers beyond 2^53 are bigints, all other numbers are numbers', () => {
    const values: Record<string, unknown> = {
      '9007199254740991': 9007199254740991,
      '9007199254740992': 9007199254740992,
      '9007199254740993': 9007199254740993n,
      '-9007199254740993': -9007199254740993n,
      '1795407583000439398': 1795407583000439398n,
      '1795407583000439': 1795407583000439,
      '0.12345678901234567890': 0.12345678901234568,
      '12345678901234567890.5': 12345678901234567000,
      '1234567890123456789e2': 123456789012345680000,
      '1e30': 1e30,
      '"12345678901234567890"': '12345678901234567890',
    };
    for (const [text, value] of Object.entries(values)) {
      expect(decode(text), text).toBe(value);
      expect(decode(`{"a":[1,${text}],"b":{"c": ${text} }}`), text).toEqual({ a: [1, value], b: { c: value } });
    }
  });

  test('digits within strings and keys stay what they are', () => {
    const text =
      '{"12345678901234567890":"a, 12345678901234567890, \\" 12345678901234567890 ","n":12345678901234567890}';
    expect(decode(text)).toEqual({
      '12345678901234567890': 'a, 12345678901234567890, " 12345678901234567890 ',
      n: 12345678901234567890n,
    });
  });

  test('no string of the text is taken for a bigint', () => {
    const text = '["\\ue000123","\ue001456","\\uE002789",12345678901234567890]';
    expect(decode(text)).toEqual(['\ue000123', '\ue001456', '\ue002789', 12345678901234567890n]);
  });

  test('what JSON refuses stays refused with a long integer in it', () => {
    const long = '12345678901234567890';
    for (const text of [
      `{${long}:1}`,
      `{${long} \n:1}`,
      `[0${long}]`,
      `[-0${long}]`,
      `[--${long}]`,
      `[+${long}]`,
      `[${long}a]`,
      `[${long},]`,
      `["${long}]`,
    ]) {
      expect(() => decode(text), text).toThrow(RecordError);
    }
  });

  test('an error says nothing of the content', () => {
    for (const text of ['{"secret": pw}', '{"secret":12345678901234567890,', 'secret']) {
      expect(failureOf(text)).toMatchObject({ code: 'TOPO_DECODE', message: 'expected JSON' });
      expect(failureOf(text)).not.toHaveProperty('cause');
    }
    expect(() => serde.decode(Buffer.from('22ff22', 'hex'))).toThrow(RecordError);
  });

  test('of the private characters any may be in the text, as itself or escaped, but not all', () => {
    const all = Array.from({ length: 0x1900 }, (_, index) => String.fromCharCode(0xe000 + index));
    for (const free of [0, 5, 0x18ff]) {
      const used = all.toSpliced(free, 1);
      const escaped = used.map(one => `\\u${one.charCodeAt(0).toString(16).toUpperCase()}`);
      for (const texts of [used, escaped])
        expect(decode(`[${texts.map(text => `"${text}"`).join(',')},12345678901234567890]`)).toEqual([
          ...used,
          12345678901234567890n,
        ]);
    }
    expect(() => decode(`["${all.join('')}",12345678901234567890]`)).toThrow('every private character');
    expect(decode(`["${all.join('')}",1]`)).toEqual([all.join(''), 1]);
  });

  test('an integer has 100,000 digits at most: to read more takes long', () => {
    const digits = '9'.repeat(100_000);
    expect(decode(`[-${digits}]`)).toEqual([-BigInt(digits)]);
    for (const text of [`${digits}9`, `{"a":-${digits}9}`])
      expect(() => decode(text)).toThrow('an integer of more than 100000 digits');
    expect(encode(-BigInt(digits))).toBe(`-${digits}`);
    expect(() => encode({ a: BigInt(`${digits}9`) })).toThrow('a: a bigint of more than 100000 digits');
  });

  test('a key __proto__ is a property like any other', () => {
    const value = decode('{"__proto__":12345678901234567890,"a":1}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value)).toEqual([
      ['__proto__', 12345678901234567890n],
      ['a', 1],
    ]);
  });
});

describe('encode', () => {
  test('a bigint is a bare integer', () => {
    expect(encode({ a: 12345678901234567890n, b: [1n, '"\n'] })).toBe('{"a":12345678901234567890,"b":[1,"\\"\\n"]}');
  });

  test('a number stays a number, however large it is', () => {
    for (const value of [1e20, -1e20, 2 ** 53 + 2, 1e21, 0.1, 5e-324, Number.MAX_VALUE]) {
      expect(decode(encode({ value }))).toEqual({ value });
    }
  });

  test('what JSON would turn into something else is refused by its path', () => {
    expect(() => encode({ a: [1, { b: NaN }] })).toThrow('a[1].b: JSON has no NaN');
    expect(() => encode({ a: 1n, b: { c: Infinity } })).toThrow('b.c: JSON has no infinity');
    expect(() => encode([1, undefined])).toThrow('[1]: JSON has no undefined');
    expect(() => encode({ a: new Map([[1, 2]]) })).toThrow('a: JSON has no Map');
    expect(() => encode({ a: 1n, b: new Set() })).toThrow('b: JSON has no Set');
    expect(() => encode({ a: new Date(NaN) })).toThrow('a: JSON has no invalid date');
    expect(() => encode(NaN)).toThrow('the value: JSON has no NaN');
    for (const value of [undefined, () => 1, Symbol('a')]) expect(() => encode(value)).toThrow(RecordError);
  });

  test('a property toJSON that is no method hides nothing', () => {
    for (const toJSON of [5, null, {}, '']) {
      expect(() => encode({ toJSON, a: NaN })).toThrow('a: JSON has no NaN');
      expect(() => encode({ toJSON, a: NaN, n: 1n })).toThrow('a: JSON has no NaN');
      expect(decode(encode({ toJSON, a: null }))).toEqual({ toJSON, a: null });
    }
  });

  test('of a long path the end is named', () => {
    const name = 'x'.repeat(10_000);
    expect(() => encode({ [name]: { price: NaN } })).toThrow(/^…x{194}\.price: JSON has no NaN$/);
  });

  test('a value within itself is refused', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => encode(circle)).toThrow('in itself');
  });

  test('an undefined property is left out', () => {
    expect(encode({ a: undefined, b: null, c: 1n })).toBe('{"b":null,"c":1}');
    expect(encode({ a: undefined, b: null })).toBe('{"b":null}');
  });

  test('dates are text, with and without bigints beside them', () => {
    const at = new Date(0);
    expect(encode({ at, n: null })).toBe('{"at":"1970-01-01T00:00:00.000Z","n":null}');
    expect(encode({ at, n: 1n })).toBe('{"at":"1970-01-01T00:00:00.000Z","n":1}');
  });
});

test('any JSON value with bigints comes back', () => {
  const { value } = fc.letrec(tie => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0),
      fc.integer(),
      fc.bigInt().filter(integer => integer > 2n ** 53n || integer < -(2n ** 53n)),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(value, original => {
      expect(decode(encode(original))).toEqual(original);
    }),
    { numRuns: 500 },
  );
});
