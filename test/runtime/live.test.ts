import { firstValueFrom, take, toArray } from 'rxjs';
import type { Observable } from 'rxjs';
import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { record, TestWorld } from './world.ts';

const input = topic('in', string(), string());
const output = topic('out', string(), json<{ text: string }>());

const topologyOf = () =>
  topology('t', t => {
    const stream = t.stream(input);
    stream.map(text => ({ text })).to(output);
    stream.toTable('rows');
    stream.groupByKey().count('counted');
  });

async function opened(partitions = 1): Promise<TestWorld> {
  const world = await TestWorld.open();
  await world.topic('in', partitions);
  return world;
}

const first = <T>(live: Observable<T>, count: number): Promise<T[]> =>
  firstValueFrom(live.pipe(take(count), toArray()));

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

test('records of a sink, decoded, from the beginning and as they are committed', async () => {
  await using world = await opened();
  await world.write('in', { key: 'k', value: 'a', timestamp: 1, headers: [['h', 'x']] });
  const application = await world.start(topologyOf());
  await application.idle();
  const both = first(application.records('out', { from: 'earliest' }), 2);
  await world.write('in', record('l=b@2'));
  expect(await both).toEqual([
    {
      topic: 'out',
      partition: 0,
      offset: 0,
      timestamp: 1,
      key: 'k',
      value: { text: 'a' },
      headers: [['h', Buffer.from('x')]],
    },
    { topic: 'out', partition: 0, offset: 1, timestamp: 2, key: 'l', value: { text: 'b' }, headers: [] },
  ]);
});

test('by default what was there at the subscription is passed over; each subscription begins for itself', async () => {
  await using world = await opened();
  await world.write('in', record('k=a@1'));
  const application = await world.start(topologyOf());
  await application.idle();
  const live = application.records('in');
  const seen: unknown[][] = [[], []];
  const earlier = live.subscribe(({ value }) => seen[0]!.push(value));
  await application.turn();
  await world.write('in', record('k=b@2'));
  await until(() => seen[0]!.length === 1);
  const later = live.subscribe(({ value }) => seen[1]!.push(value));
  await application.turn();
  await world.write('in', record('k=c@3'));
  await until(() => seen[1]!.length === 1);
  expect(seen).toEqual([['b', 'c'], ['c']]);
  earlier.unsubscribe();
  later.unsubscribe();
});

test('a loop that takes its time pulls the records: nothing is read far ahead of it, and it ends with the run', async () => {
  await using world = await opened();
  for (let n = 0; n < 50; n++)
    await world.write(
      'in',
      ...Array.from({ length: 100 }, (_, m) => ({ key: 'k', value: `${n * 100 + m}`, timestamp: n })),
    );
  const application = await world.start(topologyOf());
  await application.idle();
  const before = world.openReaders;
  let fetches = 0;
  world.afterFetch = () => void fetches++;
  const seen: string[] = [];
  const looped = (async () => {
    for await (const { value } of application.records<string, string>('in', { from: 'earliest' })) {
      seen.push(value!);
      await turn();
      if (seen.length === 1) {
        await turn();
        // the rest waits for the loop: far fewer reads than there are batches
        expect(fetches).toBeLessThan(10);
      }
    }
  })();
  await until(() => seen.length === 5000);
  expect(seen).toEqual(Array.from({ length: 5000 }, (_, n) => `${n}`));
  for await (const { value } of application.records('in', { from: 'earliest' })) {
    expect(value).toBe('0');
    break;
  }
  expect(world.openReaders).toBe(before + 1);
  await application.stop();
  await looped;
  expect(world.openReaders).toBe(0);
});

test('every partition is followed, each in its order', async () => {
  await using world = await opened(3);
  const all = Array.from({ length: 3000 }, (_, n) => ({ key: `k${n % 20}`, value: `${n}`, timestamp: n }));
  await world.write('in', ...all);
  const application = await world.start(topologyOf(), { partitions: 3 });
  const found = await first(application.records<string, string>('in', { from: 'earliest' }), 3000);
  expect(new Set(found.map(({ value }) => value)).size).toBe(3000);
  for (const partition of [0, 1, 2]) {
    const offsets = found.flatMap(one => (one.partition === partition ? [one.offset] : []));
    expect(offsets).toEqual(offsets.map((_, index) => index));
  }
});

test('changes of a store: its rows or results, null for what is deleted', async () => {
  await using world = await opened();
  const application = await world.start(topologyOf());
  const rows = first(application.changes('rows', { from: 'earliest' }), 2);
  const counts = first(application.changes('counted', { from: 'earliest' }), 2);
  for (const text of ['k=a@1', 'k=b@2']) {
    await world.write('in', record(text));
    await application.idle();
  }
  expect(await rows).toEqual([
    { key: 'k', value: 'a', timestamp: 1 },
    { key: 'k', value: 'b', timestamp: 2 },
  ]);
  expect((await counts).map(({ value }) => value)).toEqual([1, 2]);
});

test('a deleted row is a change to null', async () => {
  await using world = await opened();
  const application = await world.start(
    topology('t', t => {
      t.table('rows', input);
    }),
  );
  const rows = first(application.changes('rows', { from: 'earliest' }), 2);
  for (const text of ['k=a@1', 'k=null@2']) {
    await world.write('in', record(text));
    await application.idle();
  }
  expect(await rows).toEqual([
    { key: 'k', value: 'a', timestamp: 1 },
    { key: 'k', value: null, timestamp: 2 },
  ]);
});

test('lag of each partition: at the subscription, and after each commit', async () => {
  await using world = await opened();
  await world.write('in', record('k=a@1'));
  const application = await world.start(topologyOf());
  await application.idle();
  const place = { topic: 'in', partition: 0 };
  expect(await firstValueFrom(application.lag$)).toEqual([{ ...place, committed: 1, end: 1, lag: 0, lagMs: 0 }]);
  const next = first(application.lag$, 2);
  await world.write('in', record('k=b@2'));
  expect((await next)[1]).toEqual([{ ...place, committed: 2, end: 2, lag: 0, lagMs: 0 }]);
});

test('nothing is read before a subscription, and no reader is left open behind it', async () => {
  await using world = await opened();
  await world.write('in', ...Array.from({ length: 100 }, (_, n) => record(`k=${n}@${n}`)));
  const application = await world.start(topologyOf());
  await application.idle();
  const before = world.openReaders;
  const live = application.records('in', { from: 'earliest' });
  expect(world.openReaders).toBe(before);
  // in the middle of a batch
  await first(live, 10);
  expect(world.openReaders).toBe(before);
  // while it waits for more
  const waiting = application.records('in').subscribe();
  await application.turn();
  expect(world.openReaders).toBe(before + 1);
  waiting.unsubscribe();
  expect(world.openReaders).toBe(before);
});

test('a batch is not read before the subscriber is done with the one before', async () => {
  await using world = await opened();
  const application = await world.start(topologyOf());
  await application.idle();
  const text = 'x'.repeat(1000);
  await world.write('in', ...Array.from({ length: 2000 }, (_, n) => record(`k=${text}${n}@${n}`)));
  await application.idle();
  let fetches = 0;
  world.afterFetch = () => void fetches++;
  const fetchesAt: number[] = [];
  await new Promise<void>(resolve => {
    let count = 0;
    application.records('in', { from: 'earliest' }).subscribe(() => {
      fetchesAt.push(fetches);
      if (++count === 2000) resolve();
    });
  });
  // about 2 MB, 64 KB at a time
  expect(new Set(fetchesAt).size).toBeGreaterThan(20);
});

test('a record that does not decode is an error with its place, and the run goes on', async () => {
  await using world = await opened();
  const numbers = topology('t', t => {
    t.stream(topic('in', string(), json<number>()));
  });
  await world.write('in', record('k=1@1'), record('k={@2'));
  const application = await world.start(numbers);
  const seen: unknown[] = [];
  const error = await new Promise(resolve => {
    application
      .records('in', { from: 'earliest' })
      .subscribe({ next: ({ value }) => seen.push(value), error: resolve });
  });
  expect(seen).toEqual([1]);
  expect(error).toMatchObject({
    code: 'TOPO_DECODE',
    place: { topology: 't', topic: 'in', partition: 0, offset: 1 },
  });
  await application.idle();
});

test('all complete when the run stops, and at once after that', async () => {
  await using world = await opened();
  const application = await world.start(topologyOf());
  const live = [application.records('in'), application.changes('rows'), application.lag$] as Observable<unknown>[];
  const ended = live.map(one => new Promise<void>(resolve => void one.subscribe({ complete: resolve })));
  await application.turn();
  await application.stop();
  await Promise.all(ended);
  expect(world.openReaders).toBe(0);
  await Promise.all(live.map(one => new Promise<void>(resolve => void one.subscribe({ complete: resolve }))));
  expect(world.openReaders).toBe(0);
});

test('any number of subscriptions at once, and nobody is warned of a leak', async () => {
  const warnings: unknown[] = [];
  const onWarning = (warning: unknown) => void warnings.push(warning);
  process.on('warning', onWarning);
  await using world = await opened();
  const application = await world.start(topologyOf());
  const all = Array.from({ length: 20 }, () => [application.records('in').subscribe(), application.lag$.subscribe()]);
  await application.turn();
  all.flat().forEach(one => one.unsubscribe());
  await turn();
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

test('a topic or store that is not there is refused at the call', async () => {
  await using world = await opened();
  const application = await world.start(topologyOf());
  expect(() => application.records('elsewhere')).toThrow(/no topic elsewhere; it has in, out/);
  expect(() => application.changes('none')).toThrow(/no store 'none': those that can be read are/);
});
