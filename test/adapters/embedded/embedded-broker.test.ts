import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { nodeDisk } from '../../../src/adapters/embedded/node-disk.ts';
import { brokerContract } from '../../contracts/broker.ts';
import { topicContract } from '../../contracts/topics.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'topo-log-'));
  folders.push(folder);
  return folder;
}

for (const contract of [brokerContract, topicContract]) {
  contract('The embedded broker in memory', () => openEmbeddedBroker({ disk: new MemoryDisk() }));

  contract('The embedded broker in a folder', async () =>
    openEmbeddedBroker({ disk: await nodeDisk(await freshFolder()) }),
  );

  contract('The embedded broker with gaps, small segments and without a cache', async () =>
    openEmbeddedBroker({ disk: await nodeDisk(await freshFolder()), offsetGap: 3, segmentBytes: 2000, recentBytes: 0 }),
  );
}
