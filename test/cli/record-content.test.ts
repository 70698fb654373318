import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { project, ROOT, startTopo, topo } from './topo.ts';
import type { Result } from './topo.ts';

/** In the key, the value and a header of every record. */
const MARKER = 'never-to-be-seen';

/** Fails in the way that a record says, mostly with an error that quotes it. */
const LEAKY = `
import { count, json, string, topic, topology, tumbling } from 'topo-streams';

interface Order { readonly how: string; readonly text: string; readonly late?: boolean }

const orders = topic('orders', string(), json<Order>());
const shouting = {
  description: { type: 'custom', name: 'shouting' },
  encode: (text: string) => Buffer.from(text),
  decode(bytes: Uint8Array): string { throw new Error('cannot read ' + Buffer.from(bytes).toString()); },
} as const;

export default topology('leaky', t => {
  t.stream(orders)
    .map(order => {
      if (order.how === 'throw') throw new Error('bad order ' + JSON.stringify(order));
      if (order.how === 'cause') throw new TypeError('bad', { cause: new Error(order.text) });
      if (order.how === 'no error') throw order;
      if (order.how === 'parse') JSON.parse(order.text + ' {');
      if (order.how === 'undefined') return undefined as unknown as Order;
      if (order.how === 'encode') return { ...order, [order.text]: NaN };
      if (order.how === 'callback') setTimeout(() => { throw new Error(order.text); });
      if (order.how === 'promise') void Promise.reject(new Error(order.text));
      return order;
    })
    .as(json<Order>())
    .map(order => order, { onError: error => { throw new Error('asked about ' + error.message); } })
    .as(json<Order>())
    .mapAsync('call', async order => {
      if (order.how === 'reject') throw new Error('refused: ' + order.text);
      return order;
    })
    .as(json<Order>())
    .to(topic('out', string(), json<Order>()));
  t.stream(orders)
    .filter(order => order.how === 'policy')
    .map(order => { throw new Error(order.text); }, { onError: error => { throw new Error('asked about ' + error.message); } })
    .as(json<Order>())
    .to(topic('nothing', string(), json<Order>()));
  t.stream(orders)
    .groupByKey()
    .window(tumbling('1 s'))
    .aggregate('counted', { orders: count() });
  t.stream(orders)
    .filter(order => order.how === 'process')
    .process('steps', { forwards: json<Order>(), record(order) { throw new Error(order.text); } });
  t.stream(topic('shouts', string(), shouting)).to(topic('copies', string(), string()));
});
`;

/** Its commits wait for an operator that does not complete. */
const STUCK = `
import { json, string, topic, topology } from 'topo-streams';
import { concatMap, NEVER } from 'rxjs';

const orders = topic('orders', string(), json<{ text: string }>());

export default topology('stuck', t => {
  t.stream(orders)
    .peek(() => console.log('taken'))
    .pipe(() => concatMap(() => NEVER))
    .as(json())
    .to(topic('out', string(), json()));
});
`;

const FUNCTIONS = ['throw', 'cause', 'no error', 'parse', 'reject', 'policy', 'process'];
const RESULTS = ['undefined', 'encode'];

interface Line {
  readonly key: string | null;
  readonly value: unknown;
  readonly headers: object;
  readonly timestamp?: number;
}

const order = (how: string, timestamp?: number): Line => ({
  key: `key of ${MARKER}`,
  value: { how, text: MARKER },
  headers: { note: MARKER },
  ...(timestamp !== undefined && { timestamp }),
});

async function folderWith(topics: Readonly<Record<string, readonly Line[]>>): Promise<string> {
  const cwd = project({ 'leaky.ts': LEAKY });
  for (const [name, lines] of Object.entries(topics)) {
    const input = lines.map(line => JSON.stringify(line)).join('\n');
    const written = await topo(['produce', name, '--create', '--partitions', '1'], { cwd, input });
    expect(written.code).toBe(0);
  }
  return cwd;
}

const output = ({ stdout, stderr }: Pick<Result, 'stdout' | 'stderr'>): string => stdout + stderr;

test('dead letters and drops of every kind: neither log nor metrics hold content, the dead letters do', async () => {
  const now = Date.now();
  const cwd = await folderWith({
    orders: [
      ...[...FUNCTIONS, ...RESULTS].map(how => order(how, now)),
      { key: 'k', value: `no order, but ${MARKER}`, headers: {}, timestamp: now },
      { key: `late ${MARKER}`, value: { how: 'late', text: MARKER }, headers: {}, timestamp: now - 3_600_000 },
      { key: null, value: { how: 'no key', text: MARKER }, headers: {}, timestamp: now },
    ],
    shouts: [order('decode', now)],
  });
  const flags = ['--verbose', '--on-drop', 'dead-letter', '--port', '0'];
  const live = startTopo(['run', 'leaky.ts', ...flags], { cwd });
  const { metrics } = JSON.parse(await live.line(line => line.includes('"started"'))) as { metrics: string };
  await live.line(line => line.includes('"caught up"'));
  const scraped = await (await fetch(metrics)).text();
  const { code, stdout, stderr } = await live.stop('SIGTERM');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as { deadLettered: number; dropped: object };
  expect(last.deadLettered).toBeGreaterThanOrEqual(FUNCTIONS.length + RESULTS.length + 3);
  expect(Object.keys(last.dropped).sort()).toEqual(['late', 'null-key']);
  expect(stdout.split('\n').filter(line => line.includes('"dead letter"'))).toHaveLength(last.deadLettered);
  expect(stdout).not.toContain(MARKER);
  expect(scraped).toContain(
    'topo_records_dead_lettered_total{topology="leaky",step="map",reason="TOPO_USER_FUNCTION"}',
  );
  expect(scraped).not.toContain(MARKER);
  const letters = await topo(['dlq', 'ls'], { cwd });
  expect(letters.stdout).toContain(`bad order`);
  expect(letters.stdout).toContain(MARKER);
});

describe('an error that ends the run says where and what kind, and quotes nothing', () => {
  test.each([...FUNCTIONS, ...RESULTS])('%s', async how => {
    const cwd = await folderWith({ orders: [order(how)] });
    const ended = await topo(['run', 'leaky.ts', '--exit-when-idle', '--on-error', 'stop', '--verbose'], { cwd });
    // the policy of that step is a function, which throws: a dead letter
    expect(ended.code).toBe(how === 'policy' ? 0 : 1);
    expect(output(ended)).not.toContain(MARKER);
    if (how === 'policy') return;
    const [first] = ended.stderr.split('\n');
    expect(first).toMatch(/^error TOPO_STOPPED_BY_POLICY: step '[\w-]+' failed on (partition 0|orders-0 at offset 0) /);
    if (FUNCTIONS.includes(how) && how !== 'no error') expect(first).toMatch(/\(thrown at leaky\.ts:\d+:\d+\)$/);
    expect(ended.stderr).toContain('caused by RecordError');
  });

  test("a serde of the user's that quotes its bytes", async () => {
    const cwd = await folderWith({ shouts: [order('decode')] });
    const ended = await topo(['run', 'leaky.ts', '--exit-when-idle', '--on-error', 'stop', '--verbose'], { cwd });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^error TOPO_STOPPED_BY_POLICY: .*TOPO_DECODE: .*\(thrown at leaky\.ts:\d+:\d+\)$/m);
    expect(output(ended)).not.toContain(MARKER);
  });

  test('so many dead letters that the run stops', async () => {
    const cwd = await folderWith({ orders: Array.from({ length: 120 }, () => order('throw')) });
    const ended = await topo(['run', 'leaky.ts', '--exit-when-idle', '--verbose'], { cwd });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^error TOPO_TOO_MANY_DEAD_LETTERS: /);
    expect(output(ended)).not.toContain(MARKER);
  });

  test.each(['callback', 'promise'])('a %s that nobody waits for', async how => {
    const cwd = await folderWith({ orders: [order(how)] });
    const ended = await topo(['run', 'leaky.ts', '--verbose'], { cwd });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^error TOPO_USER_FUNCTION: leaky\.ts:\d+:\d+ threw where no step waits for it/);
    expect(output(ended)).not.toContain(MARKER);
  });

  test('a run that does not close in time', async () => {
    const cwd = project({ 'stuck.ts': STUCK });
    symlinkSync(join(ROOT, 'node_modules/rxjs'), join(cwd, 'node_modules/rxjs'), 'junction');
    const input = JSON.stringify(order('any'));
    await topo(['produce', 'orders', '--create', '--partitions', '1'], { cwd, input });
    const live = startTopo(['run', 'stuck.ts', '--shutdown-timeout', '100ms', '--verbose'], { cwd });
    await live.line(line => line === 'taken');
    const ended = await live.stop('SIGTERM');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^error TOPO_SHUTDOWN_TIMEOUT: 'stuck' did not close within 0\.1 s/);
    expect(output(ended)).not.toContain(MARKER);
  });
});
