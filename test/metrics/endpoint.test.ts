import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, filter } from 'rxjs';
import { afterAll, afterEach, expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { json, string, topic, topology } from '../../src/index.ts';
import { Endpoint } from '../../src/metrics/endpoint.ts';
import { run } from '../../src/run.ts';
import type { Running, RunOptions } from '../../src/run.ts';
import type { NewRecord } from '../topic-records.ts';
import { writeTopic } from '../topic-records.ts';
import { parseExposition, sampleOf } from './exposition.ts';

interface Order {
  readonly text: string;
}

const orders = topic('orders', string(), json<Order>());

/** Shouts, and counts by key; an order without text throws. */
const shout = (name: string) =>
  topology(name, t => {
    t.stream(orders)
      .map(order => ({ text: order.text.toUpperCase() }))
      .as(json<Order>())
      .groupByKey()
      .count('counted')
      .to(topic('counts', string(), json<number>()));
  });

const folders: string[] = [];
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop().catch(() => {});
});
afterAll(() => folders.forEach(folder => rmSync(folder, { recursive: true, force: true })));

async function folderWith(partitions: number, records: readonly NewRecord[]): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'topo-metrics-'));
  folders.push(data);
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(data, 'log')) });
  await broker.createTopics([{ name: 'orders', partitions, config: {} }]);
  await writeTopic(broker, 'orders', records);
  await broker.close();
  return data;
}

async function started(running: Promise<Running>): Promise<Running> {
  open.push(await running);
  return running;
}

async function endpointFor(...topologies: readonly string[]): Promise<Endpoint> {
  const endpoint = await Endpoint.open({ host: '127.0.0.1', port: 0, topologies });
  open.push({ stop: () => endpoint.close() });
  return endpoint;
}

const order = (key: string, value: string | null, timestamp = Date.now()): NewRecord => ({ key, value, timestamp });
const scrape = async (endpoint: Endpoint) => parseExposition(await (await fetch(`${endpoint.url}/metrics`)).text());

/** A run of `shout`, caught up, and its endpoint. */
async function shown(options: RunOptions = {}, ...records: readonly NewRecord[]) {
  const data = await folderWith(2, records);
  const running = await started(run(shout('shout'), { data, ...options }));
  const endpoint = await endpointFor('shout');
  endpoint.started(running);
  await running.idle();
  return { running, endpoint };
}

test('records in, out, dead-lettered and dropped, per step and reason, are those of the figures', async () => {
  const { running, endpoint } = await shown(
    {},
    order('a', '{"text":"x"}'),
    order('a', '{"text":"y"}'),
    order('b', '{}'),
    order('c', 'no json'),
    order('d', null),
  );
  const families = await scrape(endpoint);
  const of = (name: string, step: string, labels = {}) =>
    sampleOf(families, name, { topology: 'shout', step, ...labels });
  for (const { step, in: read, out } of running.figures().steps) {
    expect(of('topo_records_in_total', step)).toBe(read);
    expect(of('topo_records_out_total', step)).toBe(out);
  }
  expect(of('topo_records_out_total', 'counts')).toBe(2);
  expect(of('topo_records_dead_lettered_total', 'map', { reason: 'TOPO_USER_FUNCTION' })).toBe(1);
  expect(of('topo_records_dead_lettered_total', 'orders', { reason: 'TOPO_DECODE' })).toBe(1);
  expect(of('topo_records_dropped_total', 'values', { reason: 'tombstone' })).toBe(1);
});

test('every latency is counted: a unit, a commit, a record from its timestamp to its commit', async () => {
  const hourAgo = Date.now() - 3_700_000;
  const { running, endpoint } = await shown({}, order('a', '{"text":"x"}', hourAgo), order('a', '{"text":"y"}'));
  const families = await scrape(endpoint);
  const count = (name: string, labels = {}) => sampleOf(families, `${name}_count`, labels);
  expect(count('topo_processing_duration_seconds')).toBe(running.figures().in);
  expect(count('topo_commit_duration_seconds')).toBeGreaterThan(0);
  expect(count('topo_end_to_end_latency_seconds', { topic: 'orders' })).toBe(2);
  const within = (le: string) => sampleOf(families, 'topo_end_to_end_latency_seconds_bucket', { topic: 'orders', le });
  expect(within('3600')).toBe(1);
  expect(within('+Inf')).toBe(2);
});

test('a record without a time has no age: neither as a latency nor as lag', async () => {
  const strict = topology('strict', t =>
    t
      .stream(orders, { onError: { retry: { times: 1, backoff: '1 h' } } })
      .to(topic('strict.out', string(), json<Order>())),
  );
  const records = [order('a', '{"text":"x"}'), order('a', '{"text":"y"}', -1)];
  const running = await started(run(strict, { data: await folderWith(1, records) }));
  await firstValueFrom(running.lag$.pipe(filter(([one]) => one!.committed === 1)));
  expect(await running.lag()).toMatchObject([{ lag: 1, lagMs: 0 }]);
  await running.stop();

  const { endpoint } = await shown({}, order('a', '{"text":"x"}', -1));
  const families = await scrape(endpoint);
  expect(sampleOf(families, 'topo_records_dead_lettered_total', { reason: 'TOPO_TIMESTAMP_INVALID' })).toBe(1);
  expect(families.get('topo_end_to_end_latency_seconds')!.samples).toEqual([]);
});

test('what a call holds back is lag, in records and in the age of the first of them', async () => {
  const minuteAgo = Date.now() - 60_000;
  const records = Array.from({ length: 1000 }, (_, n) => order('a', `{"text":"${n}"}`, minuteAgo));
  let release = () => {};
  const held = new Promise<void>(resolve => (release = resolve));
  const calling = topology('calling', t =>
    t
      .stream(orders)
      .mapAsync('call', one => held.then(() => one), { concurrency: 1, order: 'partition' })
      .as(json<Order>())
      .to(topic('called', string(), json<Order>())),
  );
  const running = await started(run(calling, { data: await folderWith(1, records) }));
  const endpoint = await endpointFor('calling');
  endpoint.started(running);
  const [first] = await firstValueFrom(running.lag$.pipe(filter(([one]) => one!.committed > 0)));
  const { committed } = first!;
  const place = { topology: 'calling', topic: 'orders', partition: '0' };
  const before = await scrape(endpoint);
  expect(sampleOf(before, 'topo_lag_records', place)).toBe(1000 - committed);
  expect(sampleOf(before, 'topo_lag_seconds', place)).toBeGreaterThanOrEqual(60);
  expect(sampleOf(before, 'topo_lag_seconds', place)).toBeLessThan(120);
  release();
  await running.idle();
  const after = await scrape(endpoint);
  expect(sampleOf(after, 'topo_lag_records', place)).toBe(0);
  expect(sampleOf(after, 'topo_lag_seconds', place)).toBe(0);
});

test('stores, state and log have sizes, and caches hits and misses', async () => {
  const { endpoint } = await shown(
    {},
    order('a', '{"text":"x"}'),
    order('b', '{"text":"x"}'),
    order('a', '{"text":"x"}'),
  );
  const families = await scrape(endpoint);
  const store = { topology: 'shout', store: 'counted' };
  expect(sampleOf(families, 'topo_store_cache_misses_total', store)).toBe(2);
  expect(sampleOf(families, 'topo_store_cache_hits_total', store)).toBeLessThanOrEqual(1);
  expect(sampleOf(families, 'topo_store_cache_bytes', store)).toBeGreaterThan(0);
  expect(sampleOf(families, 'topo_store_bytes', store)).toBeGreaterThanOrEqual(0);
  expect(sampleOf(families, 'topo_state_bytes')).toBeGreaterThan(0);
  expect(sampleOf(families, 'topo_log_bytes')).toBeGreaterThan(0);
});

test('several topologies of one process are told apart, and it is ready only while all of them run', async () => {
  const endpoint = await endpointFor('one', 'two');
  const ready = async () => {
    const { status } = await fetch(`${endpoint.url}/readyz`);
    return status;
  };
  const runOf = async (name: string) =>
    started(run(shout(name), { data: await folderWith(1, [order('a', '{"text":"x"}')]) }));
  expect(await ready()).toBe(503);
  const one = await runOf('one');
  endpoint.started(one);
  expect(await ready()).toBe(503);
  const two = await runOf('two');
  endpoint.started(two);
  expect(await ready()).toBe(200);
  await Promise.all([one.idle(), two.idle()]);
  const families = await scrape(endpoint);
  for (const name of ['one', 'two'])
    expect(sampleOf(families, 'topo_records_in_total', { topology: name, step: 'orders' })).toBe(1);
  await one.stop();
  expect(await ready()).toBe(503);
  const left = await scrape(endpoint);
  expect(new Set(left.get('topo_records_in_total')!.samples.map(({ labels }) => labels['topology']))).toEqual(
    new Set(['two']),
  );
});

test('/healthz answers from the start, other paths and methods are refused', async () => {
  const endpoint = await endpointFor('shout');
  const answer = async (path: string, method = 'GET') => {
    const response = await fetch(endpoint.url + path, { method });
    return [response.status, await response.text()];
  };
  expect(await answer('/healthz')).toEqual([200, 'ok\n']);
  expect(await answer('/readyz')).toEqual([503, 'not ready: shout\n']);
  expect(await answer('/healthz?verbose=1', 'HEAD')).toEqual([200, '']);
  expect((await answer('/other'))[0]).toBe(404);
  expect((await answer('/metrics', 'POST'))[0]).toBe(405);
  expect(parseExposition((await answer('/metrics'))[1] as string).size).toBeGreaterThan(10);
});

test('a port that another process has is refused with its number', async () => {
  const other = createServer();
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const opened = Endpoint.open({ host: '127.0.0.1', port, topologies: [] });
  await expect(opened).rejects.toMatchObject({ code: 'TOPO_PORT_UNUSABLE' });
  await expect(opened).rejects.toThrow(new RegExp(`port ${port} on 127\\.0\\.0\\.1 .*EADDRINUSE`));
  other.close();
});

test('docs/metrics.md lists every metric of a scrape with its type and its labels, and no other', async () => {
  const { endpoint } = await shown({}, order('a', '{"text":"x"}'), order('b', '{}'), order('c', null));
  const families = await scrape(endpoint);
  const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(topo_\w+)` \| (\w+) \|([^|]*)\| ([^|]+) \|$/gm)];
  const documented = rows.map(([, name, type, labels]) => [
    name,
    type,
    labels!.trim().split(', ').filter(Boolean).sort(),
  ]);
  const exposed = [...families].flatMap(([name, { type, samples }]) => {
    const labels = new Set(samples.flatMap(sample => Object.keys(sample.labels)));
    labels.delete('le');
    return name.startsWith('topo_') ? [[name, type, [...labels].sort()]] : [];
  });
  expect(documented.sort()).toEqual(exposed.sort());
  for (const [, name, , , meaning] of rows) expect(`${meaning}.`).toContain(families.get(name!)!.help);
  const others = [...families.keys()].filter(name => !name.startsWith('topo_'));
  for (const name of others) expect(text).toContain(`\`${name}\``);
});
