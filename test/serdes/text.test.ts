import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { bytes, string } from '../../src/serdes/index.ts';
import type { Branded } from '../../src/serdes/index.ts';

describe('string', () => {
  const serde = string();

  test('any well-formed text comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
        const encoded = serde.encode(text);
        expect(Buffer.from(encoded).equals(Buffer.from(text))).toBe(true);
        expect(serde.decode(encoded)).toBe(text);
      }),
    );
  });

  test('texts around the length where native code takes over come back', () => {
    for (const unit of ['a', 'é', '界', '🚗', '\uFFFD', '\uFEFF', '\0']) {
      for (let length = 0; length < 50; length++)
        expect(serde.decode(serde.encode(unit.repeat(length)))).toBe(unit.repeat(length));
    }
  });

  test('bytes that are no UTF-8 do not decode', () => {
    const invalid = ['ff', 'c3', 'c080', 'eda080', 'f8888080', '61ff', 'e28', 'efbfbdff'];
    for (const hex of invalid) {
      for (const padding of ['', '20'.repeat(30)]) {
        expect(() => serde.decode(Buffer.from(padding + hex, 'hex')), hex).toThrow(RecordError);
      }
    }
  });

  test('half a surrogate pair does not encode', () => {
    expect(() => serde.encode('a\uD83D')).toThrow('surrogate');
    expect(() => serde.encode(`${'a'.repeat(100)}\uDE00`)).toThrow('surrogate');
  });

  test('a value that is no string does not encode', () => {
    expect(() => serde.encode(5 as unknown as string)).toThrow('expected a string, got a number');
  });

  test('an encoded text stays as it is when others are encoded', () => {
    const first = serde.encode('first');
    for (let count = 0; count < 10_000; count++) serde.encode(`other ${count}`);
    expect(Buffer.from(first).toString()).toBe('first');
    const long = serde.encode('x'.repeat(100_000));
    expect(long.length).toBe(100_000);
  });

  test('a brand keeps strings apart', () => {
    expectTypeOf(string()).toEqualTypeOf(string());
    expectTypeOf(serde.decode(Buffer.from(''))).toEqualTypeOf<string>();
    const policyId = string<'PolicyId'>().decode(Buffer.from('P-1'));
    expectTypeOf(policyId).toEqualTypeOf<Branded<'PolicyId'>>();
    // @ts-expect-error a PolicyId is no ClaimId
    string<'ClaimId'>().encode(policyId);
  });
});

describe('bytes', () => {
  test('are copied both ways, so that a reused buffer changes nothing', () => {
    const buffer = Buffer.from('abc');
    const [decoded, encoded] = [bytes().decode(buffer), bytes().encode(buffer)];
    buffer.fill(0);
    expect(Buffer.from(decoded).toString()).toBe('abc');
    expect(Buffer.from(encoded).toString()).toBe('abc');
  });

  test('a value that is no Uint8Array does not encode', () => {
    expect(() => bytes().encode('abc' as unknown as Uint8Array)).toThrow('expected bytes (a Uint8Array), got a string');
  });
});
