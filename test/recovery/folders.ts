import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import type { Broker } from '../../src/runtime/ports.ts';

/** A temporary folder that goes with the test that uses it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'topo-recovery-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Opens the broker of a data folder for as long as `use` takes. */
export async function withBroker<T>(data: string, use: (broker: Broker) => Promise<T>): Promise<T> {
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(data, 'log')), owner: 'test' });
  try {
    return await use(broker);
  } finally {
    await broker.close();
  }
}

/** Compacts what can be compacted of everything there is. Returns how many records are left in changelogs. */
export async function compactLog(data: string): Promise<number> {
  const disk = await nodeDisk(join(data, 'log'));
  const broker = await openEmbeddedBroker({ disk, owner: 'test', segmentBytes: 1000 });
  try {
    // a change that is written seals the segment in front of it
    await broker.createTopics([{ name: 'passing', partitions: 1, config: {} }]);
    await broker.deleteTopics(['passing']);
    await broker.clean();
    return await changelogRecords(broker);
  } finally {
    await broker.close();
  }
}

export async function changelogRecords(broker: Broker): Promise<number> {
  const changelogs = (await broker.topics()).filter(({ name }) => name.endsWith('-changelog'));
  const places = changelogs.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  );
  return (await broker.sizes(places)).reduce((sum, { records }) => sum + records, 0);
}

export const copyFolder = (from: string, to: string): Promise<void> => cp(from, to, { recursive: true });
