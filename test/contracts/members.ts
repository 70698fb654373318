import type { Broker, BrokerReader, Fetched, Membership, TaskSpec, TopicPartition } from '../../src/runtime/ports.ts';
import { offsetsOf, valuesOf } from './batches.ts';

/** Joins, and resolves once all tasks are assigned. */
export async function joined(broker: Broker, group: string, tasks: readonly TaskSpec[]): Promise<Membership> {
  let toldAll = (): void => {};
  const all = new Promise<void>(resolve => (toldAll = resolve));
  const missing = new Set(tasks.map(task => task.id));
  const membership = await broker.join(group, tasks, {
    assigned: async assigned => {
      for (const task of assigned) missing.delete(task);
      if (missing.size === 0) toldAll();
    },
    revoked: async () => {},
    lost: async () => {},
  });
  await all;
  return membership;
}

/** A writer for a task of its own group that reads nothing. */
export async function writerOf(broker: Broker, group = 'writers', inputs: readonly TopicPartition[] = []) {
  return (await joined(broker, group, [{ id: 'task', inputs }])).open('task');
}

/** Reads a partition to its end, in many small fetches. */
export async function readAll(
  broker: BrokerReader,
  at: TopicPartition,
  maxBytes = 1,
): Promise<{ values: string[]; offsets: number[]; answers: Fetched[] }> {
  const reader = broker.reader();
  const answers: Fetched[] = [];
  const values: string[] = [];
  const places: number[] = [];
  try {
    const [range] = await broker.offsets([at]);
    for (let offset = range!.start; ;) {
      const [answer] = await reader.fetch([{ topic: at.topic, partition: at.partition, offset, maxBytes }], 0);
      answers.push(answer!);
      values.push(...valuesOf(answer!.batches, offset));
      places.push(...offsetsOf(answer!.batches, offset));
      offset = answer!.nextOffset;
      if (offset >= answer!.end) return { values, offsets: places, answers };
    }
  } finally {
    await reader.close();
  }
}
