import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONSTANT_MIB } from '../../bench/memory.ts';
import { defaultMemory } from '../../src/adapters/machine-memory.ts';
import { sizeText } from '../../src/cli/size-text.ts';
import { sizeBytes } from '../../src/cli/values.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import { memoryShares, processShares } from '../../src/runtime/memory.ts';
import { openFolder } from './fill-topic.ts';
import { expectRefusal, project, SHOUT, topo } from './topo.ts';

const MiB = 1024 * 1024;
const PARTITIONS = 4;
const BUDGET_MIB = 48;
const RECORDS = 250_000;
/** What a cache counts for an entry besides key and value. */
const ENTRY_BYTES = 200;

/** Each change is read, kept and handed on. At its end it tells the most that was resident. */
const LATEST = `
import { readFileSync, writeFileSync } from 'node:fs';
import { string, topic, topology } from 'topo-streams';

process.on('exit', () => writeFileSync('peak', /^VmHWM:.*$/m.exec(readFileSync('/proc/self/status', 'utf8'))![0]));

export default topology('latest', t => {
  t.table('rows', topic('in', string(), string())).toStream().to(topic('out', string(), string()));
});
`;

const takers = { tasks: PARTITIONS, inputs: PARTITIONS, states: PARTITIONS, stores: PARTITIONS };
const value =
  'a row of about a hundred bytes, as they are in many a table: a name, an address, an amount and its currency';
const keyOf = (index: number) => `key-${String(index).padStart(7, '0')}`;

/** Writes records of so many keys, in no order, a commit each 10,000. */
async function fill(data: string, keys: number): Promise<void> {
  const broker = await openFolder(data);
  await broker.createTopics([{ name: 'in', partitions: PARTITIONS, config: {} }]);
  const nothing = async () => {};
  const listener = { assigned: nothing, revoked: nothing, lost: nothing };
  const membership = await broker.join('test', [{ id: 'fill', inputs: [] }], listener);
  const writer = await membership.open('fill');
  const batches = Array.from({ length: PARTITIONS }, () => new BatchWriter(1_000_000, 150_000));
  for (let i = 1; i <= RECORDS; i++) {
    const key = (i * 7919) % keys;
    batches[key % PARTITIONS]!.append(i, Buffer.from(keyOf(key)), Buffer.from(value));
    if (i % 10_000 > 0) continue;
    const appends = batches.map((batch, partition) => ({ topic: 'in', partition, batches: batch.finish() }));
    await writer.commit({ appends, offsets: [] });
  }
  await membership.leave();
  await broker.close();
}

test.runIf(process.platform === 'linux')(
  'a process over a backlog with state of four times its caches stays within its budget and the constant',
  { timeout: 300_000 },
  async () => {
    const { cacheBytes } = memoryShares(processShares(BUDGET_MIB * MiB).topologiesBytes, takers);
    const keys = Math.ceil((4 * PARTITIONS * cacheBytes) / (ENTRY_BYTES + keyOf(0).length + value.length));
    expect(keys).toBeLessThan(RECORDS);
    const cwd = project({ 'latest.ts': LATEST });
    await fill(join(cwd, '.topo'), keys);
    const args = ['run', 'latest.ts', '--exit-when-idle', '--memory', `${BUDGET_MIB}MiB`];
    const { code, stdout, stderr } = await topo(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as { readonly in: number };
    expect(last.in).toBe(RECORDS);
    const [kib] = /\d+/.exec(readFileSync(join(cwd, 'peak'), 'utf8'))!;
    expect(Number(kib) / 1024).toBeLessThan(BUDGET_MIB + CONSTANT_MIB);
  },
);

describe('a size', () => {
  test.each([
    ['512MiB', 512 * MiB],
    ['1.5 GiB', 1536 * MiB],
    ['2GB', 2e9],
    [' 96 KiB ', 96 * 1024],
    ['134217728', 128 * MiB],
    ['0.5B', 1],
  ])('%s', (text, bytes) => expect(sizeBytes(text)).toBe(bytes));

  test.each(['plenty', '512Mib', '512 mb', '-1MiB', '1,5GiB', '1e9', '', 'MiB', '1constructor'])('"%s" is none', text =>
    expect(() => sizeBytes(text)).toThrow('It takes a size such as'),
  );
});

describe('--memory', () => {
  const cwd = project({ 'shout.ts': SHOUT });
  const printed = async (args: readonly string[], env = {}) => {
    const { stdout } = await topo(['run', 'shout.ts', '--print-config', ...args], { cwd, env });
    return stdout.split('\n').find(line => line.startsWith('memory '))?.split(/ {2,}/); // prettier-ignore
  };

  test('is a quarter of the machine or the container where nobody says anything, and --print-config says of which', async () => {
    const { bytes, of } = defaultMemory();
    expect(await printed([])).toEqual(['memory', sizeText(bytes), `default: ${of}`]);
  });

  test('is no more than V8 lets its heap have, unless somebody says more', async () => {
    const env = { NODE_OPTIONS: '--max-old-space-size=96' };
    const [, size, from] = (await printed([], env))!;
    expect(from).toBe("default: V8's limit for its heap");
    // its young generation counts too: 192 MiB on Node 24
    expect(Number(/^(\d+)(?:\.\d+)? MiB$/.exec(size!)?.[1])).toBeLessThan(512);
    expect(await printed(['--memory', '4GiB'], env)).toEqual(['memory', '4.00 GiB', '--memory']);
  });

  test('is what the flag says, else what the environment says', async () => {
    expect(await printed(['--memory', '1.5GiB'], { TOPO_MEMORY: '96MiB' })).toEqual(['memory', '1.50 GiB', '--memory']);
    expect(await printed([], { TOPO_MEMORY: '96MiB' })).toEqual(['memory', '96.0 MiB', 'TOPO_MEMORY']);
  });

  test('of a bad text is refused', async () => {
    const refused = await topo(['run', 'shout.ts', '--memory', 'plenty'], { cwd });
    expectRefusal(refused, 'TOPO_USAGE');
    expect(refused.stderr).toContain('It takes a size such as 512MiB, 1.5GiB or 2GB.');
  });

  test('that is too small for the tasks is warned of, with the least that does', async () => {
    const { code, stdout } = await topo(['run', 'shout.ts', '--exit-when-idle', '--memory', '1MiB'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/"level":"warn".*a memory budget of 1\.00 MiB is too small.*needs 1\.71 MiB at least/);
  });
});
