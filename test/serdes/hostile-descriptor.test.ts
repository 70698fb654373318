import { expect, test } from 'vitest';
import { message, protobuf } from '../../src/serdes/index.ts';
import { writeField, writeVarintField } from '../../src/serdes/protobuf/wire.ts';

const INT32 = 5;
const OPTIONAL = 1;

/** A descriptor of one message `M` with int32 fields of these names. */
function typeWith(...names: string[]) {
  const fields = names.map((name, index) =>
    writeField(
      2,
      Buffer.concat([
        writeField(1, name),
        writeVarintField(3, index + 1),
        writeVarintField(4, OPTIONAL),
        writeVarintField(5, INT32),
      ]),
    ),
  );
  const file = [
    writeField(1, 'm.proto'),
    writeField(4, Buffer.concat([writeField(1, 'M'), ...fields])),
    writeField(12, 'proto3'),
  ];
  return message<Record<string, number>>('M', Buffer.from(writeField(1, Buffer.concat(file))).toString('base64'));
}

test('names of a descriptor are never code', () => {
  const names = [
    '"; globalThis.hacked = 1; "',
    '`${globalThis.hacked = 1}`',
    "'];globalThis.hacked=1//",
    '\\"',
    'a\nb',
    'x\u2028y',
    '*/ globalThis.hacked = 1',
  ];
  const serde = protobuf(typeWith(...names));
  const empty = serde.decode(Buffer.alloc(0));
  expect(Object.keys(empty)).toHaveLength(names.length);
  expect(serde.decode(serde.encode({ ...empty }))).toEqual(empty);
  expect('hacked' in globalThis).toBe(false);
});

test('a field __proto__ is a property like any other', () => {
  // In camel case `__proto__` is `Proto`; only a name that has no underscore before a letter stays.
  const serde = protobuf(typeWith('constructor', 'toString', '__proto__'));
  const value = serde.decode(Buffer.from('0801100218 03'.replace(' ', ''), 'hex'));
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Object.values(value)).toEqual([1, 2, 3]);
  expect(serde.decode(serde.encode(value))).toEqual(value);
});

test('what protoc would refuse is refused when the topology is built', () => {
  expect(() => protobuf(typeWith('a_b', 'aB'))).toThrow('two fields of one name');
  for (const bytes of ['', 'ff', '0a05', '0a00']) {
    expect(() => protobuf(message('M', Buffer.from(bytes, 'hex').toString('base64')))).toThrow(/M|proto3/);
  }
});
