import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectRefusal, project, SHOUT, startTopo, topo } from './topo.ts';
import type { LiveTopo } from './topo.ts';

const lines = (...values: unknown[]): string => values.map(value => JSON.stringify(value)).join('\n');
const order = (key: string, text: string) => ({ key, value: { text } });

/** A run of `shout` on the default folder of a project of its own. */
async function running(cwd = project({ 'shout.ts': SHOUT })): Promise<{ cwd: string; socket: string; run: LiveTopo }> {
  const run = startTopo(['run', 'shout.ts'], { cwd });
  await run.line(line => line.includes('"started"'));
  return { cwd, socket: join(cwd, '.topo/log/produce.sock'), run };
}

/** Follows a topic until its n-th record. */
async function followed(cwd: string, topic: string, count: number): Promise<unknown[]> {
  const tail = startTopo(['tail', topic, '--from', 'earliest', '--follow', '--json'], { cwd });
  const found = new Map<string, unknown>();
  await tail.line(line => {
    const { partition, offset, value } = JSON.parse(line) as Record<string, unknown>;
    found.set(`${String(partition)}@${String(offset)}`, value);
    return found.size === count;
  });
  await tail.stop('SIGINT');
  return [...found.values()];
}

describe('produce into a folder that a run holds', { timeout: 60_000 }, () => {
  it('writes through that run, which takes the records at once', async () => {
    const { cwd, socket, run } = await running();
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const produced = await topo(['produce', 'orders'], { cwd, input: lines(order('a', 'one'), order('b', 'two')) });
    expect(produced).toEqual({ code: 0, stdout: '2 records written to orders\n', stderr: '' });
    expect(await followed(cwd, 'shouted', 2)).toEqual(expect.arrayContaining([{ text: 'ONE' }, { text: 'TWO' }]));
    expect(await run.stop('SIGTERM')).toMatchObject({ code: 0 });
    expect(existsSync(socket)).toBe(false);
  });

  it('refuses and creates as it does without a run, with the same words', async () => {
    const { cwd, run } = await running();
    const attempts: [args: string[], input: string][] = [
      [['produce', 'nowhere'], lines(order('a', 'x'))],
      [['produce', 'shout-manifest'], lines(order('a', 'x'))],
      [['produce', 'orders'], '{"value":'],
      [['produce', 'orders'], lines({ value: { text: 'x' }, timestamp: Date.now() + 7_200_000 })],
      [['produce', 'orders'], lines({ value: { text: 'x'.repeat(1_100_000) } })],
      [['produce', 'no name', '--create'], lines(order('a', 'x'))],
    ];
    const whileRunning = [];
    for (const [args, input] of attempts) whileRunning.push(await topo(args, { cwd, input }));
    const created = await topo(['produce', 'fresh', '--create', '--partitions', '2'], {
      cwd,
      input: lines({ key: 'k', value: 'v' }),
    });
    expect(created).toEqual({ code: 0, stdout: '1 record written to fresh\n', stderr: '' });
    expect((await topo(['tail', 'fresh'], { cwd })).stdout).toContain('v');
    await run.stop('SIGTERM');
    const stamps = /\d{13}|\d+ ms/g;
    for (const [i, [args, input]] of attempts.entries()) {
      const alone = await topo(args, { cwd, input });
      expect(alone.code).toBeGreaterThan(0);
      expect(whileRunning[i]!.stderr.replace(stamps, '')).toBe(alone.stderr.replace(stamps, ''));
      expect(whileRunning[i]!.code).toBe(alone.code);
    }
  });

  it('takes megabytes, several clients at once, each of them whole', async () => {
    const { cwd, run } = await running();
    const text = 'x'.repeat(100_000);
    const clients = ['a', 'b', 'c'].map(client =>
      topo(['produce', 'blobs', '--create', '--partitions', '1'], {
        cwd,
        input: lines(...Array.from({ length: 100 }, () => ({ key: client, value: text }))),
      }),
    );
    const results = await Promise.all(clients);
    const written = results.filter(({ code }) => code === 0);
    // all see that there is no topic, one makes it
    for (const result of results.filter(({ code }) => code !== 0)) expectRefusal(result, 'TOPO_TOPIC_CONFLICT');
    expect(written.length).toBeGreaterThan(0);
    const more = await Promise.all(
      ['d', 'e'].map(client =>
        topo(['produce', 'blobs'], {
          cwd,
          input: lines(...Array.from({ length: 100 }, () => ({ key: client, value: text }))),
        }),
      ),
    );
    expect(more.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const { stdout } = await topo(['tail', 'blobs', '--from', 'earliest', '--json'], { cwd });
    const keys = stdout
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { key: string }).key);
    // one commit each: nobody's records lie between another's
    const runs = keys.filter((key, i) => key !== keys[i - 1]);
    expect(runs.length).toBe(written.length + 2);
    expect(keys.length).toBe(runs.length * 100);
    await run.stop('SIGTERM');
  });

  it('a client that dies in the middle leaves nothing, and keeps nobody', async () => {
    const { cwd, socket, run } = await running();
    const client = connect({ path: relative(process.cwd(), socket) });
    await once(client, 'connect');
    const json = Buffer.from(
      JSON.stringify({ version: 1, append: [{ topic: 'orders', partition: 0, batches: [100_000] }] }),
    );
    const head = Buffer.alloc(8);
    head.writeUInt32BE(json.length, 0);
    head.writeUInt32BE(100_000, 4);
    client.write(Buffer.concat([head, json, Buffer.alloc(50_000)]));
    const produced = topo(['produce', 'orders'], { cwd, input: lines(order('a', 'later')) });
    client.destroy();
    expect(await produced).toMatchObject({ code: 0, stderr: '' });
    expect(await followed(cwd, 'shouted', 1)).toEqual([{ text: 'LATER' }]);
    expect(await run.stop('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('bytes that are no batch are refused by the run, which goes on', async () => {
    const { cwd, socket, run } = await running();
    const client = connect({ path: relative(process.cwd(), socket) });
    const json = Buffer.from(
      JSON.stringify({ version: 1, append: [{ topic: 'orders', partition: 0, batches: [100] }] }),
    );
    const head = Buffer.alloc(8);
    head.writeUInt32BE(json.length, 0);
    head.writeUInt32BE(100, 4);
    client.write(Buffer.concat([head, json, Buffer.alloc(100)]));
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(JSON.parse(answer.subarray(8).toString())).toMatchObject({ error: { code: 'TOPO_INTERNAL' } });
    client.destroy();
    expect(await topo(['produce', 'orders'], { cwd, input: lines(order('a', 'x')) })).toMatchObject({ code: 0 });
    await run.stop('SIGTERM');
  });

  it('what a killed run leaves is in nobody’s way', async () => {
    const { cwd, socket, run } = await running();
    await run.stop('SIGKILL');
    expect(existsSync(socket)).toBe(true);
    const alone = await topo(['produce', 'orders'], { cwd, input: lines(order('a', 'alone')) });
    expect(alone).toMatchObject({ code: 0, stderr: '' });
    const next = await running(cwd);
    expect(await topo(['produce', 'orders'], { cwd, input: lines(order('a', 'again')) })).toMatchObject({ code: 0 });
    expect(await followed(cwd, 'shouted', 2)).toEqual([{ text: 'ALONE' }, { text: 'AGAIN' }]);
    await next.run.stop('SIGTERM');
    expect(readdirSync(join(cwd, '.topo/log')).filter(name => name.endsWith('.sock'))).toEqual([]);
  });

  it('a folder whose path is too long for a socket has it elsewhere', async () => {
    const cwd = project({ 'shout.ts': SHOUT });
    const data = join('x'.repeat(100), 'y'.repeat(100));
    const run = startTopo(['run', 'shout.ts', '--data', data], { cwd });
    await run.line(line => line.includes('"started"'));
    const produced = await topo(['produce', 'orders', '--data', data], { cwd, input: lines(order('a', 'far')) });
    expect(produced).toMatchObject({ code: 0, stderr: '' });
    await run.stop('SIGTERM');
  });
});
