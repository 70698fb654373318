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

export const copyFolder = (from: string, to: string): Promise<void> => cp(from, to, { recursive: true });
