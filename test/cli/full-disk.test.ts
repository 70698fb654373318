import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { expectRefusal, project, topo } from './topo.ts';

/** Each order again, and how many there were of each key. */
const COUNTED = `
import { json, string, topic, topology } from 'topo-streams';

interface Order { readonly text: string }

export default topology('counted', t => {
  const orders = t.stream(topic('orders', string(), json<Order>()));
  orders.to(topic('copies', string(), json<Order>()));
  orders.groupByKey().count('orders-by-key').to(topic('counts', string(), json<number>()));
});
`;
const ORDERS = 6000;
const input = Array.from({ length: ORDERS }, (_, n) =>
  JSON.stringify({ key: `k-${n % 50}`, value: { text: `${n} ${'x'.repeat(200)}` }, timestamp: 1_700_000_000_000 + n }),
).join('\n');

async function recordsOf(cwd: string, data: string, name: string): Promise<string[]> {
  const { stdout } = await topo(['tail', name, '--from', 'earliest', '--json', '--data', data], { cwd });
  return stdout.trim().split('\n').sort();
}

it(
  'a full disk ends the run and loses nothing: with room it goes on, to what an undisturbed run has',
  { timeout: 300_000 },
  async context => {
    const cwd = project({ 'counted.ts': COUNTED });
    const small = join(cwd, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small], { stdio: 'pipe' });
    } catch (error) {
      return context.skip(`a tmpfs cannot be mounted here: ${(error as Error).message.trim()}`);
    }
    onTestFinished(() => void execFileSync('umount', [small]));
    const run = ['run', 'counted.ts', '--exit-when-idle', '--data'];
    const [full, undisturbed] = [join(small, 'data'), join(cwd, 'undisturbed')];
    for (const data of [full, undisturbed])
      expect(await topo(['produce', 'orders', '--create', '--data', data], { cwd, input })).toMatchObject({ code: 0 });
    expect(await topo([...run, undisturbed], { cwd })).toMatchObject({ code: 0 });

    const stopped = await topo([...run, full], { cwd });
    expectRefusal(stopped, 'TOPO_DISK');
    expect(stopped.stderr).toMatch(/small\/data\/.*(the disk is full \(ENOSPC\)|No space left on device)/);
    expect(stopped.stderr).toContain('Make room');
    execFileSync('mount', ['-o', 'remount,size=64m', small]);
    expect(await topo([...run, full], { cwd })).toMatchObject({ code: 0 });
    for (const name of ['orders', 'copies', 'counts'])
      expect(await recordsOf(cwd, full, name)).toEqual(await recordsOf(cwd, undisturbed, name));
  },
);
