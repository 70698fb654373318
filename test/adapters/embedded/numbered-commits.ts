import { BatchWriter } from '../../../src/records/batch-writer.ts';
import type { Broker, BrokerReader, CommitOutcome } from '../../../src/runtime/ports.ts';
import { batchOf } from '../../contracts/batches.ts';
import { joined, readAll } from '../../contracts/members.ts';
import { readKeyed } from './cleaned-log.ts';

/**
 * Commits that tell on their own: commit n of a task appends its number to each of two partitions, beside filler of a size that
 * its number gives, and moves the task's offset to n.
 */
export const TOPIC = 'numbers';
export const GROUP = 'numbering';
const ROWS = 'rows';
export const TASKS = ['a', 'b', 'c'] as const;

const OUTPUTS = [3, 4];
const inputOf = (task: string) => ({ topic: TOPIC, partition: TASKS.indexOf(task as (typeof TASKS)[number]) });

export async function prepare(broker: Broker): Promise<void> {
  if ((await broker.topics()).length === 0) await broker.createTopics([{ name: TOPIC, partitions: 5, config: {} }]);
}

/** A compacted topic, too: each commit puts its number under its task's key, so that most of the log is soon dead. */
export async function prepareRows(broker: Broker): Promise<void> {
  if ((await broker.topics()).some(({ name }) => name === ROWS)) return;
  await broker.createTopics([{ name: ROWS, partitions: 1, config: { 'cleanup.policy': 'compact' } }]);
}

/** Goes on behind what is committed, `count` commits a task, all tasks at once. Tells of each that was acknowledged. */
export async function commitNumbers(
  broker: Broker,
  count: number,
  acknowledged: (task: string, n: number) => void,
  most = 300,
): Promise<void> {
  const hasRows = (await broker.topics()).some(({ name }) => name === ROWS);
  const specs = TASKS.map(id => ({ id, inputs: [inputOf(id)] }));
  const member = await joined(broker, GROUP, specs);
  const results = await Promise.allSettled(
    TASKS.map(async task => {
      const writer = await member.open(task);
      const from = writer.committed[0]?.offset ?? 0;
      for (let n = from + 1; n <= from + count; n++) {
        const outcome: CommitOutcome = await writer.commit(commitOf(task, n, most, hasRows));
        if (outcome.kind !== 'committed') throw new Error(outcome.kind);
        acknowledged(task, n);
      }
    }),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function commitOf(task: string, n: number, most: number, hasRows: boolean) {
  const filler = 'x'.repeat((n * 7919) % most);
  return {
    appends: [
      ...OUTPUTS.map(partition => ({ topic: TOPIC, partition, batches: [batchOf(`${task} ${n}`, `- ${filler}`)] })),
      ...(hasRows ? [{ topic: ROWS, partition: 0, batches: [rowOf(task, n)] }] : []),
    ],
    offsets: [{ ...inputOf(task), offset: n, metadata: `commit ${n}` }],
  };
}

/** Large, so that a segment of them is worth cleaning. */
function rowOf(task: string, n: number): Buffer {
  const batch = new BatchWriter(100_000);
  batch.append(n, Buffer.from(task), Buffer.from(`${n} ${'x'.repeat(2000)}`));
  return batch.finish()[0]!;
}

/** How many commits of each task the log holds. @throws when it holds parts of one, or one twice, or not in order. */
export async function countCommits(broker: BrokerReader, maxBytes = 20_000): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  if ((await broker.topics()).length === 0) return counts;
  for (const { partition, offset, metadata } of await broker.groupOffsets(GROUP)) {
    counts[TASKS[partition]!] = offset;
    if (metadata !== `commit ${offset}`) throw new Error(`offset ${offset} with metadata ${metadata}`);
  }
  for (const partition of OUTPUTS) {
    const { values, offsets } = await readAll(broker, { topic: TOPIC, partition }, maxBytes);
    // this log has no gaps: records lie at their offsets
    offsets.forEach((offset, i) => {
      if (offset !== i) throw new Error(`offset ${offset} in place of ${i}`);
    });
    const seen: Record<string, number> = {};
    for (const value of values) {
      const [task, n] = value.split(' ') as [string, string];
      if (task === '-') continue;
      if (Number(n) !== (seen[task] ?? 0) + 1) throw new Error(`${task}: ${n} behind ${seen[task]}`);
      seen[task] = Number(n);
    }
    for (const task of TASKS)
      if ((seen[task] ?? 0) !== (counts[task] ?? 0))
        throw new Error(`${task}: ${seen[task]} commits in partition ${partition}, ${counts[task]} by its offset`);
  }
  if ((await broker.topics()).some(({ name }) => name === ROWS)) await checkRows(broker, counts);
  return counts;
}

/** Whatever compaction has taken away: the newest row of each task is its last commit's. */
async function checkRows(broker: BrokerReader, counts: Readonly<Record<string, number>>): Promise<void> {
  const rows = new Map((await readKeyed(broker, { topic: ROWS, partition: 0 }, 0)).map(row => [row.key, row]));
  for (const [task, count] of Object.entries(counts))
    if (rows.get(task)?.timestamp !== count)
      throw new Error(`${task}: row ${rows.get(task)?.timestamp}, commit ${count}`);
}
