import { expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { commitNumbers, countCommits, prepare, TASKS } from './numbered-commits.ts';
import { reopen } from './memory-logs.ts';
import { PowerCutDisk } from './power-cut-disk.ts';
import { mulberry } from './random.ts';

const SEGMENT_BYTES = 3000;

/** Goes on until the power is cut or all is done; tells what was acknowledged. */
async function commitUntilCut(disk: PowerCutDisk, acknowledged: Record<string, number>): Promise<void> {
  try {
    const broker = await openEmbeddedBroker({ disk, segmentBytes: SEGMENT_BYTES });
    await prepare(broker);
    await commitNumbers(broker, 4, (task, n) => (acknowledged[task] = n)).catch(() => {});
    await broker.close();
  } catch (error) {
    expect(error).toMatchObject({ code: 'TOPO_DISK' });
  }
}

test('whenever the power is cut, and cut again while starting anew, nothing acknowledged is lost', async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = mulberry(seed);
    let disk = new MemoryDisk();
    const acknowledged: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let round = 0; round < 3; round++) {
      const cutting = new PowerCutDisk(disk, 1 + Math.floor(random() * (round === 1 ? 8 : 60)), random);
      await commitUntilCut(cutting, acknowledged);
      disk = await cutting.afterCut();
    }
    const { counts } = await reopen(disk, SEGMENT_BYTES).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    for (const task of TASKS) {
      expect(counts[task] ?? 0, `seed ${seed}`).toBeGreaterThanOrEqual(acknowledged[task]!);
      expect(counts[task] ?? 0, `seed ${seed}`).toBeLessThanOrEqual(acknowledged[task]! + 3);
    }
  }
});

test('what a start has read is durable, though the process before it was killed between write and sync', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new PowerCutDisk(new MemoryDisk(), Infinity, mulberry(seed));
    const broker = await openEmbeddedBroker({ disk });
    await prepare(broker);
    await commitNumbers(broker, 1, () => {});
    let hang = (): void => {};
    const hangs = new Promise<void>(resolve => (hang = resolve));
    disk.beforeSync = () => {
      hang();
      return new Promise(() => {});
    };
    void commitNumbers(broker, 1, () => {});
    await hangs;
    disk.beforeSync = undefined;
    const { counts } = await reopen(disk);
    expect(counts).toEqual({ a: 2, b: 2, c: 2 });
    expect((await reopen(await disk.afterCut())).counts).toEqual(counts);
  }
});

test('a segment that a killed process was making lasts, once the next process has written to it', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new PowerCutDisk(new MemoryDisk(), Infinity, mulberry(seed));
    const broker = await openEmbeddedBroker({ disk, segmentBytes: SEGMENT_BYTES });
    await prepare(broker);
    let hang = (): void => {};
    const hangs = new Promise<void>(resolve => (hang = resolve));
    disk.beforeSync = async () => {
      if (!(await disk.list()).includes('00000001.0.seg')) return;
      hang();
      return new Promise(() => {});
    };
    void commitNumbers(broker, 20, () => {});
    await hangs;
    disk.beforeSync = undefined;
    const acknowledged: Record<string, number> = {};
    const next = await openEmbeddedBroker({ disk, segmentBytes: 100_000 });
    await commitNumbers(next, 2, (task, n) => (acknowledged[task] = n));
    expect((await reopen(await disk.afterCut(), SEGMENT_BYTES)).counts).toEqual(acknowledged);
  }
});

test('a commit whose sync failed lasts, once a start has built on it: the next sync alone would leave it out', async () => {
  for (const commits of [0, 1]) {
    const disk = new PowerCutDisk(new MemoryDisk(), Infinity, mulberry(1));
    if (commits > 0) {
      const broker = await openEmbeddedBroker({ disk });
      await prepare(broker);
      disk.failsSyncs = true;
      await expect(commitNumbers(broker, 1, () => {})).rejects.toMatchObject({ code: 'TOPO_DISK' });
    } else {
      disk.failsSyncs = true;
      await expect(openEmbeddedBroker({ disk })).rejects.toMatchObject({ code: 'TOPO_DISK' });
    }
    disk.failsSyncs = false;
    const next = await openEmbeddedBroker({ disk });
    await prepare(next);
    await commitNumbers(next, 2, () => {});
    const seen = await countCommits(next);
    expect((await reopen(await disk.afterCut())).counts).toEqual(seen);
  }
});
