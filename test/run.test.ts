import { lastValueFrom, take, toArray } from 'rxjs';
import type { Observable } from 'rxjs';
import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../src/index.ts';
import { run } from '../src/run.ts';
import { temporaryFolder, withBroker } from './recovery/folders.ts';
import { record } from './runtime/world.ts';
import { writeTopic } from './topic-records.ts';

const input = topic('in', string(), string());
const counts = topic('counts', string(), json<number>());

/** Counts what it can; `bad` cannot be. */
const counted = topology('t', t =>
  t
    .stream(input)
    .filter(value => {
      if (value === 'bad') throw new Error('not this one');
      return true;
    })
    .groupByKey()
    .count('counted')
    .to(counts),
);

async function fill(data: string, ...texts: readonly string[]): Promise<void> {
  await withBroker(data, async broker => {
    await broker.createTopics([{ name: 'in', partitions: 1, config: {} }]);
    await writeTopic(broker, 'in', texts.map(record));
  });
}

const all = <T>(live: Observable<T>): Promise<T[]> => lastValueFrom(live.pipe(toArray()));

test('everything live of a run is there to subscribe to, and completes when the run stops', async () => {
  await using folder = await temporaryFolder();
  await fill(folder.path, 'k=a@1', 'k=bad@2', 'l=b@3', 'k=c@4');
  const running = await run(counted, { data: folder.path });
  const live = {
    letters: all(running.deadLetters$),
    figures: all(running.figures$),
    lag: all(running.lag$),
    records: all(running.records<string, number>('counts', { from: 'earliest' })),
    changes: all(running.changes<string, number>('counted', { from: 'earliest' }).pipe(take(2))),
  };
  await running.idle();
  const changes = await live.changes;
  await running.stop();

  const [letter, ...others] = await live.letters;
  expect(others).toEqual([]);
  const place = { topology: 't', step: 'filter', topic: 'in', partition: 0, offset: 1 };
  expect(letter).toMatchObject({ code: 'TOPO_USER_FUNCTION', place });
  expect((await live.figures).at(-1)).toMatchObject({ in: 4, out: 3, deadLettered: 1 });
  expect((await live.lag).at(-1)).toEqual([{ topic: 'in', partition: 0, committed: 4, end: 4, lag: 0, lagMs: 0 }]);
  expect((await live.records).map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`)).toEqual(['k=1@1', 'l=1@3', 'k=2@4']);
  expect(changes.map(({ key, value }) => `${key}=${value}`).sort()).toEqual(['k=2', 'l=1']);
}); // prettier-ignore

test('who no longer listens hears nothing', async () => {
  await using folder = await temporaryFolder();
  await fill(folder.path, 'k=bad@1');
  const running = await run(counted, { data: folder.path });
  const heard: string[] = [];
  const subscriptions = [
    running.deadLetters$.subscribe(() => heard.push('a dead letter')),
    running.figures$.subscribe(() => heard.push('figures')),
    running.records('in', { from: 'earliest' }).subscribe(() => heard.push('a record')),
  ];
  for (const subscription of subscriptions) subscription.unsubscribe();
  await running.idle();
  await running.stop();
  expect(heard).toEqual([]);
});

test.each([
  ['a word that is none', 'stpo', /the onError of the run is 'stpo': it is 'dead-letter', 'stop'/],
  ['a retry in another form', { times: 3, backoffMs: 1 }, /the onError of the run has no option 'times'/],
])('onError of a run: %s is refused, and nothing was made', async (_, onError, problem) => {
  await using folder = await temporaryFolder();
  const data = folder.path;
  await fill(data, 'k=bad@1');
  const refused = run(counted, { data, onError: onError as never });
  await expect(refused).rejects.toMatchObject({ code: 'TOPO_GRAPH_INVALID' });
  await expect(refused).rejects.toThrow(problem);
  const topics = await withBroker(data, broker => broker.topics());
  expect(topics.map(({ name }) => name)).toEqual(['in']);
});

test('onError of a run takes what that of a step takes', async () => {
  await using folder = await temporaryFolder();
  const data = folder.path;
  await fill(data, 'k=bad@1');
  const running = await run(counted, { data, onError: { retry: { times: 1, backoff: 0 }, then: 'stop' } });
  await expect(running.done).rejects.toMatchObject({ code: 'TOPO_STOPPED_BY_POLICY' });
});
