import { expect, test } from 'vitest';
import { refuseFuture } from '../../../src/adapters/embedded/check-commit.ts';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { BatchWriter } from '../../../src/records/batch-writer.ts';
import type { Commit } from '../../../src/runtime/ports.ts';
import { batchOf } from '../../contracts/batches.ts';
import { joined, writerOf } from '../../contracts/members.ts';

const AT = { topic: 'claims', partition: 0 };

async function claimsBroker() {
  const broker = await openEmbeddedBroker({ disk: new MemoryDisk() });
  await broker.createTopics([{ name: 'claims', partitions: 2, config: {} }]);
  return broker;
}

const refusals: readonly [what: string, code: string, commit: () => Commit][] = [
  ['an unknown topic', 'TOPO_COMMIT_FAILED', () => ({ appends: [{ ...AT, topic: 'x', batches: [] }], offsets: [] })],
  [
    'an unknown partition',
    'TOPO_COMMIT_FAILED',
    () => ({ appends: [{ ...AT, partition: 2, batches: [] }], offsets: [] }),
  ],
  [
    'an offset with too long a metadata',
    'TOPO_COMMIT_FAILED',
    () => ({ appends: [], offsets: [{ ...AT, offset: 1, metadata: 'x'.repeat(4097) }] }),
  ],
  ['an offset that is none', 'TOPO_INTERNAL', () => ({ appends: [], offsets: [{ ...AT, offset: -1, metadata: '' }] })],
  [
    'a partition twice',
    'TOPO_INTERNAL',
    () => ({ appends: [1, 2].map(() => ({ ...AT, batches: [batchOf('a')] })), offsets: [] }),
  ],
  [
    'a cut batch',
    'TOPO_INTERNAL',
    () => ({ appends: [{ ...AT, batches: [batchOf('a').subarray(0, -1)] }], offsets: [] }),
  ],
];

test.each(refusals)('%s is refused, and the writer goes on', async (_what, code, commit) => {
  const broker = await claimsBroker();
  const writer = await writerOf(broker);
  await expect(writer.commit(commit())).rejects.toMatchObject({ code });
  const good = await writer.commit({ appends: [{ ...AT, batches: [batchOf('good')] }], offsets: [] });
  expect(good).toEqual({ kind: 'committed', baseOffsets: [[0]] });
  await broker.close();
});

test('a closed broker and a closed writer take nothing', async () => {
  const broker = await claimsBroker();
  const writer = await writerOf(broker);
  const closed = await writerOf(broker, 'others');
  await closed.close();
  await expect(closed.commit({ appends: [], offsets: [] })).rejects.toMatchObject({ code: 'TOPO_CLOSED' });
  await broker.close();
  await expect(writer.commit({ appends: [], offsets: [] })).rejects.toMatchObject({ code: 'TOPO_CLOSED' });
  await expect(broker.createTopics([{ name: 'late', partitions: 1, config: {} }])).rejects.toMatchObject({
    code: 'TOPO_CLOSED',
  });
});

test('who joins later takes the tasks over, and who had them is asked to give them up first', async () => {
  const broker = await claimsBroker();
  const events: string[] = [];
  let tell = (): void => {};
  const first = await new Promise<Awaited<ReturnType<typeof broker.join>>>((resolve, reject) => {
    const joining = broker.join('group', [{ id: 'task', inputs: [AT] }], {
      assigned: async () => tell(),
      revoked: async tasks => void events.push(`revoked ${tasks.join()}`),
      lost: async () => {},
    });
    tell = () => void joining.then(resolve);
    joining.catch(reject);
  });
  const writer = await first.open('task');
  const second = await joined(broker, 'group', [{ id: 'task', inputs: [AT] }]);
  expect(events).toEqual(['revoked task']);
  expect([await first.holds('task'), await second.holds('task')]).toEqual([false, true]);
  expect(await writer.commit({ appends: [], offsets: [] })).toEqual({ kind: 'fenced' });
  await expect(first.open('task')).rejects.toMatchObject({ code: 'TOPO_FENCED' });
  await broker.close();
});

test("a record beyond its topic's message.timestamp.after.max.ms is refused where it comes in", () => {
  const now = 1_700_000_000_000;
  const topic = (config: Record<string, string>) => ({ name: 'claims', id: 'id', partitions: 1, config });
  const batches = (aheadMs: number) => {
    const writer = new BatchWriter(1000);
    writer.append(now, null, null);
    writer.append(now + aheadMs, null, null);
    return writer.finish();
  };
  expect(() => refuseFuture(topic({}), batches(3_600_000), now)).not.toThrow();
  expect(() => refuseFuture(topic({}), batches(3_600_001), now)).toThrow(/claims allows 3600000/);
  const config = { 'message.timestamp.after.max.ms': '10' };
  expect(() => refuseFuture(topic(config), batches(11), now)).toThrow(/11 ms in the future; claims allows 10/);
});
