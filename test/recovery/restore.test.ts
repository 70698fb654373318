import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { count, json, string, topic, topology } from 'topo-streams';
import { run } from 'topo-streams/run';
import { describe, expect, test } from 'vitest';
import { Dice, seedOf } from '../seed.ts';
import { writeTopic } from '../topic-records.ts';
import type { NewRecord } from '../topic-records.ts';
import { compactLog, copyFolder, changelogRecords, temporaryFolder, withBroker } from './folders.ts';

const PARTITIONS = 2;
const input = topic('in', string(), string());

/** Two stores a task. The value "gone" deletes both of a key's rows. */
const counting = topology('t', t => {
  const rows = t
    .stream(input)
    .map(value => (value === 'gone' ? null : value))
    .as(string() as never)
    .toTable('rows');
  rows.toStream().to(topic('rows.out', string(), string()) as never);
  t.stream(input)
    .groupByKey()
    .aggregate('counted', {
      init: () => ({ n: 0 }),
      add: ({ n }: { n: number }, value: string) => (value === 'gone' ? null : { n: n + 1 }),
      serde: json<{ n: number }>(),
    });
  t.stream(input).groupByKey().aggregate('counts', { n: count() });
});

const stateOf = (data: string): string => join(data, 'state', 't');
const TASKS = Array.from({ length: PARTITIONS }, (_, partition) => `in-${partition}`);

async function feed(data: string, records: readonly NewRecord[]): Promise<void> {
  await withBroker(data, async broker => {
    if (!(await broker.topics()).some(({ name }) => name === 'in'))
      await broker.createTopics([{ name: 'in', partitions: PARTITIONS, config: {} }]);
    await writeTopic(broker, 'in', records);
  });
}

function draw(dice: Dice, count: number, from = 0): NewRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `k${dice.below(300)}`,
    value: dice.below(10) === 0 ? 'gone' : `v${from + n} ${'x'.repeat(dice.below(100))}`,
    timestamp: 1_600_000_000_000 + from + n - dice.below(50),
  }));
}

/** Runs to idle; what it warned of. */
async function runToIdle(data: string): Promise<string[]> {
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (_: unknown, message: string) => warnings.push(message), error: () => {} };
  const running = await run(counting, { data, log, commitIntervalMs: 1, memoryBytes: 32 * 1024 * 1024 });
  await running.idle();
  await running.stop();
  return warnings;
}

async function withState<T>(data: string, task: string, use: (state: Level<string, Buffer>) => Promise<T>): Promise<T> {
  const state = new Level<string, Buffer>(join(stateOf(data), task), {
    valueEncoding: 'buffer',
    compression: false,
  });
  await state.open();
  try {
    return await use(state);
  } finally {
    await state.close();
  }
}

/** Every entry of every store, with its timestamp, of all tasks. */
async function contents(data: string): Promise<string[]> {
  const found: string[] = [];
  for (const task of TASKS)
    await withState(data, task, async state => {
      for await (const [key, value] of state.iterator({ gte: 's/', lt: 's0' }))
        found.push(`${task} ${key} @${value.readDoubleBE(0)} ${value.subarray(8).toString('latin1')}`);
    });
  return found;
}

const logFilesOf = async (data: string, task: string): Promise<string[]> => {
  const files = await readdir(join(stateOf(data), task));
  return files.filter(file => /^\d+\.log$/.test(file)).map(file => join(stateOf(data), task, file));
};

/** A folder in which the topology ran twice, and what its stores hold. LevelDB's files are as the second run left them. */
async function prepared(dice: Dice) {
  const temporary = await temporaryFolder();
  const data = join(temporary.path, 'data');
  await feed(data, draw(dice, 3000));
  await runToIdle(data);
  await feed(data, draw(dice, 2000, 3000));
  await runToIdle(data);
  const copy = join(temporary.path, 'copy');
  await copyFolder(data, copy);
  const expected = await contents(copy);
  expect(expected.length).toBeGreaterThan(500);
  return { ...temporary, data, expected, [Symbol.asyncDispose]: temporary[Symbol.asyncDispose] };
}

const seed = seedOf('restore');

describe('state is rebuilt from its changelogs to the same content, timestamps included', () => {
  test('when its folder was deleted', async () => {
    await using folder = await prepared(new Dice(seed));
    await rm(join(folder.data, 'state'), { recursive: true });
    expect(await runToIdle(folder.data)).toEqual([]);
    expect(await contents(folder.data)).toEqual(folder.expected);
    // and what was restored passes as whole
    expect(await runToIdle(folder.data)).toEqual([]);
  });

  test('when it is older than the log, as after a kill between the commit and the state write; and it then passes as whole', async () => {
    const dice = new Dice(seed + 1);
    await using folder = await prepared(dice);
    const older = join(folder.path, 'older');
    await copyFolder(join(folder.data, 'state'), older);
    await feed(folder.data, draw(dice, 2000, 5000));
    await runToIdle(folder.data);
    const expected = await contents(folder.data);
    await rm(join(folder.data, 'state'), { recursive: true });
    await copyFolder(older, join(folder.data, 'state'));
    expect(await runToIdle(folder.data)).toEqual([]);
    expect(await contents(folder.data)).toEqual(expected);
    await feed(folder.data, draw(dice, 500, 7000));
    expect(await runToIdle(folder.data)).toEqual([]);
    expect(await runToIdle(folder.data)).toEqual([]);
  });

  test.each(['lost', 'older'])('when it is %s and the changelogs were compacted', async which => {
    const dice = new Dice(seed + 2);
    await using folder = await prepared(dice);
    const { data } = folder;
    const older = join(folder.path, 'older');
    await copyFolder(join(data, 'state'), older);
    const before = await withBroker(data, changelogRecords);
    expect(await compactLog(data)).toBeLessThan(before / 3);
    await feed(data, draw(dice, 2000, 5000));
    expect(await runToIdle(data)).toEqual([]);
    const expected = await contents(data);
    await compactLog(data);
    await rm(join(data, 'state'), { recursive: true });
    if (which === 'older') await copyFolder(older, join(data, 'state'));
    expect(await runToIdle(data)).toEqual([]);
    expect(await contents(data)).toEqual(expected);
    // commit numbers and identity still hold
    await feed(data, draw(dice, 500, 7000));
    expect(await runToIdle(data)).toEqual([]);
  });

  test.each([1, 2, 3, 4])('when its last file was cut short anywhere (%i)', async round => {
    const dice = new Dice(seed + 10 * round);
    await using folder = await prepared(dice);
    for (const task of TASKS)
      for (const file of await logFilesOf(folder.data, task)) {
        const { length } = await readFile(file);
        expect(length).toBeGreaterThan(10_000);
        await truncate(file, dice.below(length));
      }
    await runToIdle(folder.data);
    expect(await contents(folder.data)).toEqual(folder.expected);
    expect(await runToIdle(folder.data)).toEqual([]);
  });

  test.each([1, 2, 3, 4])('when bytes of its last file were overwritten anywhere (%i)', async round => {
    const dice = new Dice(seed + 10 * round + 1);
    await using folder = await prepared(dice);
    for (const task of TASKS)
      for (const file of await logFilesOf(folder.data, task)) {
        const bytes = await readFile(file);
        const at = dice.below(bytes.length);
        bytes.fill(0xff, at, Math.min(bytes.length, at + 1 + dice.below(5000)));
        await writeFile(file, bytes);
      }
    await runToIdle(folder.data);
    expect(await contents(folder.data)).toEqual(folder.expected);
    expect(await runToIdle(folder.data)).toEqual([]);
  });
});

describe('a table file that is not what was written is found after a stop that was not in order', () => {
  const tablesOf = async (data: string, task: string): Promise<string[]> =>
    (await readdir(join(stateOf(data), task)))
      .filter(file => file.endsWith('.ldb'))
      .map(file => join(stateOf(data), task, file));

  const damages: Readonly<Record<string, (bytes: Buffer, dice: Dice) => Buffer>> = {
    'a flipped bit': (bytes, dice) => {
      const flipped = Buffer.from(bytes);
      // the footer's padding says nothing
      flipped[dice.below(bytes.length - 48)]! ^= 1 << dice.below(8);
      return flipped;
    },
    'a page of zeros': (bytes, dice) => {
      const page = 512 * dice.below(Math.floor(bytes.length / 512));
      return Buffer.concat([bytes.subarray(0, page), Buffer.alloc(512), bytes.subarray(page + 512)]);
    },
    'a cut': (bytes, dice) => bytes.subarray(0, dice.below(bytes.length)),
  };

  test.each(Object.keys(damages))('%s', async how => {
    const dice = new Dice(seed + 20);
    await using folder = await prepared(dice);
    for (let round = 0; round < 5; round++) {
      const copy = join(folder.path, `round-${round}`);
      await copyFolder(folder.data, copy);
      const tables = await tablesOf(copy, 'in-1');
      expect(tables.length).toBeGreaterThan(0);
      await rm(join(stateOf(copy), 'in-1', 'CLEAN'));
      expect(await runToIdle(copy), 'whole').toEqual([]);
      const [table] = await tablesOf(copy, 'in-1');
      await rm(join(stateOf(copy), 'in-1', 'CLEAN'));
      await writeFile(table!, damages[how]!(await readFile(table!), dice));
      expect(await runToIdle(copy), `seed ${seed}, round ${round}`).toEqual([
        expect.stringMatching(
          /the state of task in-1 does not open \(.*is not what was written\): it is set aside and rebuilt/,
        ),
      ]);
      expect(await contents(copy)).toEqual(folder.expected);
    }
  });
});

test('a state that has commits which its log lacks: records were lost, so the start is refused and the state kept', async () => {
  await using folder = await prepared(new Dice(seed + 4));
  await withState(folder.data, 'in-1', state => state.put('m/commit', Buffer.from('1000000')));
  for (let start = 0; start < 2; start++)
    await expect(runToIdle(folder.data)).rejects.toMatchObject({
      code: 'TOPO_LOG_DAMAGED',
      message: expect.stringContaining('commit 1000000'),
    });
  expect(await contents(folder.data)).toEqual(folder.expected);
});

describe('a state that cannot be trusted is set aside, kept and rebuilt, and the log says so', () => {
  /** The one task's warning, where its state was put, and that all else is as before. */
  async function expectSetAside(folder: Awaited<ReturnType<typeof prepared>>, why: string): Promise<void> {
    const warnings = await runToIdle(folder.data);
    expect(warnings).toEqual([`the state of task in-1 ${why}: it is set aside and rebuilt`]);
    expect((await readdir(stateOf(folder.data))).sort()).toEqual(['in-0', 'in-1', 'in-1.damaged-1']);
    expect(await readdir(join(stateOf(folder.data), 'in-1.damaged-1'))).toContain('CURRENT');
    expect(await contents(folder.data)).toEqual(folder.expected);
    expect(await runToIdle(folder.data)).toEqual([]);
  }

  const numbered = (write: number) => `write/${String(write).padStart(16, '0')}`;

  test.each([1, 2])('a write is missing in the middle or at the start (%i)', async write => {
    await using folder = await prepared(new Dice(seed + 2));
    await withState(folder.data, 'in-1', state => state.del(numbered(write)));
    await expectSetAside(folder, `lacks write ${write}`);
  });

  test.each(['overwritten', 'missing'])('it does not open: its list of files is %s', async how => {
    await using folder = await prepared(new Dice(seed + 3));
    const state = join(stateOf(folder.data), 'in-1');
    const manifest = join(
      state,
      (await readdir(state)).find(file => file.startsWith('MANIFEST'))!,
    );
    await (how === 'missing' ? rm(manifest) : writeFile(manifest, 'no manifest at all'));
    await expectSetAside(folder, `does not open (the state in ${state} is damaged)`);
  });

  test('it belongs to another log, which had fewer commits', async () => {
    await using folder = await prepared(new Dice(seed + 5));
    await using other = await temporaryFolder();
    await feed(other.path, draw(new Dice(seed + 6), 100));
    await runToIdle(other.path);
    await rm(join(stateOf(folder.data), 'in-1'), { recursive: true });
    await copyFolder(join(stateOf(other.path), 'in-1'), join(stateOf(folder.data), 'in-1'));
    await expectSetAside(folder, 'belongs to another cluster or another version of Topo');
  });

  test('the log was deleted and only the state is left: it is not used', async () => {
    await using folder = await prepared(new Dice(seed + 7));
    await rm(join(folder.data, 'log'), { recursive: true });
    await feed(folder.data, [{ key: 'k0', value: 'new', timestamp: 1 }]);
    expect(await runToIdle(folder.data)).toHaveLength(PARTITIONS);
    expect((await contents(folder.data)).map(entry => entry.replace(/[^ -~]/g, ' '))).toEqual([
      expect.stringContaining('s/counted k0 @1 {"n":1}'),
      expect.stringContaining('s/counts k0 @1'),
      expect.stringContaining('s/rows k0 @1 new'),
    ]);
  });
});
