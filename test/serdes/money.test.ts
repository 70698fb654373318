import { expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { cents } from '../../src/serdes/index.ts';

test('the cents of a decimal amount are exact', () => {
  expect(cents('472.10')).toBe(47210n);
  expect(cents('-0.05')).toBe(-5n);
  expect(cents('7')).toBe(700n);
  expect(cents('7.5')).toBe(750n);
  expect(cents('9999999999999999.99')).toBe(999999999999999999n);
});

test('what is no amount in cents is refused without quoting it', () => {
  for (const amount of ['', '1.', '.5', '1.234', '1e3', 'NaN', '1,20', ' 1', '0x10', 472.1, null]) {
    expect(() => cents(amount as string), String(amount)).toThrow(RecordError);
  }
  expect(() => cents('secret')).not.toThrow('secret');
  // to read so many takes long
  expect(() => cents('9'.repeat(100_000))).toThrow('more than 100000 digits');
});
