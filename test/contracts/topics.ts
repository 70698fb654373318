import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import type { Broker, TopicPartition } from '../../src/runtime/ports.ts';
import { joined, readAll, writerOf } from './members.ts';

/** What the runtime and the command line rely on when they look at topics and change them, whatever the broker. */
export function topicContract(name: string, open: () => Promise<Broker>): void {
  describe(`${name} keeps the contract of topics:`, () => {
    let broker: Broker;
    let topic: string;
    let at: TopicPartition;

    beforeEach(async () => {
      broker = await open();
      topic = `topic-${randomUUID()}`;
      at = { topic, partition: 0 };
      await broker.createTopics([{ name: topic, partitions: 2, config: {} }]);
    });
    afterEach(() => broker.close());

    /** A commit a record, each its timestamp. Returns their offsets. */
    const append = async (...timestamps: number[]) => {
      const writer = await writerOf(broker, `appender-of-${topic}`);
      const offsets: number[] = [];
      for (const timestamp of timestamps) {
        const batch = new BatchWriter(1000);
        batch.append(timestamp, null, Buffer.from(`at ${timestamp}`));
        const outcome = await writer.commit({ appends: [{ ...at, batches: batch.finish() }], offsets: [] });
        if (outcome.kind !== 'committed') throw new Error(outcome.kind);
        offsets.push(outcome.baseOffsets[0]![0]!);
      }
      return offsets;
    };
    const infoOf = async () => (await broker.topics()).find(each => each.name === topic);

    test('a partition has as many records as were written, and bytes for them', async () => {
      expect(await broker.sizes([at])).toEqual([{ records: 0, bytes: 0 }]);
      await append(1, 2, 3);
      const [size, empty] = await broker.sizes([at, { topic, partition: 1 }]);
      expect(size!.records).toBe(3);
      expect(size!.bytes).toBeGreaterThan(3 * 61);
      expect(empty).toEqual({ records: 0, bytes: 0 });
    });

    test('a time is found where the first record is that is not older, also out of order', async () => {
      const offsets = await append(10, 30, 20, 40);
      const [range] = await broker.offsets([at]);
      const found = async (timestamp: number) => (await broker.offsetsAt([at], timestamp))[0];
      expect(await found(0)).toBe(offsets[0]);
      expect(await found(10)).toBe(offsets[0]);
      expect(await found(15)).toBe(offsets[1]);
      expect(await found(31)).toBe(offsets[3]);
      expect(await found(41)).toBe(range!.end);
      expect(await broker.offsetsAt([{ topic, partition: 1 }], 5)).toEqual([0]);
    });

    test('records in front of an offset are deleted: reading begins behind them, and an older offset gets the range', async () => {
      const offsets = await append(1, 2, 3, 4);
      const [before] = await broker.offsets([at]);
      await broker.deleteRecords([{ ...at, offset: offsets[2]! }]);
      const [range] = await broker.offsets([at]);
      expect(range).toEqual({ start: offsets[2], end: before!.end });
      expect((await readAll(broker, at)).values).toEqual(['at 3', 'at 4']);
      expect((await broker.sizes([at]))[0]!.records).toBe(2);
      const [answer] = await broker.reader().fetch([{ ...at, offset: offsets[0]!, maxBytes: 1000 }], 60_000);
      expect(answer).toMatchObject({ ...range, batches: [], nextOffset: offsets[0] });
      // what is deleted stays deleted, and an end is never passed
      await broker.deleteRecords([{ ...at, offset: offsets[1]! }]);
      expect(await broker.offsets([at])).toEqual([range]);
      await broker.deleteRecords([{ ...at, offset: before!.end + 100 }]);
      expect(await broker.offsets([at])).toEqual([{ start: before!.end, end: before!.end }]);
      expect(await broker.sizes([at])).toEqual([{ records: 0, bytes: 0 }]);
      const [next] = await append(5);
      expect(next).toBeGreaterThanOrEqual(before!.end);
      expect((await readAll(broker, at)).values).toEqual(['at 5']);
    });

    test('a deleted topic is gone with its offsets, and one of the same name that is made later has another id and no records', async () => {
      await append(1, 2);
      const member = await joined(broker, `group-${topic}`, [{ id: 'task', inputs: [at] }]);
      const writer = await member.open('task');
      await writer.commit({ appends: [], offsets: [{ ...at, offset: 2, metadata: '' }] });
      const before = await infoOf();
      await broker.deleteTopics([topic]);
      expect(await infoOf()).toBeUndefined();
      await expect(broker.offsets([at])).rejects.toMatchObject({ code: 'TOPO_TOPIC_UNKNOWN' });
      expect(await broker.groupOffsets(`group-${topic}`)).toEqual([]);
      await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
      expect((await infoOf())!.id).not.toBe(before!.id);
      expect(await broker.offsets([at])).toEqual([{ start: 0, end: 0 }]);
      await append(3);
      expect((await readAll(broker, at)).values).toEqual(['at 3']);
    });

    test('a topic takes another config, and keeps its records', async () => {
      await append(1);
      await broker.configureTopic(topic, { 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' });
      expect((await infoOf())!.config).toEqual({ 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' });
      await broker.configureTopic(topic, {});
      expect((await infoOf())!.config).toEqual({});
      expect((await readAll(broker, at)).values).toEqual(['at 1']);
    });

    test.each([
      ['a name that is none', { 'retention.minutes': '5' }, 'retention.minutes'],
      ['a number that is none', { 'retention.ms': 'a day' }, 'retention.ms'],
      ['a policy that is none', { 'cleanup.policy': 'shrink' }, 'cleanup.policy'],
    ])('a config with %s is refused by it, and nothing is made or changed', async (_, config, named) => {
      const refusal = { code: 'TOPO_TOPIC_CONFIG', message: expect.stringContaining(named) as string };
      const create = broker.createTopics([{ name: `${topic}.new`, partitions: 1, config }]);
      await expect(create).rejects.toMatchObject(refusal);
      await expect(broker.configureTopic(topic, config)).rejects.toMatchObject(refusal);
      expect((await broker.topics()).map(each => each.name)).not.toContain(`${topic}.new`);
      expect((await infoOf())!.config).toEqual({});
    });

    test('a topic that does not exist cannot be deleted, configured or cut', async () => {
      const unknown = { code: 'TOPO_TOPIC_UNKNOWN' };
      await expect(broker.deleteTopics([topic, `${topic}.unknown`])).rejects.toMatchObject(unknown);
      expect(await infoOf()).toBeDefined();
      await expect(broker.configureTopic(`${topic}.unknown`, {})).rejects.toMatchObject(unknown);
      await expect(broker.deleteRecords([{ topic, partition: 2, offset: 1 }])).rejects.toMatchObject(unknown);
      await expect(broker.sizes([{ topic, partition: 2 }])).rejects.toMatchObject(unknown);
      await expect(broker.offsetsAt([{ topic, partition: 2 }], 0)).rejects.toMatchObject(unknown);
    });
  });
}
