import { Observable, takeUntil } from 'rxjs';
import { BatchReader } from '../records/batch-reader.ts';
import type { BrokerReader, Clock, FetchRequest, Reader } from './ports.ts';

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
 * Pushed to who subscribes, as fast as that takes it: an operator that waits, such as `concatMap`, piles up what it did not get to.
 * Pulled by `for await`, it reads no further ahead than a batch, however slow the loop is.
 */
export type Live<T> = Observable<T> & AsyncIterable<T>;

/**
 * What `read` makes of a topic's records as they are committed; undefined passes over one. Cold: each subscription, and each loop,
 * reads the log for itself. It completes when the run ends; what `read` throws is an error.
 */
export function follow<T>(
  source: LiveSource,
  topic: string,
  { from = 'latest' }: LiveOptions,
  read: (cursor: BatchReader, partition: number) => T | undefined,
): Live<T> {
  const { broker, ended } = source;
  const followed = { source, topic, from, read };
  const pushed = new Observable<T>(subscriber => {
    const reader = broker.reader();
    const run = async () => {
      for await (const batch of batchesOf(followed, reader))
        for (const one of batch) {
          subscriber.next(one);
          if (subscriber.closed) return;
        }
    };
    run().catch((error: unknown) => subscriber.error(error));
    return () => void reader.close();
  }).pipe(takeUntil(ended));

  async function* pulled(): AsyncGenerator<T, void, undefined> {
    const reader = broker.reader();
    let isOver = false;
    const close = () => {
      if (isOver) return;
      isOver = true;
      void reader.close();
    };
    const ending = ended.subscribe(close);
    try {
      for await (const batch of batchesOf(followed, reader))
        for (const one of batch) {
          if (isOver) return;
          yield one;
        }
    } catch (error) {
      // a fetch that waited when the run ended
      if (!isOver) throw error;
    } finally {
      ending.unsubscribe();
      close();
    }
  }
  return Object.assign(pushed, { [Symbol.asyncIterator]: pulled });
}

interface Followed<T> {
  readonly source: LiveSource;
  readonly topic: string;
  readonly from: 'latest' | 'earliest';
  readonly read: (cursor: BatchReader, partition: number) => T | undefined;
}

/** Without an end: who takes them closes the reader. Where `read` throws, what stood before comes first. */
async function* batchesOf<T>({ source, topic, from, read }: Followed<T>, reader: Reader): AsyncGenerator<T[]> {
  const cursor = new BatchReader();
  let requests = await firstRequests(source, topic, from);
  for (;;) {
    const answers = await reader.fetch(requests, WAIT_MS);
    for (const [index, { batches, partition }] of answers.entries())
      for (const batch of batches) {
        const results: T[] = [];
        let failure: { readonly thrown: unknown } | undefined;
        cursor.load(batch, { topic, partition });
        try {
          while (cursor.next()) {
            const result = cursor.offset < requests[index]!.offset ? undefined : read(cursor, partition);
            if (result !== undefined) results.push(result);
          }
        } catch (thrown) {
          failure = { thrown };
        }
        yield results;
        if (failure !== undefined) throw failure.thrown;
        await source.clock.yield();
      }
    // what retention has deleted meanwhile is gone
    requests = requests.map((request, index) => ({
      ...request,
      offset: Math.max(answers[index]!.nextOffset, answers[index]!.start),
    }));
  }
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
