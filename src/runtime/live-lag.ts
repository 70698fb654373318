import { concat, defer, map, of, takeUntil } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Task } from './task.ts';

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
}

/** The lag of every partition the tasks read: at the subscription, then after each commit. */
export function liveLag(
  tasks: readonly Task[],
  commits: Observable<void>,
  ended: Observable<void>,
): Observable<readonly PartitionLag[]> {
  const now = () =>
    tasks.flatMap(task =>
      task.inputs.map((input): PartitionLag => {
        const committed = task.committedOffset(input);
        const end = Math.max(input.end, committed);
        return { topic: input.topic, partition: input.partition, committed, end, lag: end - committed };
      }),
    );
  return concat(
    defer(() => of(now())),
    commits.pipe(map(now)),
  ).pipe(takeUntil(ended));
}
