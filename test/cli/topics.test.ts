import { describe, expect, it } from 'vitest';
import { fillTopic, openFolder } from './fill-topic.ts';
import { expectRefusal, project, SHOUT, temporaryFolder, topo } from './topo.ts';

const json = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>);

describe('topics', () => {
  it('lists records, sizes and configs', async () => {
    const data = temporaryFolder();
    await fillTopic(data, 'orders', 2, [
      { key: 'a', value: 'x'.repeat(2000) },
      { key: 'b', value: 'y', partition: 1 },
      { key: 'a', value: 'z' },
    ]);
    const config = ['--config', 'cleanup.policy=compact', '--config', 'delete.retention.ms=5000'];
    const create = await topo(['topics', 'create', 'rows', '--partitions', '1', ...config, '--data', data]);
    expect(create).toEqual({ code: 0, stdout: 'created rows with 1 partition\n', stderr: '' });
    expect((await topo(['topics', '--data', data])).stdout).toBe(
      'topic   partitions  records  size      config\n' +
        'orders  2           3        2.16 KiB\n' +
        'rows    1           0        0 B       cleanup.policy=compact delete.retention.ms=5000\n',
    );
    const [orders] = json((await topo(['topics', '--json', '--data', data])).stdout);
    expect(orders).toMatchObject({
      name: 'orders',
      partitions: 2,
      records: 3,
      // offsets have gaps: one behind each commit
      ranges: [
        { partition: 0, start: 0, end: 4, records: 2 },
        { partition: 1, start: 0, end: 2, records: 1 },
      ],
      config: {},
    });
  });

  it('create makes a topic with its config, once', async () => {
    const data = temporaryFolder();
    const create = (...args: string[]) => topo(['topics', 'create', 'orders', ...args, '--data', data]);
    expectRefusal(await create('--config', 'retention.hours=5'), 'TOPO_TOPIC_CONFIG');
    expect(await create('--config', 'retention.ms=5')).toMatchObject({ code: 0 });
    expectRefusal(await create(), 'TOPO_TOPIC_CONFLICT');
    expectRefusal(await topo(['topics', 'create', 'no/name', '--data', data]), 'TOPO_NAME_INVALID');
    const listed = json((await topo(['topics', '--json', '--data', data])).stdout);
    expect(listed).toMatchObject([{ name: 'orders', partitions: 4, config: { 'retention.ms': '5' } }]);
  });

  it('alter sets configs and takes them back; the others stay', async () => {
    const data = temporaryFolder();
    await topo([
      'topics',
      'create',
      'orders',
      '--config',
      'retention.ms=5',
      '--config',
      'segment.ms=9',
      '--data',
      data,
    ]);
    const alter = (...args: string[]) => topo(['topics', 'alter', 'orders', ...args, '--data', data]);
    expect(await alter('--config', 'cleanup.policy=compact', '--reset', 'retention.ms')).toMatchObject({
      code: 0,
      stdout: 'altered orders\n',
    });
    const config = { 'segment.ms': '9', 'cleanup.policy': 'compact' };
    expect(json((await topo(['topics', '--json', '--data', data])).stdout)[0]).toMatchObject({ config });
    expectRefusal(await alter('--config', 'cleanup.policy=shrink'), 'TOPO_TOPIC_CONFIG');
    expectRefusal(await alter('--reset', 'retention.ms'), 'TOPO_TOPIC_CONFIG');
    const unknown = await topo(['topics', 'alter', 'order', '--config', 'segment.ms=1', '--data', data]);
    expectRefusal(unknown, 'TOPO_TOPIC_UNKNOWN');
    expect(unknown.stderr).toContain('Did you mean orders?');
  });

  it('delete takes topics away, all or none', async () => {
    const data = temporaryFolder();
    for (const name of ['a', 'b', 'c']) await fillTopic(data, name, 1, [{ key: 'k', value: 'v' }]);
    const remove = (...names: string[]) => topo(['topics', 'delete', ...names, '--data', data]);
    expectRefusal(await remove('a', 'd'), 'TOPO_TOPIC_UNKNOWN');
    expect(await remove('a', 'b')).toEqual({ code: 0, stdout: 'deleted a, b\n', stderr: '' });
    expect(json((await topo(['topics', '--json', '--data', data])).stdout).map(({ name }) => name)).toEqual(['c']);
  });

  it("a topology's own topics are not altered or deleted, and nothing is while a run holds the folder", async () => {
    const cwd = project({ 'shout.ts': SHOUT });
    expect(await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0 });
    const remove = await topo(['topics', 'delete', 'shout-manifest'], { cwd });
    expectRefusal(remove, 'TOPO_TOPIC_CONFLICT');
    expect(remove.stderr).toContain("'shout'");
    const alter = ['topics', 'alter', 'shout-manifest', '--config', 'cleanup.policy=delete'];
    expectRefusal(await topo(alter, { cwd }), 'TOPO_TOPIC_CONFLICT');
    const broker = await openFolder(`${cwd}/.topo`, 'a run');
    const refused = await topo(['topics', 'delete', 'shouted'], { cwd });
    expectRefusal(refused, 'TOPO_FOLDER_LOCKED');
    expect(refused.stderr).toContain('a run');
    await broker.close();
  });
});
