import {
  Observable,
  Subject,
  asyncScheduler,
  bufferCount,
  bufferTime,
  concatMap,
  delay,
  filter,
  from,
  groupBy,
  map,
  mergeMap,
  NEVER,
  of,
  startWith,
  take,
  tap,
  timer,
  toArray,
} from 'rxjs';
import { afterEach, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { PipedRecord, Stream, StreamRecord, Topology } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { record, short, TestWorld } from '../runtime/world.ts';
import { Dice, seedOf } from '../seed.ts';

const input = topic('in', string(), string());
const output = topic('out', string(), string());
type One = StreamRecord<string, string>;

const uncaught: unknown[] = [];
const onUncaught = (error: unknown) => uncaught.push(error);
process.on('uncaughtException', onUncaught);
afterEach(() => expect(uncaught.splice(0)).toEqual([]));

/** in → pipe → out */
const through = (pipe: (stream: Stream<string, string>) => Stream<string, string>): Topology =>
  topology('t', t => pipe(t.stream(input)).as(string()).to(output));

/** Their values one behind the other, as a record of the first one's key. */
const joined = (list: readonly One[]): PipedRecord<string, string> => ({
  key: list[0]!.key,
  value: list.map(({ value }) => value).join(''),
});

test('operators see key, value, timestamp and headers, and what they hand on has those of the record under way', async () => {
  const seen: unknown[] = [];
  const pipe = through(stream =>
    stream.pipe(
      tap(one => seen.push(one)),
      filter(({ value }) => value !== 'drop'),
      map(({ key, value }) => ({ key, value: `${value}!` })),
    ),
  );
  await using driver = await drive(pipe);
  const headers = [['h', Buffer.from('x')]] as const;
  await driver.pipeAll([
    { topic: 'in', key: 'k', value: 'a', timestamp: 5, headers },
    { topic: 'in', key: 'k', value: 'drop', timestamp: 6 },
  ]);
  expect(seen).toEqual([
    { key: 'k', value: 'a', timestamp: 5, headers },
    { key: 'k', value: 'drop', timestamp: 6, headers: [] },
  ]);
  expect(await driver.read('out')).toMatchObject([{ key: 'k', value: 'a!', timestamp: 5, headers }]);
  expect(driver.figures().steps.find(({ step }) => step === 'pipe')).toMatchObject({ in: 2, out: 1 });
});

test('a record may be given another key of the same type, a timestamp and headers', async () => {
  const pipe = through(stream =>
    stream.pipe(
      map(({ key, value }) => ({
        key: key + value,
        value,
        timestamp: 7,
        headers: [['own', Buffer.from('y')]] as const,
      })),
    ),
  );
  await using driver = await drive(pipe);
  await driver.pipe({ topic: 'in', key: 'k', value: 'a', timestamp: 5, headers: [['h', Buffer.from('x')]] });
  expect(await driver.read('out')).toMatchObject([
    { key: 'ka', value: 'a', timestamp: 7, headers: [['own', Buffer.from('y')]] },
  ]);
});

test('a store behind a pipe and a repartition has the keys it hands on, and one count of each over all partitions', async () => {
  const counting = topology('t', t =>
    t
      .stream(input)
      .pipe(
        bufferCount(2),
        map(joined),
        map(({ value }) => ({ key: value.slice(0, 1), value })),
      )
      .as(string())
      .repartition('by-letter')
      .groupByKey()
      .count('counted')
      .to(topic('counts', string(), json<number>())),
  );
  await using driver = await drive(counting, { partitions: 4 });
  const fed = Array.from({ length: 20 }, (_, n) => `k${n}=${n % 2 === 0 ? 'a' : 'b'}@${n}`);
  for (const text of fed) await driver.pipeAll(records('in', text));
  expect(await driver.store('counted').get('a')).toBe(10);
  expect(await driver.store('counted').get('b')).toBe(10);
  const counts = await driver.read<string, number>('counts');
  expect(counts.filter(({ key }) => key === 'a').map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('a buffer that is not full comes out at the commit, with the timestamp of the last record', async () => {
  await using driver = await drive(through(stream => stream.pipe(bufferCount(2), map(joined))));
  await driver.pipeAll(records('in', 'k=a@1', 'k=b@2', 'k=c@3'));
  expect(brief(await driver.read('out'))).toEqual(['k=ab@2', 'k=c@3']);
  await driver.pipe({ topic: 'in', key: 'k', value: 'd', timestamp: 4 });
  await driver.pipe({ topic: 'in', key: 'k', value: 'e', timestamp: 5 });
  expect(brief(await driver.read('out'))).toEqual(['k=d@4', 'k=e@5']);
});

test('groupBy and mergeMap', async () => {
  const grouped = through(stream =>
    stream.pipe(
      groupBy(({ key }) => key),
      mergeMap(group => group.pipe(toArray())),
      map(joined),
    ),
  );
  await using driver = await drive(grouped);
  await driver.pipeAll(records('in', 'k=a@1', 'l=b@2', 'k=c@3', 'l=d@4'));
  expect(brief(await driver.read('out'))).toEqual(['k=ac@4', 'l=bd@4']);
});

test('one pipe behind another, and two on one stream, are all drained', async () => {
  const both = topology('t', t => {
    const stream = t.stream(input).pipe(bufferCount(2), map(joined)).as(string());
    stream.pipe(bufferCount(2), map(joined)).as(string()).to(output);
    stream
      .pipe(delay(1))
      .as(string())
      .to(topic('other', string(), string()));
  });
  await using driver = await drive(both);
  await driver.pipeAll(records('in', 'k=a@1', 'k=b@2', 'k=c@3'));
  expect(brief(await driver.read('out'))).toEqual(['k=abc@3']);
  expect((await driver.read('other')).map(({ value }) => value)).toEqual(['ab', 'c']);
});

test('operators that end by themselves, or emit at once, live from commit to commit', async () => {
  const once = through(stream => stream.pipe(take(1), startWith({ key: 's', value: 'start' })));
  await using driver = await drive(once);
  await driver.pipeAll(records('in', 'k=a@1', 'k=b@2'));
  expect(brief(await driver.read('out'))).toEqual(['s=start@1', 'k=a@1']);
  await driver.pipe({ topic: 'in', key: 'k', value: 'c', timestamp: 3 });
  expect(brief(await driver.read('out'))).toEqual(['s=start@3', 'k=c@3']);
});

/** Lets time pass until something has happened. */
async function whileTimePasses<T>(clock: ManualClock, awaited: Promise<T>, stepMs = 10): Promise<T> {
  let isOver = false;
  const over = () => (isOver = true);
  awaited.then(over, over);
  while (!isOver) {
    await clock.advance(stepMs);
    await clock.yield();
  }
  return awaited;
}

/** More records than a task takes in one turn, and a clock that moves after each. */
async function longEpoch(world: TestWorld, afterTurn: () => Promise<void>): Promise<string[]> {
  await world.topic('in', 1);
  const values = Array.from({ length: 2500 }, (_, n) => `${n},`);
  await world.write('in', ...values.map((value, timestamp) => ({ key: 'k', value, timestamp })));
  world.afterFetch = afterTurn;
  return values;
}

test('bufferTime on the clock of the task: what comes out between two records is a unit of its own, in the open epoch', async () => {
  await using world = await TestWorld.open();
  const clock = new ManualClock();
  world.clock = clock;
  const values = await longEpoch(world, () => clock.advance(1000));
  const buffered = through(stream =>
    stream.pipe(
      ({ scheduler }) => bufferTime(1000, scheduler),
      filter(list => list.length > 0),
      map(joined),
    ),
  );
  await world.runToIdle(buffered, { commitIntervalMs: 1_000_000 });
  const out = await world.read('out');
  expect(out.map(({ value }) => value!.split(',').length - 1)).toEqual([1000, 1000, 500]);
  expect(out.map(({ timestamp }) => timestamp)).toEqual([999, 1999, 2499]);
  expect(out.map(({ value }) => value).join('')).toBe(values.join(''));
  const [committed] = await world.broker.groupOffsets('t');
  expect(JSON.parse(committed!.metadata)).toMatchObject({ commit: 1 });
});

test('concatMap of timers: the commit waits for them, and they keep the order', async () => {
  await using world = await TestWorld.open();
  const clock = new ManualClock();
  world.clock = clock;
  await world.topic('in', 1);
  const slowed = through(stream =>
    stream.pipe(({ scheduler }) => concatMap(one => timer(100, scheduler).pipe(map(() => one)))),
  );
  const application = await world.start(slowed, { pipeDeadlineMs: 500 });
  await world.write('in', ...['k=a@1', 'l=b@2', 'k=c@3'].map(record));
  await whileTimePasses(clock, application.idle());
  expect(short(await world.read('out'))).toEqual(['k=a@1', 'l=b@2', 'k=c@3']);
  expect(clock.now()).toBeGreaterThanOrEqual(300);
});

test('operators that do not complete end the run, and nothing is committed', async () => {
  await using world = await TestWorld.open();
  const clock = new ManualClock();
  world.clock = clock;
  await world.topic('in', 1);
  await world.write('in', record('k=a@1'));
  const endless = topology('t', t => {
    const stream = t.stream(input);
    stream.to(topic('copy', string(), string()));
    stream
      .pipe(mergeMap(() => NEVER as Observable<One>))
      .as(string())
      .to(output);
  });
  const application = await world.start(endless, { pipeDeadlineMs: 500 });
  await expect(whileTimePasses(clock, application.done)).rejects.toMatchObject({
    code: 'TOPO_PIPE_NOT_COMPLETE',
    place: { step: 'pipe' },
  });
  expect(await world.read('copy')).toEqual([]);
  expect(await world.broker.groupOffsets('t')).toEqual([]);
});

test('a driver can crash or close while a pipe waits for its clock', async () => {
  const delayed = through(stream => stream.pipe(({ scheduler }) => delay(100, scheduler)));
  const driver = await drive(delayed);
  await driver.send(...records('in', 'k=a@1'));
  await driver.advance(1);
  await driver.crash();
  expect(await driver.read('out')).toEqual([]);
  await driver.restart();
  await driver.advance(1);
  await driver.restart();
  expect(brief(await driver.read('out'))).toEqual(['k=a@1']);
  await driver.send(...records('in', 'k=b@2'));
  await driver.advance(1);
  await driver.close();
});

/** Hands everything on, and fails at the end if there was something bad. */
const failsAtTheEnd = (source: Observable<One>): Observable<One> =>
  new Observable(subscriber => {
    let bad = false;
    return source.subscribe({
      next(one) {
        bad ||= one.value === 'bad';
        subscriber.next(one);
      },
      complete: () => (bad ? subscriber.error(new RangeError('not complete')) : subscriber.complete()),
    });
  });

/** How a pipe may fail for a record of value `bad`. */
const FAILURES: Readonly<Record<string, (stream: Stream<string, string>) => Stream<string, string>>> = {
  'an operator, at once': stream => stream.pipe(map(boom)),
  'an operator, later': stream => stream.pipe(delay(1), map(boom)),
  'an operator, at the end': stream => stream.pipe(failsAtTheEnd),
  'a promise': stream => stream.pipe(concatMap(async one => boom(one))),
  'a step behind, at once': stream =>
    stream
      .pipe(tap())
      .as(string())
      .map(value => boom({ value }).value),
  'a step behind, later': stream =>
    stream
      .pipe(delay(1))
      .as(string())
      .map(value => boom({ value }).value),
  'a step behind, at the commit': stream =>
    stream
      .pipe(
        bufferCount(1000),
        mergeMap(list => from(list)),
      )
      .as(string())
      .map(value => boom({ value }).value),
};

function boom<T extends { readonly value: string }>(one: T): T {
  if (one.value === 'bad') throw new TypeError('not this one');
  return one;
}

test.each(Object.entries(FAILURES))(
  '%s: only the record that led to it is dead-lettered, and all others come out once',
  async (_, pipe) => {
    await using driver = await drive(through(pipe));
    await driver.pipeAll(records('in', 'k=a@1', 'k=bad@2', 'k=b@3', 'l=c@4', 'l=bad@5'));
    expect((await driver.read('out')).map(({ key, value }) => `${String(key)}=${String(value)}`)).toEqual([
      'k=a',
      'k=b',
      'l=c',
    ]);
    const letters = await driver.read<Buffer, Buffer>('t.dead-letters');
    expect(letters.map(({ key, value, timestamp }) => `${key?.toString()}=${value?.toString()}@${timestamp}`)).toEqual([
      'k=bad@2',
      'l=bad@5',
    ]);
    expect(headerTexts(letters[0]!.headers)).toMatchObject({ 'topo.code': 'TOPO_USER_FUNCTION' });
  },
);

test('what an operator emits must be a record with a time', async () => {
  const values: Readonly<Record<string, unknown>> = {
    text: 'text',
    undefined: { key: 'k', value: undefined },
    keyless: { value: 'v' },
    promised: { key: 'k', value: Promise.resolve('v') },
    early: { key: 'k', value: 'v', timestamp: -1 },
  };
  await using driver = await drive(
    through(stream => stream.pipe(map(({ value }) => values[value] as PipedRecord<string, string>))),
  );
  await driver.pipeAll(Object.keys(values).map((value, at) => ({ topic: 'in', key: 'k', value, timestamp: at })));
  const letters = (await driver.read('t.dead-letters')).map(({ headers }) => headerTexts(headers));
  const messages = letters.map(one => [one['topo.code'], one['__streams.errors.message']]);
  expect(messages).toEqual([
    ['TOPO_USER_FUNCTION', 'its operators emitted something that is no record: { key, value }'],
    ['TOPO_RESULT_UNDEFINED', 'its operators emitted a record whose value is undefined; null stands for no value'],
    ['TOPO_RESULT_UNDEFINED', 'its operators emitted a record whose key is undefined; null stands for no key'],
    [
      'TOPO_USER_FUNCTION',
      'its operators emitted a record whose value is a promise: let an operator such as concatMap wait for it',
    ],
    ['TOPO_TIMESTAMP_INVALID', 'its operators emitted a timestamp that is no time'],
  ]);
});

test('a spoiled epoch is over when its records are: an input without another one holds nothing up', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.topic('quiet', 1);
  await world.write('quiet', record('k=q@1'));
  await world.write('in', ...['k=a@1', 'k=bad@2', 'k=b@3'].map(record));
  const two = topology('t', t => {
    t.stream(input)
      .merge(t.stream(topic('quiet', string(), string())))
      .pipe(delay(1), map(boom))
      .as(string())
      .to(output);
  });
  const application = await world.start(two);
  await application.idle();
  const commits = async () =>
    Number((JSON.parse((await world.broker.groupOffsets('t'))[0]!.metadata) as { commit: number }).commit);
  const before = await commits();
  await world.write('in', ...Array.from({ length: 100 }, (_, n) => record(`k=${n}@${n + 10}`)));
  await application.idle();
  expect((await commits()) - before).toBeLessThan(10);
  expect((await world.read('out')).length).toBe(103);
});

test('random operators, failures, epochs, restarts and lost processes: each record comes out once', async () => {
  const seed = seedOf('pipe');
  const dice = new Dice(seed);
  const pipes: readonly ((stream: Stream<string, string>) => Stream<string, string>)[] = [
    stream => stream.pipe(concatMap(async one => boom(one))),
    stream =>
      stream.pipe(
        mergeMap(one => (one.value.length % 2 === 0 ? of(one).pipe(delay(1)) : of(one))),
        map(boom),
      ),
    stream =>
      stream.pipe(
        bufferTime(2, asyncScheduler),
        mergeMap(list => from(list)),
        map(boom),
      ),
    stream =>
      stream
        .pipe(
          bufferCount(7),
          mergeMap(list => from(list)),
        )
        .as(string())
        .map(value => boom({ value }).value),
    stream =>
      stream.pipe(
        groupBy(({ key }) => key),
        mergeMap(group => group.pipe(delay(1))),
        failsAtTheEnd,
      ),
  ];
  for (let round = 0; round < 15; round++) {
    const pipe = through(pipes[round % pipes.length]!);
    let world = await TestWorld.open();
    await world.topic('in', 2);
    const values = Array.from({ length: 120 }, (_, n) => (dice.below(30) === 0 ? 'bad' : `v${n}`));
    const all = values.map((value, n) => ({ key: `k${n % 7}`, value, timestamp: n }));
    const settings = () => ({ partitions: 2, maxEpochRecords: 1 + dice.below(60), commitIntervalMs: dice.below(3) });
    for (let written = 0; written < all.length;) {
      const next = written + 1 + dice.below(50);
      await world.write('in', ...all.slice(written, next));
      written = next;
      const application = await world.start(pipe, settings());
      const turns = dice.below(200);
      for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve));
      if (dice.below(2) === 0) await application.stop();
      else {
        const lost = world;
        world = await lost.afterLoss();
        await lost[Symbol.asyncDispose]();
      }
    }
    await world.runToIdle(pipe, settings());
    const good = values.filter(value => value !== 'bad');
    expect((await world.read('out')).map(({ value }) => value).sort(), `seed ${seed}, round ${round}`).toEqual(
      good.sort(),
    );
    expect((await world.read('t.dead-letters')).length).toBe(values.length - good.length);
    await world[Symbol.asyncDispose]();
  }
});

test('a subject of the user that feeds two tasks is no way into a unit that is not its own', async () => {
  const outside = new Subject<PipedRecord<string, string>>();
  await using driver = await drive(
    topology('t', t => {
      const stream = t.stream(input);
      stream
        .pipe(
          tap(({ value }) => outside.next({ key: 'o', value })),
          filter(() => false),
        )
        .as(string())
        .to(output);
      stream
        .pipe(
          source =>
            new Observable<PipedRecord<string, string>>(subscriber => {
              const inner = outside.subscribe(subscriber);
              inner.add(source.subscribe({ complete: () => subscriber.complete() }));
              return inner;
            }),
        )
        .as(string())
        .to(topic('other', string(), string()));
    }),
  );
  await driver.pipeAll(records('in', 'k=a@1', 'k=b@2', 'k=c@3'));
  expect((await driver.read('other')).map(({ value }) => value)).toEqual(['b', 'c']);
});
