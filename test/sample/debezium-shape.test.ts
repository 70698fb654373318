import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readFeed } from './read-feed.ts';

type Fields = Record<string, unknown>;

/** An update that Debezium 3.7 with JsonConverter wrote, without schemas. */
const recorded = JSON.parse(readFileSync(new URL('./recorded-update.json', import.meta.url), 'utf8')) as Fields;
const records = readFeed({ policies: 500, years: 2, seed: 5, partitions: 4 });

/** Name and type of each field, in order. */
const shape = (fields: Fields): string[] => Object.entries(fields).map(([name, value]) => `${name} ${kind(value)}`);
const kind = (value: unknown): string => (value === null ? 'null' : typeof value);

test('an event has the fields of a recorded one, in its order and of its types', () => {
  const envelope = shape({ ...recorded, before: null, after: null });
  for (const { text, event } of records) {
    if (event === undefined) continue;
    const fields = JSON.parse(text!) as Fields;
    expect(shape({ ...fields, before: null, after: null })).toEqual(envelope);
    expect(shape(fields['source'] as Fields)).toEqual(shape(recorded['source'] as Fields));
    expect([kind(fields['before']), kind(fields['after'])]).toContain('object');
  }
});

test('an event is written as JSON.stringify would: no blanks, no other escapes', () => {
  for (const { event, text } of records) {
    if (event === undefined) continue;
    const written = text!.replace(/"ts_ns":\d{19}/g, '"ts_ns":0');
    expect(JSON.stringify(JSON.parse(written))).toBe(written);
  }
});

test('a time has 13, 16 and 19 digits, all of one moment', () => {
  for (const { event, text } of records) {
    if (event === undefined) continue;
    const times = [...text!.matchAll(/"ts_(ms|us|ns)":(\d+)/g)].map(([, unit, digits]) => ({ unit, digits: digits! }));
    const [sourceMs, sourceUs, sourceNs, ms, us, ns] = times.map(({ digits }) => digits);
    expect(times.map(({ unit }) => unit)).toEqual(['ms', 'us', 'ns', 'ms', 'us', 'ns']);
    expect(sourceNs).toBe(`${sourceUs}000`);
    expect([sourceMs, ms]).toEqual([sourceUs!.slice(0, 13), us!.slice(0, 13)]);
    expect(ns!.slice(0, 16)).toBe(us);
    expect([sourceNs!.length, ns!.length]).toEqual([19, 19]);
  }
});

test('the place in the log is text in the sequence and a number beside it', () => {
  for (const { event } of records) {
    if (event === undefined) continue;
    const { sequence, lsn } = event.source;
    const commitLsn = event.op === 'r' ? null : `${lsn}`;
    expect(JSON.parse(sequence)).toEqual([commitLsn, `${lsn}`]);
  }
});

test('each record carries the context headers of its connector', () => {
  for (const { topic, headers } of records) {
    expect(headers.map(([name]) => name)).toEqual([
      '__debezium.context.connectorLogicalName',
      '__debezium.context.taskId',
      '__debezium.context.connectorName',
      '__debezium.context.runId',
    ]);
    expect(headers.slice(0, 3).map(([, value]) => value)).toEqual([topic.split('.')[0], '0', 'postgresql']);
    expect(headers[3]![1]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('rows have the columns of their table, decimals as strings with two digits, dates as isostring writes them', () => {
  const columns = {
    'policydb.public.policies':
      'id client_id product cover premium_amount payment_frequency bonus_malus address valid_from version',
    'claimsdb.public.claims': 'id policy_id status claimed_amount paid_amount opened_on description version',
  };
  for (const { topic, event } of records) {
    for (const row of [event?.before, event?.after]) {
      if (row === null || row === undefined) continue;
      expect(Object.keys(row).join(' ')).toBe(columns[topic as keyof typeof columns]);
      for (const [name, value] of Object.entries(row)) {
        if (name.endsWith('_amount')) expect(value).toMatch(/^-?\d+\.\d\d$/);
        if (name === 'valid_from' || name === 'opened_on') expect(value).toMatch(/^20[12]\d-[01]\d-[0-3]\dZ$/);
        if (name === 'version' || name === 'bonus_malus') expect(Number.isInteger(value)).toBe(true);
      }
    }
  }
});
