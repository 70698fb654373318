import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Disk } from '../../../src/adapters/embedded/disk.ts';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { nodeDisk } from '../../../src/adapters/embedded/node-disk.ts';
import { FatalError } from '../../../src/errors.ts';
import { batchOf } from '../../contracts/batches.ts';
import { writerOf } from '../../contracts/members.ts';
import { FatedDisk } from './fated-disk.ts';
import { freshFolder } from './folders.ts';
import { commitNumbers, countCommits, prepare } from './numbered-commits.ts';

const SEGMENT_BYTES = 3000;
const FULL = new FatalError('TOPO_DISK', 'The disk is full.');

/** Commits until the disk fails or all is done. Returns what was acknowledged, and whether it failed. */
async function commitOn(disk: Disk): Promise<{ acknowledged: Record<string, number>; failed: boolean }> {
  const acknowledged: Record<string, number> = { a: 0, b: 0, c: 0 };
  try {
    const broker = await openEmbeddedBroker({ disk, segmentBytes: SEGMENT_BYTES });
    try {
      await prepare(broker);
      await commitNumbers(broker, 6, (task, n) => (acknowledged[task] = n));
    } catch (error) {
      expect(error).toMatchObject({ code: 'TOPO_DISK' });
      // nothing of a failed commit is seen, and nothing is committed any more
      expect(await countCommits(broker)).toEqual((await broker.topics()).length === 0 ? {} : seen(acknowledged));
      await expect(prepareAgain(broker)).rejects.toMatchObject({ code: 'TOPO_DISK' });
      await broker.close();
      return { acknowledged, failed: true };
    }
    await broker.close();
    return { acknowledged, failed: false };
  } catch (error) {
    expect(error).toMatchObject({ code: 'TOPO_DISK' });
    return { acknowledged, failed: true };
  }
}

const seen = (counts: Record<string, number>) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

const prepareAgain = (broker: Awaited<ReturnType<typeof openEmbeddedBroker>>) =>
  broker.createTopics([{ name: 'another', partitions: 1, config: {} }]);

test('whichever operation of the disk fails, nothing acknowledged is lost and the log goes on', async () => {
  let failures = 0;
  for (let n = 1; ; n++) {
    const disk = new MemoryDisk();
    const failing = new FatedDisk(disk, n, async (_operation, writePart) => {
      await writePart();
      throw FULL;
    });
    const { acknowledged, failed } = await commitOn(failing);
    if (failing.operations < n) break;
    expect(failed).toBe(true);
    failures++;
    const broker = await openEmbeddedBroker({ disk, segmentBytes: SEGMENT_BYTES });
    await prepare(broker);
    const counts = await countCommits(broker);
    for (const task of ['a', 'b', 'c']) {
      expect(counts[task] ?? 0).toBeGreaterThanOrEqual(acknowledged[task]!);
      expect(counts[task] ?? 0).toBeLessThanOrEqual(acknowledged[task]! + 1);
    }
    await commitNumbers(broker, 2, () => {});
    await broker.close();
    const again = await openEmbeddedBroker({ disk, segmentBytes: SEGMENT_BYTES });
    const after = await countCommits(again);
    for (const task of ['a', 'b', 'c']) expect(after[task]).toBe((counts[task] ?? 0) + 2);
    await again.close();
  }
  expect(failures).toBeGreaterThan(40);
});

test('commits that wait behind a failed one are refused with it', async () => {
  const disk = new FatedDisk(new MemoryDisk(), Infinity, () => Promise.reject(FULL));
  const broker = await openEmbeddedBroker({ disk });
  await prepare(broker);
  const first = await writerOf(broker, 'first');
  const second = await writerOf(broker, 'second');
  disk.at = disk.operations + 1;
  const commit = () => ({ appends: [{ topic: 'numbers', partition: 0, batches: [batchOf('x')] }], offsets: [] });
  const results = await Promise.allSettled([first.commit(commit()), second.commit(commit())]);
  expect(results.map(result => result.status === 'rejected' && result.reason === FULL)).toEqual([true, true]);
  await expect(first.commit(commit())).rejects.toBe(FULL);
  await broker.close();
});

test('a full disk is named, and when there is room the log goes on', async context => {
  const folder = await freshFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    return context.skip(`a tmpfs cannot be mounted here: ${(error as Error).message.trim()}`);
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  const disk = await nodeDisk(join(folder, 'log'));
  const broker = await openEmbeddedBroker({ disk, segmentBytes: 50_000 });
  await prepare(broker);
  const acknowledged: Record<string, number> = {};
  const committing = commitNumbers(broker, 10_000, (task, n) => (acknowledged[task] = n));
  await expect(committing).rejects.toMatchObject({
    code: 'TOPO_DISK',
    message: expect.stringMatching(/\.seg could not be written: the disk is full \(ENOSPC\)/) as string,
    place: { path: expect.stringContaining(join(folder, 'log')) as string },
  });
  await broker.close();
  execFileSync('mount', ['-o', 'remount,size=1m', folder]);
  const again = await openEmbeddedBroker({ disk, segmentBytes: 50_000 });
  expect(await countCommits(again)).toEqual(acknowledged);
  await commitNumbers(again, 5, () => {});
  await again.close();
});

test('a folder that cannot be used is named with what to do', async () => {
  const folder = await freshFolder();
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  await expect(openEmbeddedBroker({ disk: await nodeDisk(join(file, 'log')) })).rejects.toMatchObject({
    code: 'TOPO_FOLDER_UNUSABLE',
    message: expect.stringContaining(join(file, 'log')) as string,
  });
});

test('a folder that may not be written is named with what to do', async context => {
  if (process.getuid?.() === 0) return context.skip('root may write everywhere');
  const folder = await freshFolder();
  await chmod(folder, 0o500);
  await expect(openEmbeddedBroker({ disk: await nodeDisk(folder) })).rejects.toMatchObject({
    code: 'TOPO_FOLDER_UNUSABLE',
  });
});
