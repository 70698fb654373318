import { expect, test } from 'vitest';
import { insuranceFeed } from '../../src/sample/insurance-feed.ts';
import { partitionOf } from '../../src/records/murmur2.ts';
import { claimEvent, digest, policyEvent, readFeed } from './read-feed.ts';
import type { Seen } from './read-feed.ts';

const options = { policies: 2_000, years: 3, seed: 7, partitions: 4 };
const records = readFeed(options);
const { snapshotRecords } = insuranceFeed(options);

test('the same options make the same bytes', () => {
  expect(digest(insuranceFeed(options))).toBe(digest(insuranceFeed(options)));
});

test('another seed makes other bytes', () => {
  expect(digest(insuranceFeed({ ...options, seed: 8 }))).not.toBe(digest(insuranceFeed(options)));
});

test('the bytes of this version of the feed stay what they are (if they must change, raise FEED_VERSION)', () => {
  expect(digest(insuranceFeed({ policies: 50, years: 2, seed: 1, partitions: 4 }))).toBe(
    'e0fd28fb6f09d3b976a244649e73417120ae24c2887d61dc366f22f31ec12f03',
  );
});

test('more years continue the same feed', () => {
  const longer = insuranceFeed({ ...options, years: 4 });
  for (const record of records) {
    const next = longer.next()!;
    expect(Buffer.from(next.key).toString()).toBe(record.key);
    expect(next.timestamp).toBe(record.timestamp);
  }
});

test('a feed that skips to any position goes on with the same bytes', () => {
  for (let at = 0; at <= records.length; at += 997) {
    const feed = insuranceFeed(options);
    expect(feed.skipTo(at)).toBe(true);
    const next = feed.next();
    const expected = records[at];
    expect(next?.value === null ? null : next?.value && Buffer.from(next.value).toString('hex')).toBe(
      expected?.bytes === null ? null : expected?.bytes.toString('hex'),
    );
    expect(next && Buffer.from(next.key).toString()).toBe(expected?.key);
  }
  const half = insuranceFeed(options);
  half.skipTo(snapshotRecords + 1);
  const whole = insuranceFeed(options);
  for (let i = 0; i <= snapshotRecords; i++) whole.next();
  expect(digest(half)).toBe(digest(whole));
});

test('a position behind the end is not reached', () => {
  const feed = insuranceFeed(options);
  expect(feed.skipTo(records.length + 1)).toBe(false);
  expect(feed.position).toBe(records.length);
});

test('timestamps never go back, over both topics together', () => {
  for (let i = 1; i < records.length; i++) {
    expect(records[i]!.timestamp).toBeGreaterThanOrEqual(records[i - 1]!.timestamp);
  }
  expect(records[0]!.timestamp).toBeGreaterThanOrEqual(Date.UTC(2021, 0, 1));
  expect(records.at(-1)!.timestamp).toBeLessThan(Date.UTC(2024, 0, 1, 0, 1));
  expect(records.at(-1)!.timestamp).toBeGreaterThan(Date.UTC(2023, 11, 25));
});

test('a record is captured a little after its change was committed', () => {
  for (const { event, timestamp } of records.slice(snapshotRecords)) {
    if (event === undefined) continue;
    expect(event.ts_ms).toBe(timestamp);
    expect(timestamp - event.source.ts_ms).toBeGreaterThanOrEqual(19);
    expect(timestamp - event.source.ts_ms).toBeLessThan(1000);
  }
});

test('the snapshot comes first, first to last in each table, and nothing after it is a read', () => {
  const marks = (seen: Seen[]): string[] => seen.map(({ event }) => event!.source.snapshot);
  const snapshot = records.slice(0, snapshotRecords);
  expect(snapshot.every(({ event }) => event?.op === 'r' && event.before === null)).toBe(true);
  expect(snapshot.every(({ event }) => event?.source.ts_ms === Date.UTC(2021, 0, 1))).toBe(true);
  const policies = snapshot.filter(seen => policyEvent(seen));
  const claims = snapshot.filter(seen => claimEvent(seen));
  expect(policies).toHaveLength(2_000);
  expect(claims.length).toBeGreaterThan(200);
  for (const table of [policies, claims]) {
    expect(marks(table)).toEqual(['first', ...Array<string>(table.length - 2).fill('true'), 'last']);
  }
  for (const { event } of records.slice(snapshotRecords)) {
    if (event !== undefined) expect([event.op, event.source.snapshot]).not.toContain('r');
    if (event !== undefined) expect(event.source.snapshot).toBe('false');
  }
});

test('before is what the last event of the row left behind, and the version rises by one', () => {
  const rows = new Map<string, { version: number }>();
  for (const { key, event } of records) {
    if (event === undefined) continue;
    expect(event.before).toEqual(event.op === 'r' || event.op === 'c' ? null : rows.get(key));
    if (event.after === null) rows.delete(key);
    else {
      expect(key).toBe(`{"id":"${event.after.id}"}`);
      if (event.op !== 'r') expect(event.after.version).toBe((rows.get(key)?.version ?? 0) + 1);
      rows.set(key, event.after);
    }
  }
});

test('a row that was deleted never comes back, and a change is never without an effect', () => {
  const deleted = new Set<string>();
  for (const { key, event } of records) {
    if (event === undefined) continue;
    expect(deleted).not.toContain(key);
    if (event.op === 'd') deleted.add(key);
    if (event.op === 'u') expect({ ...event.after, version: event.before!.version }).not.toEqual(event.before);
  }
});

test('a tombstone with the same key follows each delete, and stands nowhere else', () => {
  let deletes = 0;
  records.forEach((record, i) => {
    const previous = records[i - 1];
    expect(record.text === null).toBe(previous?.event?.op === 'd');
    if (record.text !== null) return;
    deletes++;
    expect([record.topic, record.key, record.timestamp]).toEqual([previous!.topic, previous!.key, previous!.timestamp]);
  });
  expect(deletes).toBeGreaterThan(20);
});

test('the partition is that of the key', () => {
  for (const { key, partition } of records) expect(partition).toBe(partitionOf(Buffer.from(key), options.partitions));
  expect(new Set(records.map(({ partition }) => partition)).size).toBe(4);
});

test('the log sequence number of a table rises with each change', () => {
  for (const table of ['policies', 'claims']) {
    const lsns = records.flatMap(({ event }) => (event?.source.table === table ? [event] : []));
    for (let i = 1; i < lsns.length; i++) {
      const rise = lsns[i]!.source.lsn - lsns[i - 1]!.source.lsn;
      if (lsns[i]!.op === 'r') expect(rise).toBe(0);
      else expect(rise).toBeGreaterThan(0);
    }
  }
});

test('poison is no JSON in any reading, and never the last record of a row', () => {
  const many = readFeed({ policies: 6_000, years: 5, seed: 3, partitions: 2 });
  const changes = many.filter(({ event }) => event !== undefined && event.op !== 'r').length;
  const poison = many.filter(({ event, text }) => event === undefined && text !== null);
  expect(poison.length / changes).toBeGreaterThan(0.0003);
  expect(poison.length / changes).toBeLessThan(0.002);
  expect(new Set(poison.map(({ topic }) => topic)).size).toBe(2);
  const lastOfKey = new Map(many.map(record => [record.key, record]));
  const keysWithRows = new Set(many.flatMap(({ key, event }) => (event === undefined ? [] : [key])));
  const ofRows = poison.filter(({ key }) => keysWithRows.has(key));
  expect(ofRows.length).toBeGreaterThan(0);
  expect(ofRows.length).toBeLessThan(poison.length);
  for (const { bytes, key } of poison) {
    for (const encoding of ['utf8', 'latin1'] as const) expect(() => JSON.parse(bytes!.toString(encoding))).toThrow();
    if (keysWithRows.has(key)) expect(poison).not.toContain(lastOfKey.get(key));
  }
  expect(poison.some(({ bytes }) => bytes![0] === 0xff)).toBe(true);
});

test('the smallest feed works', () => {
  const one = readFeed({ policies: 1, years: 1, seed: 0, partitions: 1 });
  expect(one[0]!.key).toBe('{"id":"P-000001"}');
});
