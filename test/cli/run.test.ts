import { describe, expect, it } from 'vitest';
import { project, SHOUT, startTopo, topo } from './topo.ts';

const orders = (texts: readonly (string | null)[]) =>
  texts.map((text, i) => JSON.stringify({ key: `o${i}`, value: text === null ? {} : { text } })).join('\n');

interface LogLine {
  readonly msg: string;
  readonly in?: number;
  readonly out?: number;
  readonly deadLettered?: number;
}

const logged = (stdout: string): LogLine[] =>
  stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as LogLine);

async function withOrders(texts: readonly (string | null)[]): Promise<string> {
  const cwd = project({ 'shout.ts': SHOUT });
  const written = await topo(['produce', 'orders', '--create', '--partitions', '2'], { cwd, input: orders(texts) });
  expect(written).toMatchObject({ code: 0, stderr: '' });
  return cwd;
}

describe('run', () => {
  it('--exit-when-idle ends with 0 once everything is committed, and tells it as lines of JSON', async () => {
    const cwd = await withOrders(['a', null, 'b']);
    const { code, stdout, stderr } = await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = logged(stdout);
    expect(lines.find(({ msg }) => msg === 'created topics')).toMatchObject({
      topology: 'shout',
      created: ['shouted', 'shout.dead-letters', 'shout-manifest'],
    });
    expect(lines.at(-1)).toMatchObject({
      msg: 'stopped, everything committed',
      in: 3,
      out: 2,
      deadLettered: 1,
      lag: 0,
      isIdle: true,
    });
    const { stdout: tailed } = await topo(['tail', 'shouted', '--json'], { cwd });
    expect(
      tailed
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as { value: unknown }).value),
    ).toEqual([{ text: 'A' }, { text: 'B' }]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('%s commits, closes and ends with 0', async signal => {
    const cwd = await withOrders(['a', 'b']);
    const live = startTopo(['run', 'shout.ts'], { cwd });
    await live.line(line => line.includes('"caught up"'));
    const { code, stdout, stderr } = await live.stop(signal);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(logged(stdout).at(-1)).toMatchObject({ msg: 'stopped, everything committed', in: 2, out: 2 });
    const again = await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd });
    expect(logged(again.stdout).at(-1)).toMatchObject({ in: 0, out: 0 });
  });

  it('while it runs, its topics can be read, and a second run is refused by its name', async () => {
    const cwd = await withOrders(['a']);
    const live = startTopo(['run', 'shout.ts'], { cwd });
    await live.line(line => line.includes('"caught up"'));
    expect((await topo(['tail', 'shouted'], { cwd })).stdout).toContain('{"text":"A"}');
    const refused = await topo(['run', 'shout.ts'], { cwd });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^error TOPO_FOLDER_LOCKED: .*shout/);
    await live.stop('SIGTERM');
  });

  it('--on-error stop ends it with 1 at the first record that fails', async () => {
    const cwd = await withOrders(['a', null]);
    const { code, stderr } = await topo(['run', 'shout.ts', '--exit-when-idle', '--on-error', 'stop'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error TOPO_\w+: [^\n]+\n$/);
  });

  it('a file of a CommonJS package shares this package with the command', async () => {
    const cwd = project({ 'shout.ts': SHOUT }, { type: 'commonjs' });
    await topo(['produce', 'orders', '--create'], { cwd, input: '{"key":"a","value":"{no json"}' });
    const { code } = await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd });
    expect(code).toBe(0);
    // a second copy's decoding errors would be taken for the user's
    expect((await topo(['dlq', 'ls'], { cwd })).stdout).toContain('TOPO_DECODE');
  });

  it('the data folder is the flag, then TOPO_DATA, then .topo', async () => {
    const cwd = await withOrders(['a']);
    const input = orders(['b']);
    expect(await topo(['produce', 'orders', '--create'], { cwd, input, env: { TOPO_DATA: 'other' } })).toMatchObject({
      code: 0,
    });
    const read = async (args: string[], env = {}) => (await topo(['tail', 'orders', ...args], { cwd, env })).stdout;
    expect(await read([])).toContain('"a"');
    expect(await read([], { TOPO_DATA: 'other' })).toContain('"b"');
    expect(await read(['--data', '.topo'], { TOPO_DATA: 'other' })).toContain('"a"');
  });
});

describe('describe', () => {
  it('prints text, Mermaid and JSON', async () => {
    const cwd = project({ 'shout.ts': SHOUT });
    const text = await topo(['describe', 'shout.ts'], { cwd });
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toContain('orders ─▶ map ─▶ shouted');
    expect((await topo(['describe', 'shout.ts', '--mermaid'], { cwd })).stdout).toMatch(/^(flowchart|graph) /m);
    expect(JSON.parse((await topo(['describe', 'shout.ts', '--json'], { cwd })).stdout)).toMatchObject({
      name: 'shout',
    });
  });
});
