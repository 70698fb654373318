import { expect, test } from 'vitest';
import type { DiskFile } from '../../../src/adapters/embedded/disk.ts';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { openLogReader } from '../../../src/adapters/embedded/log-follower.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { FatalError } from '../../../src/errors.ts';
import { batchOf, valuesOf } from '../../contracts/batches.ts';
import { writerOf } from '../../contracts/members.ts';
import { writeTopic } from '../../topic-records.ts';

test('the answers of one fetch show the log at one moment: a commit meanwhile is in all of them or in none', async () => {
  const moments = { before: 0, after: 0 };
  for (let hops = 0; hops < 40; hops++) {
    const broker = await openEmbeddedBroker({ disk: new MemoryDisk() });
    await broker.createTopics([{ name: 'both', partitions: 2, config: {} }]);
    const writer = await writerOf(broker);
    const appends = (value: string) =>
      [0, 1].map(partition => ({ topic: 'both', partition, batches: [batchOf(value)] }));
    await writer.commit({ appends: appends('old'), offsets: [] });
    const committing = writer.commit({ appends: appends('new'), offsets: [] });
    for (let hop = 0; hop < hops; hop++) await Promise.resolve();
    const requests = [0, 1].map(partition => ({ topic: 'both', partition, offset: 0, maxBytes: 1000 }));
    const answers = await broker.reader().fetch(requests, 0);
    const [first, second] = answers.map(({ batches, end, nextOffset }) => ({
      values: valuesOf(batches),
      end,
      nextOffset,
    }));
    expect(first).toEqual(second);
    expect(first).toEqual({ values: first!.values, end: first!.values.length, nextOffset: first!.values.length });
    moments[first!.values.length === 1 ? 'before' : 'after']++;
    await committing;
    await broker.close();
  }
  expect(moments.before).toBeGreaterThan(0);
  expect(moments.after).toBeGreaterThan(0);
});

/** A disk whose reads wait while it is held, and fail as a file does that is gone by then. */
class HeldDisk extends MemoryDisk {
  held: Promise<void> = Promise.resolve();

  override async open(name: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const file = await super.open(name, mode);
    if (mode !== 'read') return file;
    return {
      size: () => file.size(),
      write: (position, buffers) => file.write(position, buffers),
      sync: () => file.sync(),
      truncate: size => file.truncate(size),
      close: () => file.close(),
      read: async (position, into) => {
        await this.held;
        if (!this.files.has(name)) throw new FatalError('TOPO_DISK', `${name} is gone.`);
        return file.read(position, into);
      },
    };
  }
}

test.each(['in this process', 'in another one'])(
  'a fetch %s whose file is taken away before it is read finds its records where they are now',
  async where => {
    const disk = new HeldDisk();
    const broker = await openEmbeddedBroker({ disk, segmentBytes: 3000, recentBytes: 0 });
    await broker.createTopics([{ name: 'rows', partitions: 1, config: {} }]);
    const put = (key: string, value: string) => writeTopic(broker, 'rows', [{ key, value, timestamp: 0 }]);
    for (let i = 0; i < 10; i++) await put(i % 2 === 0 ? 'even' : 'odd', `${i} ${'x'.repeat(300)}`);
    for (let i = 0; i < 20; i++) await put('filler', 'x'.repeat(300));
    const view = where === 'in this process' ? broker : await openLogReader({ disk });
    const reader = view.reader();
    let release = (): void => {};
    disk.held = new Promise(resolve => (release = resolve));
    const fetching = reader.fetch([{ topic: 'rows', partition: 0, offset: 3, maxBytes: 100_000 }], 0);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    disk.held = Promise.resolve();
    await broker.configureTopic('rows', { 'cleanup.policy': 'compact' });
    const before = [...disk.files.keys()];
    await broker.clean();
    expect([...disk.files.keys()].filter(name => before.includes(name)).length).toBeLessThan(before.length - 2);
    release();
    const values = valuesOf((await fetching)[0]!.batches, 3).map(value => value.split(' ')[0]);
    expect(values.slice(0, 2)).toEqual(['8', '9']);
    await reader.close();
    await view.close();
  },
);
