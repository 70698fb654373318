import { Observable, takeUntil } from 'rxjs';
import { BatchReader } from '../records/batch-reader.ts';
import type { BrokerReader, Clock, FetchRequest } from './ports.ts';

export interface LiveOptions {
  /** `latest` (default): what is committed from the subscription on. `earliest`: what lies there before it, too. */
  readonly from?: 'latest' | 'earliest';
}

/** What live Observables read, and how long. */
export interface LiveSource {
  readonly broker: Pick<BrokerReader, 'topics' | 'offsets' | 'reader'>;
  readonly clock: Pick<Clock, 'yield'>;
  /** Emits when the run ends, and at once when it has. */
  readonly ended: Observable<void>;
}

/** Bytes of a partition that are read ahead of the subscriber. */
const AHEAD_BYTES = 64 * 1024;
const WAIT_MS = 1000;

/**
 * What `read` makes of a topic's records as they are committed; undefined passes over one. Cold: each subscription reads the log
 * for itself, no further ahead than a batch, so that nothing piles up behind a slow subscriber. It completes when the run ends;
 * what `read` throws is an error.
 */
export function follow<T>(
  source: LiveSource,
  topic: string,
  { from = 'latest' }: LiveOptions,
  read: (cursor: BatchReader, partition: number) => T | undefined,
): Observable<T> {
  const { broker, clock, ended } = source;
  return new Observable<T>(subscriber => {
    const reader = broker.reader();
    const cursor = new BatchReader();
    const run = async () => {
      let requests = await firstRequests(source, topic, from);
      while (!subscriber.closed) {
        const answers = await reader.fetch(requests, WAIT_MS);
        for (const [index, { batches, partition }] of answers.entries())
          for (const batch of batches) {
            cursor.load(batch);
            while (!subscriber.closed && cursor.next()) {
              const result = cursor.offset < requests[index]!.offset ? undefined : read(cursor, partition);
              if (result !== undefined) subscriber.next(result);
            }
            await clock.yield();
          }
        // what retention has deleted meanwhile is gone
        requests = requests.map((request, index) => ({
          ...request,
          offset: Math.max(answers[index]!.nextOffset, answers[index]!.start),
        }));
      }
    };
    run().catch((error: unknown) => subscriber.error(error));
    return () => void reader.close();
  }).pipe(takeUntil(ended));
}

async function firstRequests(
  { broker }: LiveSource,
  topic: string,
  from: 'latest' | 'earliest',
): Promise<FetchRequest[]> {
  const info = (await broker.topics()).find(({ name }) => name === topic);
  const places = Array.from({ length: info?.partitions ?? 0 }, (_, partition) => ({ topic, partition }));
  const ranges = await broker.offsets(places);
  return places.map((place, index) => {
    const { start, end } = ranges[index]!;
    return { ...place, offset: from === 'earliest' ? start : end, maxBytes: AHEAD_BYTES };
  });
}
