import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, project, SHOUT, topo } from './topo.ts';

const cwd = project({
  'shout.ts': SHOUT,
  'other.ts': SHOUT.replace("'shout'", "'other'").replace("'shouted'", "'others'"),
});

beforeAll(async () => {
  const input = [
    { key: 'good', value: { text: 'a' }, timestamp: 1000 },
    { key: 'bad', value: {}, timestamp: 2000, headers: { trace: 'abc' } },
    { key: 'raw', value: { base64: '/wA=' }, timestamp: 3000 },
  ];
  const lines = input.map(line => JSON.stringify(line)).join('\n');
  await topo(['produce', 'orders', '--create', '--partitions', '1'], { cwd, input: lines });
  expect(await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0, stderr: '' });
});

describe('dlq', () => {
  it('ls prints a line a dead letter', async () => {
    const { stdout } = await topo(['dlq', 'ls'], { cwd });
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^0:0 +1970-01-01 00:00:02.000  map  TOPO_USER_FUNCTION  orders-0@1  bad  .*step 'map' threw/,
    );
    expect(lines[1]).toMatch(/^0:1 +1970-01-01 00:00:03.000  \S+  TOPO_DECODE  orders-0@2  raw  .*decode/);
  });

  it('ls --json prints an object a line', async () => {
    const { stdout } = await topo(['dlq', 'ls', 'shout', '--json'], { cwd });
    expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({
      topic: 'shout.dead-letters',
      partition: 0,
      offset: 0,
      timestamp: 2000,
      step: 'map',
      code: 'TOPO_USER_FUNCTION',
      source: { topic: 'orders', partition: 0, offset: 1 },
      key: 'bad',
    });
  });

  it('show prints what happened and the record as it came', async () => {
    const { stdout } = await topo(['dlq', 'show', '0:0'], { cwd });
    expect(stdout).toContain('step       map\n  code       TOPO_USER_FUNCTION');
    expect(stdout).toContain('value  2 bytes\n    {}');
    expect(stdout).toContain('header trace  3 bytes\n    abc');
    expect(stdout).toMatch(/exception {2}TypeError/);
    expect(stdout).toMatch(/stack trace.*\n {4}TypeError/);
  });

  it('show prints bytes that are no text as a hex dump', async () => {
    const { stdout } = await topo(['dlq', 'show', 'shout', '0:1'], { cwd });
    expect(stdout).toMatch(/value {2}2 bytes\n {4}00000000 {2}ff 00 +\|\.\.\|/);
    const { stdout: json } = await topo(['dlq', 'show', '0:1', '--json'], { cwd });
    expect(JSON.parse(json)).toMatchObject({ key: 'raw', value: { base64: '/wA=' }, headers: {}, code: 'TOPO_DECODE' });
  });

  it('what is not there is refused', async () => {
    expectRefusal(await topo(['dlq', 'show', '0:7'], { cwd }), 'TOPO_INPUT_INVALID');
    expectRefusal(await topo(['dlq', 'show', '3:0'], { cwd }), 'TOPO_INPUT_INVALID');
    const unknown = await topo(['dlq', 'ls', 'shot'], { cwd });
    expectRefusal(unknown, 'TOPO_TOPIC_UNKNOWN');
    expect(unknown.stderr).toContain('Did you mean shout?');
  });

  it('what came from no topic by itself, such as the result of a call, has no source', async () => {
    const calling = SHOUT.replace('.map(order => (', ".mapAsync('call', async order => (");
    const cwd = project({ 'calling.ts': calling });
    await topo(['produce', 'orders', '--create'], { cwd, input: '{"key":"bad","value":{}}' });
    expect(await topo(['run', 'calling.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    expect((await topo(['dlq', 'ls'], { cwd })).stdout).toMatch(/ {2}call {2}TOPO_USER_FUNCTION {2}- {2}bad {2}/);
    const { stdout } = await topo(['dlq', 'ls', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ step: 'call', source: null, attempt: 1 });
  });

  it('where several topologies ran, one has to be named', async () => {
    expect(await topo(['run', 'other.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    const result = await topo(['dlq', 'ls'], { cwd });
    expectRefusal(result, 'TOPO_USAGE');
    expect(result.stderr).toContain('shout, other');
  });
});
