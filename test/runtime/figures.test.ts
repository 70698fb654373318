import { tap } from 'rxjs';
import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { Histogram } from '../../src/runtime/histogram.ts';
import type { HistogramFigures } from '../../src/runtime/histogram.ts';
import { TopologyTestDriver } from '../../src/testing/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { records } from '../drive.ts';
import { record, TestWorld } from './world.ts';

const input = topic('in', string(), string());

const copying = topology('t', t => {
  t.stream(input).to(topic('out', string(), string()));
});

/** The upper bounds of the buckets that have something, each with how much. */
const filled = ({ upperBounds, counts }: HistogramFigures) =>
  counts.flatMap((count, i) => (count > 0 ? [[upperBounds[i] ?? Infinity, count]] : []));

test('a value lies in the first bucket whose bound it does not exceed', () => {
  const histogram = new Histogram([1, 2]);
  histogram.observe(1);
  histogram.observe(1.5, 3);
  histogram.observe(9);
  expect(histogram.figures()).toEqual({ upperBounds: [1, 2], counts: [1, 3, 1], sum: 14.5 });
});

test("of an epoch's records in a partition the first and the last are timed, from timestamp to commit", async () => {
  await using world = await TestWorld.open();
  world.clock = new ManualClock(100_000);
  await world.topic('in', 1);
  await world.write('in', ...['a=1@41000', 'a=2@50000', 'a=3@99200'].map(record));
  const application = await world.start(copying);
  await application.idle();
  const { endToEnd, unit, commit } = application.figures().latencies;
  expect([...endToEnd.keys()]).toEqual(['in']);
  expect(filled(endToEnd.get('in')!)).toEqual([
    [1, 1],
    [60, 1],
  ]);
  expect(unit.counts.reduce((sum, count) => sum + count)).toBe(3);
  expect(commit.counts.reduce((sum, count) => sum + count)).toBe(1);
});

test('one record in an epoch is timed once, one of the future as of now', async () => {
  await using world = await TestWorld.open();
  world.clock = new ManualClock(1000);
  await world.topic('in', 1);
  await world.write('in', record('a=1@2000'));
  const application = await world.start(copying);
  await application.idle();
  expect(filled(application.figures().latencies.endToEnd.get('in')!)).toEqual([[0.005, 1]]);
});

test('lag() asks the broker for ends: what comes while the task takes nothing counts', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  let release = () => {};
  const held = new Promise<void>(resolve => (release = resolve));
  const calling = topology('t', t => {
    t.stream(input)
      .mapAsync('call', value => held.then(() => value), { concurrency: 1, order: 'partition' })
      .as(string())
      .to(topic('out', string(), string()));
  });
  const application = await world.start(calling);
  const large = 'x'.repeat(900_000);
  // more than a task buffers: it does not ask for more
  for (let n = 0; n < 9; n++) await world.write('in', { key: 'a', value: large, timestamp: 1 });
  let [lag] = await application.lag();
  while (lag!.committed < 4) [lag] = await application.turn().then(() => application.lag());
  await world.write('in', { key: 'a', value: large, timestamp: 1 });
  expect(await application.lag()).toMatchObject([{ topic: 'in', partition: 0, committed: 4, end: 10, lag: 6 }]);
  release();
  await application.idle();
  expect(await application.lag()).toMatchObject([{ committed: 10, end: 10, lag: 0, lagMs: 0 }]);
});

test('dead letters are counted by step and code', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  const parsing = topology('t', t => {
    t.stream(topic('in', string(), json<{ n: number }>()))
      .map(({ n }) => {
        if (n < 0) throw new Error('below 0');
        return n > 9 ? (undefined as unknown as number) : n;
      })
      .as(json<number>())
      .to(topic('out', string(), json<number>()));
  });
  await world.write('in', ...['{"n":1}', '{"n":-1}', '{"n":-2}', '{"n":10}', '?'].map(value => record(`a=${value}@1`)));
  const application = await world.start(parsing);
  await application.idle();
  const { deadLettered, steps } = application.figures();
  expect(deadLettered).toBe(4);
  expect(Object.fromEntries(steps.map(({ step, deadLetters }) => [step, deadLetters]))).toMatchObject({
    in: { TOPO_DECODE: 1 },
    map: { TOPO_USER_FUNCTION: 2, TOPO_RESULT_UNDEFINED: 1 },
    out: {},
  });
});

test("a store's cache counts what it had and what it read", async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  const counting = topology('t', t => {
    t.stream(input)
      .groupByKey()
      .count('counted')
      .to(topic('out', string(), json<number>()));
  });
  await world.write('in', ...['a=1@1', 'b=1@2', 'a=1@3', 'a=1@4', 'b=1@5'].map(record));
  const application = await world.start(counting);
  await application.idle();
  const [figures] = application.figures().stores;
  expect(figures).toMatchObject({ store: 'counted', cacheHits: 2, cacheMisses: 2 });
  expect((await application.storeBytes()).get('counted')).toBeGreaterThan(0);
});

test('no count falls: those of an epoch are seen when it is closed, as one that is aborted is run again', async () => {
  const seen: number[] = [];
  let looks = 0;
  const failing = topology('t', t => {
    t.stream(input)
      .peek(() => {
        looks++;
        seen.push(driver.figures().in);
      })
      .pipe(
        tap(({ value }) => {
          if (value === 'bad') throw new Error('an operator that fails');
        }),
      )
      .to(topic('out', string(), string()));
  });
  await using driver = await TopologyTestDriver.start(failing);
  await driver.pipeAll(records('in', 'k=a@1', 'k=b@2', 'k=bad@3', 'k=c@4'));
  expect(looks).toBeGreaterThan(4);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(driver.figures()).toMatchObject({ in: 4, out: 3, deadLettered: 1 });
});
