import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BatchReader } from '../../src/records/batch-reader.ts';
import { BatchWriter } from '../../src/records/batch-writer.ts';
import { encodeHeaders } from '../../src/records/headers.ts';
import type { Broker, CommitOutcome, MembershipListener, TopicPartition } from '../../src/runtime/ports.ts';
import { batchOf, valuesOf } from './batches.ts';
import { joined, readAll, writerOf } from './members.ts';

/** Long enough that a test which really waits for it fails. */
const FOREVER_MS = 60_000;

/**
 * What the runtime relies on, whatever the broker. Offsets have gaps: nothing here counts by them. `open` may give the same
 * cluster again and again: every test has topics and groups of its own.
 */
export function brokerContract(name: string, open: () => Promise<Broker>): void {
  describe(`${name} keeps the broker's contract:`, () => {
    let broker: Broker;
    let topic: string;
    let group: string;
    let at: TopicPartition;

    beforeEach(async () => {
      broker = await open();
      topic = `topic-${randomUUID()}`;
      group = `group-${randomUUID()}`;
      at = { topic, partition: 0 };
      await broker.createTopics([{ name: topic, partitions: 3, config: {} }]);
    });
    afterEach(() => broker.close());

    const committed = (outcome: CommitOutcome) => {
      if (outcome.kind !== 'committed') throw new Error(`the outcome is ${outcome.kind}`);
      return outcome.baseOffsets;
    };

    const append = async (...values: string[]) => {
      const writer = await writerOf(broker, `appender-of-${topic}`);
      return committed(
        await writer.commit({ appends: [{ ...at, batches: [batchOf(...values)] }], offsets: [] }),
      )[0]![0]!;
    };

    test('a topic is listed with its partitions, its config and an id', async () => {
      const config = { 'cleanup.policy': 'compact', 'max.message.bytes': '5000000' };
      await broker.createTopics([{ name: `${topic}.compacted`, partitions: 2, config }]);
      const found = (await broker.topics()).find(each => each.name === `${topic}.compacted`);
      expect(found).toEqual({ name: `${topic}.compacted`, id: expect.any(String) as string, partitions: 2, config });
      expect(found!.id).not.toBe((await broker.topics()).find(each => each.name === topic)!.id);
    });

    test('a topic that exists is refused, and none of its company is made', async () => {
      const topics = [`${topic}.new`, topic].map(each => ({ name: each, partitions: 1, config: {} }));
      await expect(broker.createTopics(topics)).rejects.toMatchObject({ code: 'TOPO_TOPIC_CONFLICT' });
      expect((await broker.topics()).map(each => each.name)).not.toContain(`${topic}.new`);
    });

    test('an empty partition is at its end', async () => {
      const [range] = await broker.offsets([at]);
      expect(range!.start).toBe(range!.end);
      const [answer] = await broker.reader().fetch([{ ...at, offset: range!.end, maxBytes: 1000 }], 0);
      expect(answer).toMatchObject({ ...at, ...range, batches: [], nextOffset: range!.end });
    });

    test('a topic that does not exist is named', async () => {
      const unknown = { topic: `${topic}.unknown`, partition: 0 };
      await expect(broker.offsets([unknown])).rejects.toMatchObject({ code: 'TOPO_TOPIC_UNKNOWN' });
      const reader = broker.reader();
      await expect(reader.fetch([{ ...unknown, offset: 0, maxBytes: 1 }], 0)).rejects.toMatchObject({
        code: 'TOPO_TOPIC_UNKNOWN',
      });
      await expect(broker.offsets([{ topic, partition: 3 }])).rejects.toMatchObject({ code: 'TOPO_TOPIC_UNKNOWN' });
    });

    test('a record comes back as it was written', async () => {
      const headers = encodeHeaders([['trace', Buffer.from('7f')]]);
      const batches = new BatchWriter(100_000);
      batches.append(1_234_567, Buffer.from('key'), Buffer.from('value'), headers);
      batches.append(1_234_560, null, null);
      const writer = await writerOf(broker, group);
      const outcome = await writer.commit({ appends: [{ ...at, batches: batches.finish() }], offsets: [] });
      const base = committed(outcome)[0]![0]!;
      const [answer] = await broker.reader().fetch([{ ...at, offset: base, maxBytes: 1 }], 0);
      const reader = new BatchReader();
      reader.load(answer!.batches[0]!, at);
      expect(reader.next()).toBe(true);
      expect([reader.offset, reader.timestamp]).toEqual([base, 1_234_567]);
      expect([String(reader.keyBytes()), String(reader.valueBytes())]).toEqual(['key', 'value']);
      expect(reader.headerBytes()).toEqual(headers);
      expect(reader.next()).toBe(true);
      expect([reader.offset, reader.timestamp, reader.keyBytes(), reader.valueBytes()]).toEqual([
        base + 1,
        1_234_560,
        null,
        null,
      ]);
      expect(reader.next()).toBe(false);
    });

    test('several batches of one partition in one commit keep their order', async () => {
      const writer = await writerOf(broker, group);
      const batches = [batchOf('a', 'b'), batchOf('c'), batchOf('d', 'e', 'f')];
      const other = { topic, partition: 2, batches: [batchOf('z')] };
      const [first, second] = committed(await writer.commit({ appends: [{ ...at, batches }, other], offsets: [] }));
      expect(first).toHaveLength(3);
      expect(first![1]).toBeGreaterThan(first![0]! + 1);
      expect(first![2]).toBeGreaterThan(first![1]!);
      expect(second).toHaveLength(1);
      expect((await readAll(broker, at)).values).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
      expect((await readAll(broker, { topic, partition: 2 })).values).toEqual(['z']);
      expect((await readAll(broker, { topic, partition: 1 })).values).toEqual([]);
    });

    test('a partition is read to its end by the next offset of each answer', async () => {
      for (const value of ['a', 'b', 'c', 'd']) await append(value, `${value}2`);
      const { values, answers } = await readAll(broker, at);
      expect(values).toEqual(['a', 'a2', 'b', 'b2', 'c', 'c2', 'd', 'd2']);
      expect(answers.every(answer => answer.batches.length <= 1)).toBe(true);
      expect(answers.at(-1)!.nextOffset).toBe((await broker.offsets([at]))[0]!.end);
    });

    test('an offset inside a batch brings the whole batch', async () => {
      await append('before');
      const base = await append('a', 'b', 'c');
      const [answer] = await broker.reader().fetch([{ ...at, offset: base + 1, maxBytes: 1 }], 0);
      expect(valuesOf(answer!.batches)).toEqual(['a', 'b', 'c']);
      expect(valuesOf(answer!.batches, base + 1)).toEqual(['b', 'c']);
    });

    test('a fetch brings one batch however large, and then no more than it asked for', async () => {
      const large = 'x'.repeat(10_000);
      const base = await append(large);
      for (const value of ['a', 'b', 'c']) await append(value);
      const reader = broker.reader();
      const [first] = await reader.fetch([{ ...at, offset: base, maxBytes: 100 }], 0);
      expect(valuesOf(first!.batches)).toEqual([large]);
      const two = 2 * batchOf('a').length;
      const [rest] = await reader.fetch([{ ...at, offset: first!.nextOffset, maxBytes: two }], 0);
      expect(valuesOf(rest!.batches)).toEqual(['a', 'b']);
    });

    test('a fetch answers every request, in order', async () => {
      await append('a');
      const requests = [2, 0, 1].map(partition => ({ topic, partition, offset: 0, maxBytes: 1000 }));
      const answers = await broker.reader().fetch(requests, 0);
      expect(answers.map(answer => answer.partition)).toEqual([2, 0, 1]);
      expect(answers.map(answer => valuesOf(answer.batches))).toEqual([[], ['a'], []]);
    });

    test('an offset past the end gets no batches and the range, at once', async () => {
      await append('a');
      const [range] = await broker.offsets([at]);
      const [answer] = await broker.reader().fetch([{ ...at, offset: range!.end + 5, maxBytes: 1000 }], FOREVER_MS);
      expect(answer).toMatchObject({ ...range, batches: [] });
    });

    test('a fetch that finds nothing waits for the next commit', async () => {
      await append('a');
      const [range] = await broker.offsets([at]);
      const fetching = broker.reader().fetch([{ ...at, offset: range!.end, maxBytes: 1000 }], FOREVER_MS);
      await append('b');
      expect(valuesOf((await fetching)[0]!.batches, range!.end)).toEqual(['b']);
    });

    test('a fetch that waited long enough comes back with nothing', async () => {
      const [range] = await broker.offsets([at]);
      const [answer] = await broker.reader().fetch([{ ...at, offset: range!.end, maxBytes: 1000 }], 20);
      expect(answer).toMatchObject({ ...range, batches: [], nextOffset: range!.end });
    });

    test('a reader that waits does not hold up another one', async () => {
      await append('a');
      const [range] = await broker.offsets([at]);
      const waiting = broker.reader();
      const fetching = waiting.fetch([{ ...at, offset: range!.end, maxBytes: 1000 }], FOREVER_MS);
      expect((await readAll(broker, at)).values).toEqual(['a']);
      await waiting.close();
      expect((await fetching)[0]!.batches).toEqual([]);
      await expect(waiting.fetch([], 0)).rejects.toMatchObject({ code: 'TOPO_CLOSED' });
    });

    test('a writer opens with the offsets that were committed for its inputs', async () => {
      const inputs = [at, { topic, partition: 1 }];
      const member = await joined(broker, group, [{ id: 'task', inputs }]);
      const writer = await member.open('task');
      expect(writer.committed).toEqual([]);
      const metadata = 'é'.repeat(2048);
      committed(await writer.commit({ appends: [], offsets: [{ ...at, offset: 7, metadata }] }));
      committed(await writer.commit({ appends: [], offsets: [{ ...at, offset: 9, metadata }] }));
      expect((await member.open('task')).committed).toEqual([{ ...at, offset: 9, metadata }]);
    });

    test("a group's offsets are its own, over all its tasks", async () => {
      const tasks = [0, 1].map(partition => ({ id: `task-${partition}`, inputs: [{ topic, partition }] }));
      for (const [each, offset] of [
        [group, 3],
        [`${group}-2`, 8],
      ] as const) {
        const member = await joined(broker, each, tasks);
        for (const { id, inputs } of tasks) {
          const offsets = [{ ...inputs[0]!, offset, metadata: id }];
          committed(await (await member.open(id)).commit({ appends: [], offsets }));
        }
      }
      const expected = (offset: number) => tasks.map(({ id, inputs }) => ({ ...inputs[0]!, offset, metadata: id }));
      const byPartition = (a: TopicPartition, b: TopicPartition) => a.partition - b.partition;
      expect((await broker.groupOffsets(group)).sort(byPartition)).toEqual(expected(3));
      expect((await broker.groupOffsets(`${group}-2`)).sort(byPartition)).toEqual(expected(8));
      expect(await broker.groupOffsets(`${group}-3`)).toEqual([]);
    });

    test('a writer is fenced when another one of its task is opened', async () => {
      const member = await joined(broker, group, [{ id: 'task', inputs: [at] }]);
      const old = await member.open('task');
      const offsets = [{ ...at, offset: 1, metadata: 'old' }];
      committed(await old.commit({ appends: [{ ...at, batches: [batchOf('seen')] }], offsets }));
      const young = await member.open('task');
      expect(young.committed).toEqual(offsets);
      const late = {
        appends: [{ ...at, batches: [batchOf('late')] }],
        offsets: [{ ...at, offset: 2, metadata: 'late' }],
      };
      expect(await old.commit(late)).toEqual({ kind: 'fenced' });
      expect(await member.holds('task')).toBe(true);
      committed(await young.commit({ appends: [{ ...at, batches: [batchOf('young')] }], offsets: [] }));
      expect((await readAll(broker, at)).values).toEqual(['seen', 'young']);
      expect(await broker.groupOffsets(group)).toEqual(offsets);
    });

    test('a commit that waits while its writer is fenced happens whole or not at all', async () => {
      for (let hops = 0; hops < 12; hops++) {
        const task = `task-${hops}`;
        const input = { topic, partition: 1 };
        const own = `${group}-${hops}`;
        const member = await joined(broker, own, [
          { id: task, inputs: [input] },
          { id: 'other', inputs: [] },
        ]);
        const [old, other] = [await member.open(task), await member.open('other')];
        const company = other.commit({ appends: [{ ...at, batches: [batchOf('company')] }], offsets: [] });
        for (let hop = 0; hop < hops; hop++) await Promise.resolve();
        const offsets = [{ ...input, offset: 1, metadata: 'old' }];
        const committing = old.commit({ appends: [{ ...input, batches: [batchOf(task)] }], offsets });
        const young = await member.open(task);
        const happened = young.committed.length > 0;
        await company;
        const outcome = await committing;
        if (outcome.kind !== 'unsettled') expect(outcome.kind).toBe(happened ? 'committed' : 'fenced');
        expect((await readAll(broker, input)).values.includes(task)).toBe(happened);
        expect(await broker.groupOffsets(own)).toEqual(happened ? offsets : []);
      }
    });

    test('a commit that is under way while its writer is fenced happens whole or not at all', async () => {
      const member = await joined(broker, group, [{ id: 'task', inputs: [at] }]);
      const old = await member.open('task');
      const offsets = [{ ...at, offset: 1, metadata: 'old' }];
      const committing = old.commit({ appends: [{ ...at, batches: [batchOf('old')] }], offsets });
      for (let hop = 0; hop < 4; hop++) await Promise.resolve();
      const young = await member.open('task');
      const happened = young.committed.length > 0;
      expect(['committed', 'fenced', 'unsettled']).toContain((await committing).kind);
      if ((await committing).kind === 'committed') expect(happened).toBe(true);
      if ((await committing).kind === 'fenced') expect(happened).toBe(false);
      expect((await readAll(broker, at)).values).toEqual(happened ? ['old'] : []);
      expect((await member.open('task')).committed).toEqual(happened ? offsets : []);
    });

    test('commits of several tasks at once are all there, each in one piece', async () => {
      const tasks = Array.from({ length: 12 }, (_, i) => ({ id: `task-${i}`, inputs: [] }));
      const member = await joined(broker, group, tasks);
      await Promise.all(
        tasks.map(async ({ id }) => {
          const writer = await member.open(id);
          for (let n = 0; n < 5; n++) {
            const appends = [0, 1, 2].map(partition => ({ topic, partition, batches: [batchOf(`${id}/${n}`)] }));
            committed(await writer.commit({ appends, offsets: [] }));
          }
        }),
      );
      for (const partition of [0, 1, 2]) {
        const { values } = await readAll(broker, { topic, partition });
        expect(values).toHaveLength(60);
        for (const { id } of tasks)
          expect(values.filter(value => value.startsWith(`${id}/`))).toEqual([0, 1, 2, 3, 4].map(n => `${id}/${n}`));
      }
    });

    test("a batch over its topic's max.message.bytes is refused by name, and nothing of its commit is seen", async () => {
      const roomy = `${topic}.roomy`;
      await broker.createTopics([{ name: roomy, partitions: 1, config: { 'max.message.bytes': '3000000' } }]);
      const writer = await writerOf(broker, group);
      const large = () => batchOf('x'.repeat(1_048_588));
      const appends = [
        { topic: roomy, partition: 0, batches: [batchOf('company')] },
        { ...at, batches: [large()] },
      ];
      const error = { code: 'TOPO_COMMIT_FAILED', place: at, message: expect.stringContaining(topic) as string };
      await expect(writer.commit({ appends, offsets: [] })).rejects.toMatchObject(error);
      expect((await readAll(broker, { topic: roomy, partition: 0 })).values).toEqual([]);
      const again = await writerOf(broker, group);
      const allowed = [{ topic: roomy, partition: 0, batches: [large()] }];
      committed(await again.commit({ appends: allowed, offsets: [] }));
    });

    test('tasks are assigned once the membership is there, and can be opened by it', async () => {
      const events: string[] = [];
      let opened: Promise<unknown> | undefined;
      let tell = (): void => {};
      const told = new Promise<void>(resolve => (tell = resolve));
      const listener: MembershipListener = {
        assigned: async tasks => {
          events.push(...tasks.map(task => `assigned ${task}`));
          opened = member.open(tasks[0]!);
          tell();
        },
        revoked: async () => {},
        lost: async () => {},
      };
      const member = await broker.join(group, [{ id: 'task', inputs: [at] }], listener);
      events.push('joined');
      await told;
      expect(events).toEqual(['joined', 'assigned task']);
      await expect(opened).resolves.toBeDefined();
      expect(await member.holds('task')).toBe(true);
      expect(await member.holds('another')).toBe(false);
    });

    test('who left holds nothing, and what it still commits is fenced', async () => {
      const member = await joined(broker, group, [{ id: 'task', inputs: [at] }]);
      const writer = await member.open('task');
      await member.leave();
      expect(await member.holds('task')).toBe(false);
      expect(await writer.commit({ appends: [{ ...at, batches: [batchOf('late')] }], offsets: [] })).toEqual({
        kind: 'fenced',
      });
      expect((await readAll(broker, at)).values).toEqual([]);
    });
  });
}
