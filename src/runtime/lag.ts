import { concat, defer, map, of, takeUntil } from 'rxjs';
import type { Observable } from 'rxjs';
import type { BrokerReader, Clock } from './ports.ts';
import type { Task } from './task.ts';
import { isTime } from './values.ts';

/** How far a partition is processed. */
export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the first record that is not committed yet. */
  readonly committed: number;
  /** One past the last record, as last seen. */
  readonly end: number;
  /** Records between (gaps in the offsets count). */
  readonly lag: number;
  /** How old the first of them is, by its own timestamp; 0 where there is none, or it has none. */
  readonly lagMs: number;
}

/** The lag of every partition the tasks read, in their order. `ends`: what the broker knows of them now, in the same order. */
function lagsOf(tasks: readonly Task[], nowMs: number, ends?: readonly number[]): PartitionLag[] {
  const inputs = tasks.flatMap(task => task.inputs.map(input => ({ task, input })));
  return inputs.map(({ task, input }, index) => {
    const { topic, partition } = input;
    const committed = task.committedOffset(input);
    const end = Math.max(ends?.[index] ?? input.end, committed);
    const sinceMs = end > committed ? task.waitingSince(input) : undefined;
    const lagMs = ageMs(sinceMs, nowMs);
    return { topic, partition, committed, end, lag: end - committed, lagMs };
  });
}

/** How old something is since then; 0 where that is no time, as Kafka's -1 is none. */
export const ageMs = (sinceMs: number | undefined, nowMs: number): number =>
  sinceMs !== undefined && isTime(sinceMs) ? Math.max(0, nowMs - sinceMs) : 0;

/** The lag of every partition the tasks read, by the ends that the broker has now. */
export async function lagNow(
  tasks: readonly Task[],
  broker: Pick<BrokerReader, 'offsets'>,
  clock: Pick<Clock, 'now'>,
): Promise<PartitionLag[]> {
  const ranges = await broker.offsets(tasks.flatMap(task => task.inputs));
  return lagsOf(
    tasks,
    clock.now(),
    ranges.map(({ end }) => end),
  );
}

/** The lag of every partition the tasks read: at the subscription, then after each commit; by the ends last seen. */
export function liveLag(
  tasks: readonly Task[],
  clock: Pick<Clock, 'now'>,
  commits: Observable<void>,
  ended: Observable<void>,
): Observable<readonly PartitionLag[]> {
  const now = () => lagsOf(tasks, clock.now());
  return concat(
    defer(() => of(now())),
    commits.pipe(map(now)),
  ).pipe(takeUntil(ended));
}
