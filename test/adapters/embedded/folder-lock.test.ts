import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../../src/adapters/embedded/node-disk.ts';
import { freshFolder } from './folders.ts';

const APPENDER = join(import.meta.dirname, 'appender.ts');

/** A process that commits until it is killed; resolves once it has the folder. */
async function holderOf(folder: string) {
  const args = ['--import', 'tsx', APPENDER, folder, '1000000', '1000000', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  return child;
}

const locked = (message: RegExp) => ({
  code: 'TOPO_FOLDER_LOCKED',
  message: expect.stringMatching(message) as string,
});

test('a second process is refused and told who holds the folder; killed, that one holds nothing', async () => {
  const folder = await freshFolder();
  const child = await holderOf(folder);
  const disk = await nodeDisk(folder);
  const refusal = locked(new RegExp(`${folder} is in use by process ${child.pid} since 2.*Z, running numbering\\.`));
  await expect(openEmbeddedBroker({ disk })).rejects.toMatchObject(refusal);
  const stopped = once(child, 'exit');
  child.kill('SIGKILL');
  await stopped;
  const broker = await openEmbeddedBroker({ disk });
  expect((await readdir(folder)).filter(name => name.startsWith('lock.'))).toHaveLength(1);
  await broker.close();
  expect((await readdir(folder)).filter(name => name.startsWith('lock.'))).toEqual([]);
});

test('a holder that does not answer holds the folder all the same', async () => {
  const folder = await freshFolder();
  const child = await holderOf(folder);
  child.kill('SIGSTOP');
  await expect(openEmbeddedBroker({ disk: await nodeDisk(folder) })).rejects.toMatchObject(locked(/in use by another/));
});

test('of many who open a folder at once exactly one gets it', async () => {
  const folder = await freshFolder();
  for (let round = 0; round < 5; round++) {
    const attempts = Array.from({ length: 8 }, async () => openEmbeddedBroker({ disk: await nodeDisk(folder) }));
    const results = await Promise.allSettled(attempts);
    const opened = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
    const refused = results.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(opened).toHaveLength(1);
    for (const error of refused) expect(error).toMatchObject({ code: 'TOPO_FOLDER_LOCKED' });
    await opened[0]!.close();
  }
});

test('a folder is one folder by whatever path, however long', async () => {
  const folder = await freshFolder();
  const long = join(folder, 'x'.repeat(100), 'y'.repeat(100));
  await mkdir(long, { recursive: true });
  await symlink(long, join(folder, 'short'));
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(long) });
  const other = await nodeDisk(join(folder, 'short'));
  await expect(openEmbeddedBroker({ disk: other })).rejects.toMatchObject(locked(/in use by process/));
  await broker.close();
  await (await openEmbeddedBroker({ disk: other })).close();
});

test('a copied or moved folder is not held', async () => {
  const folder = await freshFolder();
  await (await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'before')) })).close();
  await rename(join(folder, 'before'), join(folder, 'after'));
  await (await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'after')) })).close();
});
