import { expect, test } from 'vitest';
import { KeyTable } from '../../../src/adapters/embedded/key-table.ts';
import { mulberry } from './random.ts';

test('of many keys none is taken for another one, also where their hashes are equal', () => {
  // among so many some pairs share all 32 bits of their hash, whatever the table's own key
  const COUNT = 400_000;
  const table = new KeyTable();
  const keyOf = (n: number) => Buffer.from(`key ${n}`);
  for (let n = 0; n < COUNT; n++) {
    const key = keyOf(n);
    table.put(0, key, 0, key.length, n);
  }
  for (let n = 0; n < COUNT; n++) {
    const key = keyOf(n);
    if (table.newest(0, key, 0, key.length) !== n) throw new Error(`key ${n}`);
  }
  expect(table.newest(0, keyOf(COUNT), 0, keyOf(COUNT).length)).toBe(-1);
});

test('a key has its newest offset, in each partition its own, wherever in a buffer it lies', () => {
  const random = mulberry(1);
  const table = new KeyTable();
  const expected = new Map<string, number>();
  for (let offset = 0; offset < 20_000; offset++) {
    const group = Math.floor(random() * 3);
    const key = Buffer.alloc(Math.floor(random() * 70), Math.floor(random() * 12));
    const buffer = Buffer.concat([Buffer.alloc(5, 1), key, Buffer.alloc(5, 2)]);
    table.put(group, buffer, 5, 5 + key.length, offset);
    expected.set(`${group} ${key.toString('hex')}`, offset);
  }
  for (const [id, offset] of expected) {
    const [group, hex] = id.split(' ') as [string, string];
    const key = Buffer.from(hex, 'hex');
    expect(table.newest(Number(group), key, 0, key.length)).toBe(offset);
  }
});
