import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../../src/adapters/embedded/node-disk.ts';
import { openLogReader } from '../../../src/adapters/embedded/log-follower.ts';
import { mulberry } from './random.ts';
import { freshFolder } from './folders.ts';
import { countCommits, TASKS } from './numbered-commits.ts';

const APPENDER = join(import.meta.dirname, 'appender.ts');
const SEGMENT_BYTES = 20_000;
const SEED = 11;
const NEVER = 0;

/** Runs the appender until it ends or, told to, until the given number of commits was acknowledged. */
async function runAppender(folder: string, commits: number, diesAt: number, killAfter = Infinity) {
  const args = ['--import', 'tsx', APPENDER, folder, String(SEGMENT_BYTES), String(commits), String(diesAt)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const acknowledged: Record<string, number> = {};
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [task, n] = line.split(' ') as [string, string?];
    if (n !== undefined) acknowledged[task] = Number(n);
    if (++lines === killAfter) child.kill('SIGKILL');
  }
  const [code, signal] = await exited;
  return { acknowledged, code, signal };
}

function expectWhole(counts: Record<string, number>, acknowledged: Record<string, number>): void {
  for (const task of TASKS) {
    expect(counts[task] ?? 0).toBeGreaterThanOrEqual(acknowledged[task] ?? 0);
    // at most the one commit that was under way when the process was killed
    expect(counts[task] ?? 0).toBeLessThanOrEqual((acknowledged[task] ?? 0) + 1);
  }
}

/** Cleaning was at work, in the lives that were cut short too. */
async function expectCleaned(folder: string): Promise<void> {
  const names = await readdir(folder);
  expect(names).toContainEqual(expect.stringMatching(/\.compacted$/));
  expect(names).toContainEqual(expect.stringMatching(/\.[1-9]\d*\.seg$/));
}

/** What a reader finds that takes no lock and repairs nothing. */
async function countByReader(folder: string): Promise<Record<string, number>> {
  const reader = await openLogReader({ disk: await nodeDisk(folder) });
  const counts = await countCommits(reader);
  await reader.close();
  return counts;
}

async function countByBroker(folder: string): Promise<Record<string, number>> {
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(folder), segmentBytes: SEGMENT_BYTES });
  const counts = await countCommits(broker);
  await broker.close();
  return counts;
}

test('what was acknowledged before a kill -9 is there, and every commit is whole', { timeout: 120_000 }, async () => {
  const folder = await freshFolder();
  const random = mulberry(SEED);
  let acknowledged: Record<string, number> = {};
  for (let round = 0; round < 12; round++) {
    const run = await runAppender(folder, 1_000_000, NEVER, 1 + Math.floor(random() * 150));
    expect(run.signal).toBe('SIGKILL');
    acknowledged = { ...acknowledged, ...run.acknowledged };
    const counts = await countByBroker(folder);
    expectWhole(counts, acknowledged);
    acknowledged = counts;
  }
  await expectCleaned(folder);
});

test('a kill -9 in the middle of a disk operation loses nothing acknowledged', { timeout: 120_000 }, async () => {
  const folder = await freshFolder();
  const random = mulberry(SEED);
  let acknowledged: Record<string, number> = {};
  for (let round = 0; round < 14; round++) {
    // the first operations make or repair a log; the later ones are writes and syncs, with a seal here and there
    const diesAt = round % 2 === 0 ? 1 + round / 2 : 8 + Math.floor(random() * 150);
    const run = await runAppender(folder, 1_000_000, diesAt);
    expect(run.signal).toBe('SIGKILL');
    acknowledged = { ...acknowledged, ...run.acknowledged };
    const counts = await countByReader(folder);
    expectWhole(counts, acknowledged);
    acknowledged = counts;
  }
  expect(await countByBroker(folder)).toEqual(acknowledged);
  // such short lives seldom come to more of cleaning
  expect(await readdir(folder)).toContainEqual(expect.stringMatching(/\.compacted$/));
});

test('a process that ends in order leaves a clean log', async () => {
  const folder = await freshFolder();
  const run = await runAppender(folder, 20, NEVER);
  expect(run).toMatchObject({ code: 0, acknowledged: { a: 20, b: 20, c: 20 } });
  expect(await countByBroker(folder)).toEqual(run.acknowledged);
});
