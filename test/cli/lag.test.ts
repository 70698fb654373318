import { expect, test } from 'vitest';
import { durationText } from '../../src/cli/duration-text.ts';
import { expectRefusal, project, SHOUT, startTopo, topo } from './topo.ts';

const TOTALS = `
import { json, string, topic, topology } from 'topo-streams';

export default topology('totals', t => {
  t.stream(topic('orders', string(), json<{ text: string }>()))
    .groupBy('by-text', order => order.text, string())
    .count('counted')
    .to(topic('counts', string(), json<number>()));
});
`;

const minuteAgo = () => Date.now() - 60_000;

/** All of one key, so of one partition. */
async function produce(cwd: string, count: number): Promise<void> {
  const line = JSON.stringify({ key: 'o', value: { text: 'a' }, timestamp: minuteAgo() });
  const input = Array.from({ length: count }, () => line).join('\n');
  await topo(['produce', 'orders', '--create', '--partitions', '2'], { cwd, input });
}

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly end: number;
  readonly lag: number;
  readonly lagMs: number;
}

async function lagOf(cwd: string, file: string): Promise<Row[]> {
  const { code, stdout, stderr } = await topo(['lag', file, '--json'], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Row);
}

const ofFullPartition = (rows: readonly Row[]): Row => rows.find(({ end }) => end > 0)!;

test('before the first run everything lags, and nothing is committed', async () => {
  const cwd = project({ 'shout.ts': SHOUT });
  await produce(cwd, 3);
  const rows = await lagOf(cwd, 'shout.ts');
  expect(rows.map(({ topic, partition }) => `${topic}-${partition}`)).toEqual(['orders-0', 'orders-1']);
  const row = ofFullPartition(rows);
  expect(row).toMatchObject({ committed: null, end: 3, lag: 3 });
  expect(row.lagMs).toBeGreaterThanOrEqual(60_000);
  expect(rows.find(({ end }) => end === 0)).toMatchObject({ committed: null, lag: 0, lagMs: 0 });
});

test('while nothing runs: what came since the last commit, with the age of its first record', async () => {
  const cwd = project({ 'shout.ts': SHOUT });
  await produce(cwd, 3);
  await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd });
  expect(ofFullPartition(await lagOf(cwd, 'shout.ts'))).toMatchObject({ committed: 3, end: 3, lag: 0, lagMs: 0 });
  await produce(cwd, 2);
  const row = ofFullPartition(await lagOf(cwd, 'shout.ts'));
  expect(row).toMatchObject({ committed: 3, end: 5, lag: 2 });
  expect(row.lagMs).toBeGreaterThanOrEqual(60_000);
  const { stdout } = await topo(['lag', 'shout.ts'], { cwd });
  expect(stdout).toMatch(/^topic +partition +committed +end +lag +oldest\n/);
  expect(stdout).toMatch(/^orders +\d +3 +5 +2 +\d+ min/m);
  expect(stdout).toMatch(/^orders +\d +(0|-) +0 +0 +-$/m);
});

test('while another process runs it, repartitions included', async () => {
  const cwd = project({ 'totals.ts': TOTALS });
  await produce(cwd, 4);
  const live = startTopo(['run', 'totals.ts'], { cwd });
  await live.line(line => line.includes('"caught up"'));
  const rows = await lagOf(cwd, 'totals.ts');
  expect(new Set(rows.map(({ topic }) => topic))).toEqual(new Set(['orders', 'totals-by-text-repartition']));
  for (const row of rows.filter(({ end }) => end > 0)) expect(row).toMatchObject({ committed: 4, end: 4, lag: 0 });
  await live.stop('SIGTERM');
});

test('a topic that is not there is refused by its name', async () => {
  const cwd = project({ 'shout.ts': SHOUT });
  await topo(['produce', 'order', '--create'], { cwd, input: '{"key":"a","value":"b"}' });
  const refused = await topo(['lag', 'shout.ts'], { cwd });
  expectRefusal(refused, 'TOPO_TOPIC_UNKNOWN');
  expect(refused.stderr).toContain('Did you mean order?');
});

test.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [2350, '2.3 s'],
  [59_999, '59.9 s'],
  [200_000, '3 min 20 s'],
  [7_200_000, '2 h'],
  [100 * 86_400_000 + 3_600_000, '100 d 1 h'],
])('%d ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
