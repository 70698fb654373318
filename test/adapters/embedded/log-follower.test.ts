import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { openLogReader } from '../../../src/adapters/embedded/log-follower.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { nodeDisk } from '../../../src/adapters/embedded/node-disk.ts';
import type { BrokerReader } from '../../../src/runtime/ports.ts';
import { batchOf, valuesOf } from '../../contracts/batches.ts';
import { readAll, writerOf } from '../../contracts/members.ts';
import { freshFolder } from './folders.ts';
import { copyOf } from './memory-logs.ts';
import { commitNumbers, countCommits, GROUP, prepare, TOPIC } from './numbered-commits.ts';

const SEGMENT_BYTES = 10_000;
const AT = { topic: TOPIC, partition: 3 };

/** Reads partition 3 as it grows, until it holds the last commit. */
async function follow(reader: BrokerReader, last: number): Promise<string[]> {
  const values: string[] = [];
  const following = reader.reader();
  for (let offset = 0; !['a', 'b', 'c'].every(task => values.includes(`${task} ${last}`));) {
    const [answer] = await following.fetch([{ ...AT, offset, maxBytes: 10_000 }], 10_000);
    values.push(...valuesOf(answer!.batches, offset).filter(value => !value.startsWith('-')));
    offset = answer!.nextOffset;
  }
  await following.close();
  return values;
}

test('a second process follows a log over many segments while it is written', { timeout: 60_000 }, async () => {
  const folder = await freshFolder();
  const args = [join(import.meta.dirname, 'appender.ts'), folder, String(SEGMENT_BYTES), '200', '0'];
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdout.resume();
  const reader = await openLogReader({ disk: await nodeDisk(folder) });
  const values = await follow(reader, 200);
  for (const task of ['a', 'b', 'c'])
    expect(values.filter(value => value.startsWith(task))).toEqual(
      Array.from({ length: 200 }, (_, i) => `${task} ${i + 1}`),
    );
  await exited;
  expect(await countCommits(reader)).toEqual({ a: 200, b: 200, c: 200 });
  await reader.close();
});

test('a reader sees topics, offsets and groups change', async () => {
  const disk = new MemoryDisk();
  const reader = await openLogReader({ disk });
  expect([reader.clusterId, await reader.topics()]).toEqual(['', []]);
  const broker = await openEmbeddedBroker({ disk, segmentBytes: SEGMENT_BYTES });
  await prepare(broker);
  expect(await reader.topics()).toEqual(await broker.topics());
  expect(reader.clusterId).toBe(broker.clusterId);
  await commitNumbers(broker, 100, () => {});
  expect(disk.files.size).toBeGreaterThan(3);
  expect(await reader.offsets([AT])).toEqual(await broker.offsets([AT]));
  expect(await reader.groupOffsets(GROUP)).toEqual(await broker.groupOffsets(GROUP));
  expect(await readAll(reader, AT, 5000)).toEqual(await readAll(broker, AT, 5000));
  await broker.close();
  expect(await readAll(reader, AT, 5000)).toEqual(await readAll(await openLogReader({ disk }), AT, 5000));
});

test.each(['before', 'after'])('a reader that looks %s another commit took its place forgets one', async moment => {
  const disk = new MemoryDisk();
  const first = await openEmbeddedBroker({ disk });
  await prepare(first);
  await commitNumbers(first, 2, () => {});
  const before = await copyOf(disk);
  await commitNumbers(first, 1, () => {});
  const reader = await openLogReader({ disk });
  expect(await countCommits(reader)).toEqual({ a: 3, b: 3, c: 3 });
  // the last commit is cut off, as after a failed sync, and others of another size are written in its place
  const [name, file] = [...disk.files][0]!;
  await file.truncate(before.files.get(name)!.bytes.length);
  if (moment === 'before') expect(await countCommits(reader)).toEqual({ a: 2, b: 2, c: 2 });
  const again = await openEmbeddedBroker({ disk: Object.assign(new MemoryDisk(), { files: disk.files }) });
  const writer = await writerOf(again);
  await writer.commit({ appends: [{ ...AT, batches: [batchOf(`- ${'x'.repeat(500)}`)] }], offsets: [] });
  await commitNumbers(again, 2, () => {});
  expect(await countCommits(reader)).toEqual({ a: 4, b: 4, c: 4 });
});
