import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectRefusal, project, SHOUT, startTopo, topo } from './topo.ts';

/** Reads what `shout` writes; writes `counted`. */
const COUNT = `
import { json, string, topic, topology } from 'topo-streams';

const shouted = topic('shouted', string(), json<{ text: string }>());

export default topology('count', t => {
  t.stream(shouted)
    .map(order => ({ length: order.text.length }))
    .to(topic('counted', string(), json<{ length: number }>()));
});
`;

const orders = (...texts: (string | null)[]) =>
  texts.map((text, i) => JSON.stringify({ key: `o${i}`, value: text === null ? {} : { text } })).join('\n');

interface LogLine {
  readonly msg: string;
  readonly topology: string;
  readonly in?: number;
}

const logged = (stdout: string): LogLine[] =>
  stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as LogLine);

const values = async (cwd: string, name: string) =>
  (await topo(['tail', name, '--json'], { cwd })).stdout
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { value: unknown }).value);

async function withOrders(...texts: (string | null)[]): Promise<string> {
  const cwd = project({ 'shout.ts': SHOUT, 'count.ts': COUNT, 'again.ts': SHOUT });
  await topo(['produce', 'orders', '--create', '--partitions', '1'], { cwd, input: orders(...texts) });
  return cwd;
}

describe('run with several files', () => {
  it.each([
    ['shout.ts', 'count.ts'],
    ['count.ts', 'shout.ts'],
  ])('%s %s run in one process, and are idle when neither has anything to do', async (...files) => {
    const cwd = await withOrders('a', 'bcd');
    const { code, stdout, stderr } = await topo(['run', ...files, '--exit-when-idle'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const ends = logged(stdout).filter(({ msg }) => msg === 'stopped, everything committed');
    expect(ends.map(({ topology }) => topology).sort()).toEqual(['count', 'shout']);
    expect(ends.map(line => line.in)).toEqual([2, 2]);
    expect(await values(cwd, 'counted')).toEqual([{ length: 1 }, { length: 3 }]);
  });

  it('one that fails stops alone, and says so at once; the exit code at the end is 1', async () => {
    const cwd = await withOrders('a', null);
    const live = startTopo(['run', 'count.ts', 'shout.ts', '--on-error', 'stop'], { cwd });
    await live.line(line => line.includes('"ended by an error"'));
    // the other one goes on
    const add = '{"level":';
    await live.line(line => line.startsWith(add) && line.includes('"count"') && line.includes('"caught up"'));
    expect(live.child.exitCode).toBeNull();
    const { code, stdout, stderr } = await live.stop('SIGTERM');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error TOPO_\w+: [^\n]+\n$/);
    expect(logged(stdout).at(-1)).toMatchObject({ msg: 'stopped, everything committed', topology: 'count', in: 1 });
    expect(await values(cwd, 'counted')).toEqual([{ length: 1 }]);
  });

  it('one that does not start leaves the others running', async () => {
    const cwd = await withOrders('a');
    await topo(['topics', 'create', 'shouted', '--partitions', '3'], { cwd });
    const refused = SHOUT.replace(
      "topic('shouted', string(), json<Order>())",
      "topic('shouted', string(), json<Order>(), { partitions: 2 })",
    );
    const other = project({ 'shout.ts': refused, 'count.ts': COUNT });
    const args = ['run', 'shout.ts', 'count.ts', '--exit-when-idle', '--data', join(cwd, '.topo')];
    const { code, stdout, stderr } = await topo(args, { cwd: other });
    expectRefusal({ code, stdout, stderr }, 'TOPO_TOPIC_CONFLICT');
    expect(logged(stdout).at(-1)).toMatchObject({ msg: 'stopped, everything committed', topology: 'count' });
  });

  it('a file that does not load keeps all from starting, and so do two topologies of one name', async () => {
    const cwd = project({ 'shout.ts': SHOUT, 'again.ts': SHOUT });
    expectRefusal(await topo(['run', 'shout.ts', 'none.ts'], { cwd }), 'TOPO_FILE_NOT_FOUND');
    expectRefusal(await topo(['run', 'shout.ts', 'again.ts'], { cwd }), 'TOPO_NAME_TAKEN');
    expect(existsSync(join(cwd, '.topo'))).toBe(false);
  });

  it('a second run on the folder is refused, naming the first one and what runs in it', async () => {
    const cwd = await withOrders('a');
    const live = startTopo(['run', 'shout.ts', 'count.ts'], { cwd });
    await live.line(line => line.includes('"caught up"'));
    const second = await topo(['run', 'again.ts'], { cwd });
    expect(second.stderr).toMatch(
      new RegExp(`^error TOPO_FOLDER_LOCKED: .*in use by process ${live.child.pid} .*, running shout, count\\.`),
    );
    expect(second.code).toBe(1);
    expect((await live.stop('SIGTERM')).code).toBe(0);
  });
});
