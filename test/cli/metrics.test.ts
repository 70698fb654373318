import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { parseExposition, sampleOf } from '../metrics/exposition.ts';
import { expectRefusal, project, SHOUT, startTopo, topo } from './topo.ts';

async function withOrders(): Promise<string> {
  const cwd = project({ 'shout.ts': SHOUT });
  const input = ['{"text":"a"}', '{}', '{"text":"b"}'].map((value, i) => `{"key":"o${i}","value":${value}}`).join('\n');
  await topo(['produce', 'orders', '--create', '--partitions', '2'], { cwd, input });
  return cwd;
}

test('--port serves the metrics of the run, by default on 127.0.0.1 only', async () => {
  const cwd = await withOrders();
  const live = startTopo(['run', 'shout.ts', '--port', '0'], { cwd });
  const { metrics } = JSON.parse(await live.line(line => line.includes('"started"'))) as { metrics: string };
  expect(metrics).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  await live.line(line => line.includes('"caught up"'));
  const response = await fetch(metrics);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const families = parseExposition(await response.text());
  const of = (name: string, labels = {}) => sampleOf(families, name, { topology: 'shout', ...labels });
  expect(of('topo_records_in_total', { step: 'orders' })).toBe(3);
  expect(of('topo_records_out_total', { step: 'shouted' })).toBe(2);
  expect(of('topo_records_dead_lettered_total', { step: 'map', reason: 'TOPO_USER_FUNCTION' })).toBe(1);
  const ready = await fetch(new URL('/readyz', metrics));
  expect([ready.status, await ready.text()]).toEqual([200, 'ready\n']);
  expect(await live.stop('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
});

test('the port may come from TOPO_PORT; one that is taken is refused before anything runs', async () => {
  const cwd = await withOrders();
  const other = createServer();
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const refused = await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd, env: { TOPO_PORT: String(port) } });
  other.close();
  expectRefusal(refused, 'TOPO_PORT_UNUSABLE');
  expect((await topo(['topics'], { cwd })).stdout).not.toContain('shouted');
});
