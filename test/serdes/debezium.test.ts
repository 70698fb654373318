import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { changeEvent, debeziumKey, row, toRow } from '../../src/serdes/index.ts';
import type { Change } from '../../src/serdes/index.ts';

interface Recorded {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
}

const recorded = readFileSync(new URL('../fixtures/debezium/row-events.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Recorded);

const serde = changeEvent(row<Record<string, unknown>>());
const decode = (text: string) => serde.decode(Buffer.from(text));
const encode = (change: Change<Record<string, unknown>>) => Buffer.from(serde.encode(change)).toString();

describe('a change event', () => {
  const values = recorded.flatMap(({ value }) => (value === null ? [] : [value]));

  test('every recorded one comes back byte for byte', () => {
    expect(values.length).toBeGreaterThan(30);
    // Messages gain a `before` and an `after` of null.
    for (const value of values.filter(text => !text.includes('"op":"m"'))) expect(encode(decode(value))).toBe(value);
  });

  test('its nanoseconds are exact bigints, and nothing else is touched', () => {
    for (const value of values) {
      const quoted = value.replaceAll(/:(\d{19})(?=[,}])/g, ':"$1"');
      const expected = JSON.parse(quoted) as { ts_ns?: string | bigint; source: { ts_ns?: string | bigint } };
      for (const holder of [expected, expected.source])
        if (holder.ts_ns !== undefined) holder.ts_ns = BigInt(holder.ts_ns);
      expect(decode(value)).toEqual({ before: null, after: null, ...expected });
    }
  });

  test('with an envelope it is the same', () => {
    for (const value of values) {
      expect(decode(`{"schema":{"type":"struct","fields":[]},"payload":${value}}`)).toEqual(decode(value));
    }
  });

  test('nanoseconds in a row, alike, swapped, negative or spaced out are exact', () => {
    const source = (ns: string) => `"source":{"ts_ms":1,"ts_ns":${ns}}`;
    const a = '1795407583000439398';
    const near = '1795407583000439399';
    const cases: [string, unknown, unknown, unknown][] = [
      [`{"op":"c","after":{"ts_ns":5},${source(a)},"ts_ns":${near}}`, 5, BigInt(a), BigInt(near)],
      [`{"op":"c","after":{"ts_ns":${near}},${source(a)},"ts_ns":${a}}`, BigInt(near), BigInt(a), BigInt(a)],
      [`{"op":"c","after":{"ts_ns":${a}},${source('7')},"ts_ns":${near}}`, BigInt(a), 7, BigInt(near)],
      [`{"ts_ns":1111111111111111111,"op":"c","after":{"ts_ns":0},${source(a)}}`, 0, BigInt(a), 1111111111111111111n],
      [`{"op":"c","after":{"ts_ns":0},${source(`-${a}`)},"ts_ns": ${a}}`, 0, -BigInt(a), BigInt(a)],
      [`{"op":"c","after":{"ts_ns":"\\"ts_ns\\":${a}"},${source(a)},"ts_ns":3}`, `"ts_ns":${a}`, BigInt(a), 3],
      [`{"op":"c","after":{"x\\"ts_ns":${a},"ts_ns":1},${source('2')},"ts_ns":3}`, 1, 2, 3],
    ];
    for (const [text, inRow, inSource, outer] of cases) {
      const change = decode(text);
      expect([change.after?.['ts_ns'], change.source.ts_ns, change.ts_ns], text).toEqual([inRow, inSource, outer]);
      expect(decode(encode(change)), text).toEqual(change);
    }
  });

  test('nanoseconds that are no integer but round to one do not take its place', () => {
    const [a, asNumber] = ['1795407583000439398', 1795407583000439398];
    const texts: [string, unknown, unknown, unknown][] = [
      [`{"op":"c","after":{"ts_ns":${a}},"source":{"ts_ms":1,"ts_ns":${a}.0}}`, BigInt(a), asNumber, undefined],
      [
        `{"op":"c","after":{"ts_ns":${a}},"source":{"ts_ms":1},"ts_ns" :1.795407583000439398e18}`,
        BigInt(a),
        undefined,
        asNumber,
      ],
      [`{"op":"c","after":{"ts_ns":${a}},"source":{"ts_ms":1},"ts\\u005fns":${a}.0}`, BigInt(a), undefined, asNumber],
    ];
    for (const [text, inRow, inSource, outer] of texts) {
      const change = decode(text);
      expect([change.after?.['ts_ns'], change.source.ts_ns, change.ts_ns], text).toEqual([inRow, inSource, outer]);
    }
  });

  test('a number beyond 2^53 stays a number beside its nanoseconds', () => {
    const text =
      '{"op":"c","before":null,"after":{"n":2315905467154172000.5},"source":{"ts_ms":1,"ts_ns":1795407583000439398},"ts_ns":1795407583000439399}';
    const change = decode(text);
    expect(change.after).toEqual({ n: 2315905467154172000.5 });
    expect(decode(encode(change))).toEqual(change);
  });

  test('JSON that is no change event is refused', () => {
    const source = '"source":{"ts_ms":1}';
    const wrong = [
      '5',
      'null',
      '[]',
      '{"id":1}',
      `{"op":"x",${source}}`,
      `{"op":"c","after":null,${source}}`,
      `{"op":"u","after":{},"before":5,${source}}`,
      `{"op":"d","after":{},${source}}`,
      `{"op":"t","after":{},${source}}`,
      `{"op":"m",${source}}`,
      '{"op":"c","after":{}}',
      '{"schema":{},"payload":null}',
      '{"op":"c"',
    ];
    for (const text of wrong) {
      expect(() => decode(text), text).toThrow(expect.objectContaining({ code: 'TOPO_DECODE' }) as Error);
      expect(() => encode(text as unknown as Change<Record<string, unknown>>)).toThrow(RecordError);
    }
  });

  test('two filters narrow it to the changes that leave a row', () => {
    const changes: Change<{ status: 'OPEN' | 'CLOSED' }>[] = [];
    const leaving = changes.filter(change => change.after !== null);
    expectTypeOf(leaving.map(change => change.after.status)).toEqualTypeOf<('OPEN' | 'CLOSED')[]>();
    // @ts-expect-error a deleted row has no status
    changes.map(change => change.after.status);
  });
});

describe('a key', () => {
  test('every recorded one encodes to its bytes', () => {
    const keys = recorded.flatMap(({ key }) => (key === null ? [] : [key]));
    expect(keys.length).toBeGreaterThan(30);
    for (const key of keys) {
      const fields = Object.keys(JSON.parse(key) as object) as [string, ...string[]];
      const keySerde = debeziumKey<unknown>(fields);
      expect(Buffer.from(keySerde.encode(keySerde.decode(Buffer.from(key)))).toString()).toBe(key);
    }
  });

  test('of one field is its bare value, of several an object in the given order', () => {
    expect(debeziumKey(['id']).decode(Buffer.from('{"id":"P-1"}'))).toBe('P-1');
    expect(debeziumKey<number>(['id']).decode(Buffer.from('{"id":7}'))).toBe(7);
    expect(debeziumKey<bigint>(['id']).decode(Buffer.from('{"id":9223372036854775807}'))).toBe(9223372036854775807n);
    const composite = debeziumKey<{ code: string; policy_id: number }>(['code', 'policy_id']);
    expect(Buffer.from(composite.encode({ policy_id: 5, code: 'fire' })).toString()).toBe(
      '{"code":"fire","policy_id":5}',
    );
    expect(composite.decode(Buffer.from('{"code":"fire","policy_id":5}'))).toEqual({ code: 'fire', policy_id: 5 });
  });

  test('texts are escaped as Jackson does', () => {
    const written: Record<string, string> = {
      'a"b\\c/d': '"a\\"b\\\\c/d"',
      '\b\t\n\f\r': '"\\b\\t\\n\\f\\r"',
      '\u0000\u001f\u007f': '"\\u0000\\u001F\u007f"',
      'é界\u2028': '"é界\u2028"',
      '🚗': '"\\uD83D\\uDE97"',
      '\\u001f\\n': '"\\\\u001f\\\\n"',
      '\ud83d': '"\\uD83D"',
    };
    const key = debeziumKey(['id']);
    for (const [text, json] of Object.entries(written)) {
      const bytes = key.encode(text);
      expect(Buffer.from(bytes).toString()).toBe(`{"id":${json}}`);
      expect(key.decode(bytes)).toBe(text);
    }
  });

  test('that carries its schema, has other fields or no scalar does not decode', () => {
    const wrong = [
      '{"schema":{"type":"struct"},"payload":{"id":"P-1"}}',
      '{"other":"P-1"}',
      '{"id":"P-1","more":1}',
      '{"id":{}}',
      '"P-1"',
      '{"id":"a"b"}',
      '{"id":"\u0001"}',
      'x',
    ];
    for (const text of wrong) expect(() => debeziumKey(['id']).decode(Buffer.from(text)), text).toThrow(RecordError);
    expect(() => debeziumKey(['id']).decode(Buffer.from(wrong[0]!))).toThrow('key.converter.schemas.enable=false');
  });

  test('a value that Java would write otherwise does not encode', () => {
    for (const value of [1.5, NaN, 2 ** 53, undefined, {}, []]) {
      expect(() => debeziumKey<unknown>(['id']).encode(value)).toThrow(/^id: /);
    }
  });
});

describe('the row after a change', () => {
  const event = (op: string, topic: string) => {
    const found = recorded.find(record => record.topic.endsWith(topic) && record.value?.includes(`"op":"${op}"`));
    return decode(found!.value!);
  };

  test('is there after c, r and u, gone after d, and unknown after m', () => {
    for (const op of ['c', 'r', 'u']) {
      const change = event(op, 'claim_notes');
      expect(toRow(change, () => null)).toEqual(change.after);
    }
    expect(toRow(event('d', 'claim_notes'), () => ({ id: 1 }))).toBeNull();
    expect(toRow(event('m', 'message'), () => ({ id: 1 }))).toBeUndefined();
  });

  test('keeps columns that Debezium left out', () => {
    const changes = recorded
      .filter(({ value }) => value?.includes('__debezium_unavailable_value'))
      .map(({ value }) => decode(value!));
    expect(changes).toHaveLength(2);
    const previous = { id: 0, author: 'before', body: 'long text', tags: ['a', 'b'], doc: '{"k": 1}' };
    const [text, all] = changes.map(change => toRow(change, () => previous));
    expect(text).toMatchObject({ id: 2, author: 'toast', body: 'long text', doc: '{"k": 1.10}' });
    expect(all).toMatchObject({ id: 4, author: 'toast', body: 'long text', tags: ['a', 'b'], doc: '{"k": 1}' });
    expect(toRow(changes[0]!, () => null)).toEqual(changes[0]!.after);
    expect(previous.id).toBe(0);
  });

  test('does not follow from a truncate', () => {
    const truncate = decode('{"op":"t","source":{"ts_ms":1},"ts_ms":2}');
    expect(() => toRow(truncate, () => null)).toThrow(expect.objectContaining({ code: 'TOPO_TRUNCATE' }) as Error);
  });
});
