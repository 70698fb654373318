import { expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { batchOf, valuesOf } from '../../contracts/batches.ts';
import { writerOf } from '../../contracts/members.ts';

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
