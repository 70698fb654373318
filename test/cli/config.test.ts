import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import type { TopoConfig } from '../../src/run.ts';
import { expectRefusal, project, SHOUT, topo } from './topo.ts';

const STRICT = SHOUT.replace("topology('shout', t", "topology('shout', { onError: 'stop' }, t");

/** Name, value and origin of each setting, as `--print-config` tells. */
async function settingsOf(cwd: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const printed = await topo(['run', 'shout.ts', '--print-config', ...args], { cwd, env });
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  const rows = printed.stdout
    .trim()
    .split('\n')
    .map(line => line.split(/ {2,}/));
  expect(rows[0]).toEqual(['setting', 'value', 'from']);
  return new Map(rows.slice(1).map(([name, value, from]) => [name, [value, from]]));
}

const config = (text: string): Readonly<Record<string, string>> => ({ 'topo.config.ts': `export default ${text};` });

test('a setting is what the flag says, then the environment, topo.config.ts, the topology, the default', async () => {
  const env = { TOPO_ON_ERROR: 'stop' };
  const onError = async (cwd: string, args: readonly string[] = [], variables = {}) =>
    (await settingsOf(cwd, args, variables)).get('onError');
  const plain = project({ 'shout.ts': SHOUT });
  expect(await onError(plain)).toEqual(['dead-letter', 'default']);
  const strict = project({ 'shout.ts': STRICT });
  expect(await onError(strict)).toEqual(['stop', 'shout.ts']);
  const configured = project({ 'shout.ts': STRICT, ...config(`{ onError: 'dead-letter' }`) });
  expect(await onError(configured)).toEqual(['dead-letter', 'topo.config.ts']);
  expect(await onError(configured, [], env)).toEqual(['stop', 'TOPO_ON_ERROR']);
  expect(await onError(configured, ['--on-error', 'dead-letter'], env)).toEqual(['dead-letter', '--on-error']);
});

test('topo.config.ts may hold every setting there is, and no other is in its type', async () => {
  const all: Required<TopoConfig> = {
    data: 'here',
    sample: 'policies=7',
    partitions: 8,
    onError: 'stop',
    deadLetterLimit: false,
    onDrop: 'dead-letter',
    port: 0,
    host: '::1',
    memory: '96MiB',
    shutdownTimeout: '2 s',
  };
  const cwd = project({ 'shout.ts': SHOUT, ...config(JSON.stringify(all)) });
  const settings = await settingsOf(cwd);
  expect([...settings.keys()].sort()).toEqual(Object.keys(all).sort());
  expect(new Set([...settings.values()].map(([, from]) => from))).toEqual(new Set(['topo.config.ts']));
  expect(Object.fromEntries([...settings].map(([name, [value]]) => [name, value]))).toEqual({
    ...Object.fromEntries(Object.entries(all).map(([name, value]) => [name, String(value)])),
    sample: 'policies=7,years=5,seed=1',
    memory: '96.0 MiB',
    shutdownTimeout: '2000 ms',
  });
});

test('docs/cli.md has every option of topo run, with its variable', () => {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const { options } = createProgram().commands.find(command => command.name() === 'run')!;
  const names = options.flatMap(({ long, envVar }) => [long, envVar]).filter(name => name !== undefined);
  expect(names.filter(name => !page.includes(name))).toEqual([]);
});

test('a switch is turned off by its flag, by its variable, and by false in the file', async () => {
  const cwd = project({ 'shout.ts': SHOUT, ...config('{ sample: true, deadLetterLimit: true }') });
  const settings = await settingsOf(cwd, ['--no-sample'], { TOPO_NO_DEAD_LETTER_LIMIT: '1' });
  expect(settings.get('sample')).toEqual(['false', '--no-sample']);
  expect(settings.get('deadLetterLimit')).toEqual(['false', 'TOPO_NO_DEAD_LETTER_LIMIT']);
});

test('a variable that is empty says nothing, and that of a switch may say no', async () => {
  const cwd = project({ 'shout.ts': SHOUT });
  const env = { TOPO_HOST: '', TOPO_DATA: '', TOPO_PORT: '', TOPO_NO_SAMPLE: '0', TOPO_NO_DEAD_LETTER_LIMIT: 'false' };
  const settings = await settingsOf(cwd, [], env);
  expect([...settings].map(([name, [value]]) => [name, value])).toEqual(
    [...(await settingsOf(cwd))].map(([name, [value]]) => [name, value]),
  );
  for (const [, from] of settings.values()) expect(from).toMatch(/^default/);
});

test.each([
  [['--host', ''], {}, /--host .*takes some text/],
  [['--data', ' '], {}, /--data .*takes some text/],
  [['--shutdown-timeout', '1000h'], {}, /--shutdown-timeout .*up to 24 days/],
  [[], { TOPO_NO_DEAD_LETTER_LIMIT: 'no' }, /TOPO_NO_DEAD_LETTER_LIMIT is 'no': it is 1 or true, 0 or false/],
])('%j with %j is refused', async (args, env, problem) => {
  const cwd = project({ 'shout.ts': SHOUT });
  const refused = await topo(['run', 'shout.ts', '--print-config', ...args], { cwd, env });
  expectRefusal(refused, 'TOPO_USAGE');
  expect(refused.stderr).toMatch(problem);
});

test('what the file says is what happens, and its folder is that of every command', async () => {
  const cwd = project({ 'shout.ts': SHOUT, ...config(`{ data: 'there', partitions: 3 }`) });
  expect(await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  const topics = await topo(['topics', '--json'], { cwd });
  const orders = topics.stdout.split('\n').find(line => line.includes('"orders"'))!;
  expect(JSON.parse(orders)).toMatchObject({ name: 'orders', partitions: 3 });
  expect((await topo(['topics', '--json', '--data', 'there'], { cwd })).stdout).toBe(topics.stdout);
});

describe('a file that cannot be used is refused with what is wrong, before anything runs', () => {
  const cwd = project({ 'shout.ts': SHOUT });
  test.each([
    [`{ partition: 3 }`, /there is no setting 'partition'\. Did you mean partitions\?/],
    [`{ exitWhenIdle: true }`, /there is no setting 'exitWhenIdle'\..*partitions/],
    [`{ partitions: 0 }`, /partitions has a value that it does not take.*from 1 to/],
    [`{ partitions: [3] }`, /partitions takes text or a number/],
    [`{ host: '' }`, /host has a value that it does not take.*some text/],
    [`{ onError: 'ignore' }`, /onError has a value that it does not take.*dead-letter, stop/],
    [`{ sample: 'clients=3' }`, /sample has a value that it does not take.*clients/],
    [`{ deadLetterLimit: 'yes' }`, /deadLetterLimit takes true or false/],
    [`[3]`, /it exports no settings/],
  ])('%s', async (text, problem) => {
    writeFileSync(join(cwd, 'topo.config.ts'), `export default ${text};`);
    const refused = await topo(['run', 'shout.ts'], { cwd });
    expectRefusal(refused, 'TOPO_USAGE');
    expect(refused.stderr).toMatch(/^error TOPO_USAGE: topo\.config\.ts: /);
    expect(refused.stderr).toMatch(problem);
  });

  test('that throws', async () => {
    writeFileSync(join(cwd, 'topo.config.ts'), `throw new Error('no settings today');`);
    const refused = await topo(['run', 'shout.ts'], { cwd });
    expectRefusal(refused, 'TOPO_FILE_FAILED');
    expect(refused.stderr).toMatch(/topo\.config\.ts:1:7 threw while it was loaded: Error: no settings today/);
  });
});
