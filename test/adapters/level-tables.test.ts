import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { expect, test } from 'vitest';
import { levelState } from '../../src/adapters/level/level-state.ts';
import { liveTables } from '../../src/adapters/level/manifest.ts';
import { damagedTable } from '../../src/adapters/level/table-check.ts';
import { temporaryFolder } from '../recovery/folders.ts';

/** Of a list of edits. */
const BLOCK_BYTES = 32_768;
const KEYS = 3000;
const MiB = 1024 * 1024;
const keyOf = (n: number): string => `${n % KEYS}`.padEnd(900, '.');
const open = { writeBufferSize: 65_536, maxFileSize: 1024 * 1024, compression: false };

async function manifestBytes(folder: string): Promise<number> {
  const name = (await readdir(folder)).find(file => file.startsWith('MANIFEST-'))!;
  return (await stat(join(folder, name))).size;
}

/** A database that has written, merged and dropped tables until the list of that takes several blocks. */
async function madeDatabase(folder: string): Promise<void> {
  const database = new Level<string, string>(folder, open);
  await database.open();
  for (let n = 0; n < 2 * KEYS || (await manifestBytes(folder)) < 3 * BLOCK_BYTES; n += 100) {
    const batch = database.batch();
    for (let i = n; i < n + 100; i++) batch.put(keyOf(i * 7919), `value ${i}`);
    await batch.write();
  }
  await database.close();
}

const tablesIn = async (folder: string) => (await readdir(folder)).filter(name => name.endsWith('.ldb')).sort();

test('the tables that a list of edits comes to are all that a database needs, and each of them', async () => {
  await using temporary = await temporaryFolder();
  const folder = join(temporary.path, 'database');
  await madeDatabase(folder);
  const live = await liveTables(folder);
  expect(live.length).toBeGreaterThan(3);
  for (const table of await tablesIn(folder)) if (!live.includes(table)) await rm(join(folder, table));
  expect(await tablesIn(folder)).toEqual(live);
  const database = new Level<string, string>(folder, open);
  expect((await database.keys().all()).length).toBe(KEYS);
  await database.close();
  for (const table of await liveTables(folder)) {
    const bytes = await readFile(join(folder, table));
    await rm(join(folder, table));
    await expect(new Level(folder, open).open(), table).rejects.toMatchObject({
      cause: { message: expect.stringContaining('missing files') },
    });
    await writeFile(join(folder, table), bytes);
  }
});

test.each([
  ['CURRENT', 'empty', () => Buffer.alloc(0)],
  ['CURRENT', 'zeroed', (bytes: Buffer) => Buffer.alloc(bytes.length)],
  ['CURRENT', 'cut short', (bytes: Buffer) => bytes.subarray(0, 5)],
  ['CURRENT', 'garbage', () => Buffer.from('x'.repeat(1000))],
  ['MANIFEST-', 'zeroed', (bytes: Buffer) => Buffer.alloc(bytes.length)],
  ['MANIFEST-', 'a flipped bit', (bytes: Buffer) => bytes.fill(bytes[500]! ^ 1, 500, 501)],
] as const)('a state whose %s is %s is damaged', async (prefix, _, change) => {
  await using temporary = await temporaryFolder();
  const backend = levelState(temporary.path);
  const folder = join(temporary.path, 'task');
  await madeDatabase(folder);
  const path = join(
    folder,
    (await readdir(folder)).find(name => name.startsWith(prefix))!,
  );
  await writeFile(path, change(await readFile(path)));
  await expect(backend.open('task', MiB)).rejects.toMatchObject({ code: 'TOPO_STATE_DAMAGED' });
});

test('what a process that died has written of a table is none of them, and no damage', async () => {
  await using temporary = await temporaryFolder();
  const folder = join(temporary.path, 'database');
  await madeDatabase(folder);
  const tables = await liveTables(folder);
  const whole = await readFile(join(folder, tables[0]!));
  const half = whole.subarray(0, whole.length / 2);
  await writeFile(join(folder, '900000.ldb'), half);
  expect(await liveTables(folder)).toEqual(tables);
  expect(await damagedTable(folder)).toBeNull();
  await writeFile(join(folder, tables[0]!), half);
  expect(await damagedTable(folder)).toBe(tables[0]);
});
