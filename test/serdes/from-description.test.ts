import { describe, expect, test } from 'vitest';
import {
  aggregateState,
  bytes,
  change,
  changeEvent,
  debeziumKey,
  json,
  protobuf,
  row,
  serdeOf,
  string,
} from '../../src/serdes/index.ts';
import type { Serde } from '../../src/serdes/index.ts';
import { Money } from './gen/shared/v1/money.ts';

const serdes: [Serde<unknown>, unknown][] = [
  [bytes(), Buffer.from('abc')],
  [string(), 'é'],
  [json(), { a: [1, 2n ** 60n] }],
  [protobuf(Money), { cents: -5n, currency: 'EUR' }],
  [
    changeEvent(row()),
    { op: 'd', before: { id: 1 }, after: null, source: { ts_ms: 1, ts_ns: 1795407583000439398n }, ts_ms: 2 },
  ],
  [debeziumKey<unknown>(['id']), 'P-1'],
  [debeziumKey<unknown>(['a', 'b']), { a: 1, b: null }],
  [change(protobuf(Money)), { old: null, new: { cents: 7n, currency: 99 } }],
  [
    aggregateState([
      ['open', 'count'],
      ['paidCents', 'sum'],
    ]),
    { open: 1, paidCents: 2n },
  ],
];

describe('a manifest entry alone reads what the serde wrote', () => {
  test.each(serdes)('$description.type', (serde, value) => {
    const fromManifest = JSON.parse(JSON.stringify(serde.description)) as typeof serde.description;
    const rebuilt = serdeOf(fromManifest)!;
    expect(rebuilt.description).toEqual(serde.description);
    expect(rebuilt.decode(serde.encode(value))).toEqual(value);
  });
});

test("a user's own serde is not to be had without its code", () => {
  expect(serdeOf({ type: 'custom', name: 'avro' })).toBeUndefined();
  expect(serdeOf({ type: 'change', of: { type: 'custom', name: 'avro' } })).toBeUndefined();
});
