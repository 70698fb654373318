import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fillTopic, openFolder } from './fill-topic.ts';
import { CLI, expectRefusal, project, SHOUT, temporaryFolder, topo } from './topo.ts';

const imports = `import { json, string, topic, topology } from 'topo-streams';\n`;

describe('a command that is wrong', () => {
  it.each([
    [[], 'no command was given'],
    [['rn'], 'did you mean run?'],
    [['run', 'a.ts', '--exit-when-idel'], 'did you mean --exit-when-idle?'],
    [['run'], "missing required argument 'files'"],
    [['run', 'a.ts', '--partitions', 'many'], 'whole number from 1 to 10000'],
    [['run', 'a.ts', '--on-error', 'ignore'], 'dead-letter, stop'],
    [['run', 'a.ts', '--shutdown-timeout', 'soon'], 'a duration such as 20s'],
    [['run', 'a.ts', '--sample', 'policy=3'], "no option 'policy'"],
    [['describe', 'a.ts', '--json', '--mermaid'], 'cannot be used with'],
    [['tail', 'orders', '--from', 'yesterday'], 'earliest'],
    [['tail', 'orders', '-n', '-1'], 'whole number'],
    [['tail', 'orders', '--from', '2026-13-01'], 'a time such as'],
    [['topics', 'creat', 'orders'], 'create'],
    [['topics', 'create', 'orders', '--config', 'retention.ms'], 'name=value'],
    [['topics', 'alter', 'orders'], 'nothing to change'],
    [['produce', 'orders', '--key', 'a'], '--key goes with --raw'],
    [['dlq'], 'needs a command behind it'],
    [['dlq', 'show', 'seven'], '<partition>:<offset>'],
  ])('%j is refused and says what to do', async (args, words) => {
    const { code, stderr, stdout } = await topo(args, { cwd: project({}) });
    const error = stderr.slice(stderr.lastIndexOf('error TOPO_'));
    expectRefusal({ code, stdout, stderr: error }, 'TOPO_USAGE');
    expect(error).toContain(words);
    // a bare command gets its help with it
    if (error !== stderr) expect(stderr).toContain('Usage: topo');
  });

  it('a wrong value in an environment variable is refused by its name', async () => {
    const result = await topo(['run', 'a.ts'], { env: { TOPO_PARTITIONS: 'x' } });
    expectRefusal(result, 'TOPO_USAGE');
    expect(result.stderr).toContain('TOPO_PARTITIONS');
  });
});

describe('a topology file that cannot be used', () => {
  it.each([
    ['is missing', 'nope.ts', '', 'TOPO_FILE_NOT_FOUND', 'there is no file nope.ts'],
    ['is no code', 'a.txt', 'hello', 'TOPO_FILE_FAILED', '.ts, .mts, .js, .mjs'],
    [
      'has a syntax error',
      'a.ts',
      'const a: number = 1;\nconst b = = 2;',
      'TOPO_FILE_FAILED',
      'a.ts:2:11 has a syntax error',
    ],
    [
      'has a syntax error in JavaScript',
      'a.mjs',
      '\n\nconst b = = 2;',
      'TOPO_FILE_FAILED',
      'a.mjs:3:11 has a syntax error',
    ],
    [
      'throws',
      'a.ts',
      'type A = 1;\n\nthrow new Error("no database");',
      'TOPO_FILE_FAILED',
      'a.ts:3:7 threw while it was loaded: Error: no database',
    ],
    ['imports what is not there', 'a.ts', 'import "./b.ts";', 'TOPO_FILE_FAILED', 'Check the path of the import'],
    ['imports a package that is not there', 'a.ts', 'import "left-right";', 'TOPO_FILE_FAILED', 'npm install'],
    [
      'imports a name that is not there',
      'a.ts',
      'import { strin } from "topo-streams";\nstrin();',
      'TOPO_FILE_FAILED',
      "a.ts:1:10 has a syntax error: The requested module 'topo-streams' does not provide an export named 'strin'",
    ],
    ['exports no topology', 'a.ts', 'export default 7;', 'TOPO_NO_TOPOLOGY', 'a.ts exports no topology'],
    [
      'exports several',
      'a.ts',
      `${imports}const make = (name: string) => topology(name, t => { t.stream(topic('x', string(), string())).to(topic('y', string(), string())); });\nexport const a = make('a'), b = make('b');`,
      'TOPO_NO_TOPOLOGY',
      '(a, b)',
    ],
  ] as const)('one that %s', async (_, file, text, code, words) => {
    const cwd = project(text === '' ? {} : { [file]: text });
    const result = await topo(['run', file], { cwd });
    expectRefusal(result, code);
    expect(result.stderr).toContain(words);
  });

  it('two steps with one name are refused with the place of the second', async () => {
    const text = `${imports}
export default topology('twice', t => {
  const words = t.stream(topic('words', string(), string()));
  words.groupByKey().count('same');
  words.groupByKey().count('same');
});`;
    const result = await topo(['describe', 'a.ts'], { cwd: project({ 'a.ts': text }) });
    expectRefusal(result, 'TOPO_NAME_TAKEN');
    expect(result.stderr).toMatch(/same.*a\.ts:6/);
  });

  it('a join across different partition counts is refused', async () => {
    const text = `${imports}
const left = topic('left', string(), string(), { partitions: 2 });
const right = topic('right', string(), string(), { partitions: 3 });
export default topology('uneven', t => {
  t.stream(left).join('both', t.table('rights', right), (a, b) => a + b).to(topic('out', string(), string()));
});`;
    const result = await topo(['run', 'a.ts', '--exit-when-idle'], { cwd: project({ 'a.ts': text }) });
    expectRefusal(result, 'TOPO_PARTITIONS_DIFFER');
  });

  it('a start that does not fit the manifest is refused', async () => {
    const text = (serde: string) => `${imports}
export default topology('counts', t => {
  t.stream(topic('words', string(), ${serde})).groupByKey().count('by-word').toStream().to(topic('out', string(), json<number>()));
});`;
    const cwd = project({ 'a.ts': text('string()'), 'b.ts': text('json<string>()') });
    expect(await topo(['run', 'a.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    const result = await topo(['run', 'b.ts', '--exit-when-idle'], { cwd });
    expectRefusal(result, 'TOPO_MANIFEST_MISMATCH');
    expect(result.stderr).toContain('words');
  });

  it('its stack is shown with --verbose', async () => {
    const result = await topo(['run', 'a.ts', '--verbose'], {
      cwd: project({ 'a.ts': 'throw new Error("no database");' }),
    });
    expect(result.stderr).toMatch(/caused by Error: no database\n\s+at .*a\.ts/);
  });
});

describe('a data folder that cannot be used', () => {
  it('a second run is told who holds it', async () => {
    const cwd = project({ 'shout.ts': SHOUT });
    const broker = await openFolder(join(cwd, '.topo'), 'claims-enriched');
    try {
      for (const args of [
        ['run', 'shout.ts'],
        ['produce', 'orders'],
      ]) {
        const result = await topo(args, { cwd });
        expectRefusal(result, 'TOPO_FOLDER_LOCKED');
        expect(result.stderr).toContain('claims-enriched');
      }
    } finally {
      await broker.close();
    }
  });

  it('one that cannot be made', async () => {
    const cwd = project({ 'shout.ts': SHOUT, taken: 'a file' });
    expectRefusal(await topo(['run', 'shout.ts', '--data', 'taken/data'], { cwd }), 'TOPO_FOLDER_UNUSABLE');
  });

  it('one without data', async () => {
    for (const args of [['topics'], ['tail', 'orders'], ['dlq', 'ls']])
      expectRefusal(await topo([...args, '--data', 'nowhere'], { cwd: project({}) }), 'TOPO_FOLDER_UNUSABLE');
  });

  it('an unknown topic is answered with those that are near', async () => {
    const data = temporaryFolder();
    await fillTopic(data, 'claims.enriched', 1, []);
    for (const command of ['tail', 'produce']) {
      const result = await topo([command, 'claim.enrichd', '--data', data]);
      expectRefusal(result, 'TOPO_TOPIC_UNKNOWN');
      expect(result.stderr).toContain('Did you mean claims.enriched?');
    }
  });

  it('a damaged log is refused, and the missing offsets are named; --accept-loss goes on, and tells what is lost', async () => {
    const cwd = project({ 'shout.ts': SHOUT });
    await fillTopic(
      join(cwd, '.topo'),
      'orders',
      1,
      [1, 2, 3].map(i => ({ key: `${i}`, value: `{"text":"${'x'.repeat(500)}"}` })),
    );
    const log = join(cwd, '.topo/log');
    const segment = readdirSync(log)
      .map(name => join(log, name))
      .filter(path => statSync(path).isFile())
      .sort((a, b) => statSync(b).size - statSync(a).size)[0]!;
    const at = readFileSync(segment).indexOf('xxxx') + 100;
    writeSync(openSync(segment, 'r+'), '!', at);
    const result = await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd });
    expectRefusal(result, 'TOPO_LOG_DAMAGED');
    expect(result.stderr).toMatch(/Missing offsets: orders-0 0–1\..* `topo run --accept-loss` goes on/);
    const accepted = await topo(['run', 'shout.ts', '--exit-when-idle', '--accept-loss'], { cwd });
    expect(accepted).toMatchObject({ code: 0, stderr: '' });
    // of the frame that is bad only one batch is
    const told = accepted.stdout.split('\n').filter(line => line.includes('"warn"'));
    expect(told.map(line => JSON.parse(line) as object)).toMatchObject([
      {
        code: 'TOPO_LOG_DAMAGED',
        path: segment.slice(cwd.length + 1),
        kept: `${segment.slice(cwd.length + 1)}.damaged`,
      },
      { topic: 'orders', partition: 0, from: 0, to: 0, offsets: 1, msg: 'these offsets are lost' },
      { files: 1, commits: 0, partitions: 1, offsets: 1 },
    ]);
    const input = JSON.stringify({ key: 'k', value: { text: 'later' } });
    expect(await topo(['produce', 'orders'], { cwd, input })).toMatchObject({ code: 0 });
    expect(await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await topo(['tail', 'shouted', '--json'], { cwd });
    expect(stdout).toMatch(/"text":"X{500}"[^]*"text":"LATER"/);
  });

  it.skipIf(process.platform === 'win32')(
    'a disk that takes no more stops the run, and nothing is half committed',
    async () => {
      const cwd = project({ 'shout.ts': SHOUT });
      const lines = Array.from({ length: 2000 }, (_, i) =>
        JSON.stringify({ key: `${i}`, value: { text: 'x'.repeat(500) } }),
      );
      writeFileSync(join(cwd, 'lines'), lines.join('\n'));
      expect(await topo(['produce', 'orders', '--create'], { cwd, input: lines.join('\n') })).toMatchObject({
        code: 0,
      });
      const { size } = statSync(
        join(
          cwd,
          '.topo/log',
          readdirSync(join(cwd, '.topo/log')).find(name => /\d/.test(name))!,
        ),
      );
      // no file may grow beyond this many blocks of 1 KiB, as on a disk that is full
      const limit = Math.floor(size / 1024) + 200;
      const command = `ulimit -f ${limit * 2} 2>/dev/null; exec "$@"`;
      const child = spawn(
        'sh',
        ['-c', command, 'sh', process.execPath, ...CLI, 'run', 'shout.ts', '--exit-when-idle'],
        { cwd },
      );
      let stderr = '';
      child.stderr.on('data', chunk => (stderr += String(chunk)));
      child.stdout.resume();
      const [code] = (await once(child, 'close')) as [number];
      expectRefusal({ code, stderr, stdout: '' }, 'TOPO_DISK');
      expect(await topo(['run', 'shout.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0 });
      const { stdout } = await topo(['tail', 'shouted', '--from', 'earliest', '--json'], { cwd });
      expect(
        new Set(
          stdout
            .trim()
            .split('\n')
            .map(line => (JSON.parse(line) as { key: string }).key),
        ).size,
      ).toBe(2000);
      expect(stdout.trim().split('\n')).toHaveLength(2000);
    },
  );
});
