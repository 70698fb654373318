import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk, MemoryFile } from '../../../src/adapters/embedded/memory-disk.ts';
import type { Disk } from '../../../src/adapters/embedded/disk.ts';
import type { Log } from '../../../src/runtime/ports.ts';
import { commitNumbers, countCommits, prepare } from './numbered-commits.ts';

/** The disk as it is now, and without the lock: what a kill leaves. `change` may alter a file's bytes. */
export async function copyOf(
  disk: MemoryDisk,
  change: (name: string, bytes: Buffer) => Buffer | undefined = (_name, bytes) => bytes,
): Promise<MemoryDisk> {
  const copy = new MemoryDisk();
  for (const [name, { bytes }] of disk.files) {
    const changed = change(name, Buffer.from(bytes));
    if (changed === undefined) continue;
    const file = new MemoryFile();
    await file.write(0, [changed]);
    copy.files.set(name, file);
  }
  return copy;
}

/** A log of so many commits of each task. Killed: as it is after the last acknowledgement; otherwise closed in order. */
export async function numbersLog(commits: number, segmentBytes: number, end: 'closed' | 'killed'): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const broker = await openEmbeddedBroker({ disk, segmentBytes });
  await prepare(broker);
  await commitNumbers(broker, commits, () => {});
  if (end === 'killed') return copyOf(disk);
  await broker.close();
  return disk;
}

/** Opens, counts, closes. */
export async function reopen(disk: Disk, segmentBytes = 1_000_000) {
  const warnings: string[] = [];
  const log: Log = { info: () => {}, warn: (_fields, message) => warnings.push(message), error: () => {} };
  const broker = await openEmbeddedBroker({ disk, segmentBytes, log, recentBytes: 0 });
  try {
    return { counts: await countCommits(broker), warnings };
  } finally {
    await broker.close();
  }
}
