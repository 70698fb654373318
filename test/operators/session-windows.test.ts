import { describe, expect, test } from 'vitest';
import {
  avg,
  collect,
  count,
  countDistinct,
  first,
  last,
  max,
  min,
  session,
  string,
  sum,
  topN,
  topic,
  topology,
} from '../../src/index.ts';
import type { WindowOptions } from '../../src/index.ts';
import { drive, records } from '../drive.ts';
import { liveEntries } from '../live-entries.ts';
import { readWindows, storedWindows, windowRows } from '../windowed-records.ts';

const input = topic('in', string(), string());
const counts = (gapMs: number, options: WindowOptions = {}) =>
  topology('t', t => t.stream(input).groupByKey().window(session(gapMs, options)).count('counts').to(windowRows));
const SEQUENCE = records('in', 'k1=x@0', 'k1=x@5', 'k1=x@1', 'k2=x@11', 'k1=x@5', 'k1=x@30');

describe('sessions', () => {
  test('the session before is retracted before the longer one is handed on', async () => {
    await using driver = await drive(counts(5));
    await driver.pipeAll(SEQUENCE);
    expect(await readWindows(driver)).toEqual([
      'k1[0,0]=1@0',
      'k1[0,0]=null@0',
      'k1[0,5]=2@5',
      'k1[0,5]=null@5',
      'k1[0,5]=3@5',
      'k2[11,11]=1@11',
      'k1[30,30]=1@30',
    ]);
    expect(driver.figures().dropped).toEqual({ late: 1 });
  });

  test('final: each is handed on once, at its close', async () => {
    await using driver = await drive(counts(5, { emit: 'final' }));
    await driver.pipeAll(SEQUENCE);
    expect(await readWindows(driver)).toEqual(['k1[0,5]=3@5', 'k2[11,11]=1@11']);
  });

  test.each([
    [10, 1, 11, true],
    [10, 1, 12, false],
    [10, 0, 10, true],
    [10, 0, 11, false],
  ])('gap %i, grace %i: at stream time %i a record at 0 is taken: %s', async (gap, grace, time, isTaken) => {
    await using driver = await drive(counts(gap, { grace }));
    await driver.pipeAll(records('in', `x=x@${time}`, 'k=x@0'));
    expect((await readWindows(driver)).includes('k[0,0]=1@0')).toBe(isTaken);
  });

  test('a record between two makes them one, and a late one can still join it', async () => {
    await using driver = await drive(counts(5, { grace: 20 }));
    await driver.pipeAll(records('in', 'k=x@0', 'k=x@10', 'k=x@5', 'k=x@4'));
    expect((await readWindows(driver)).slice(2)).toEqual([
      'k[0,0]=null@0',
      'k[10,10]=null@10',
      'k[0,10]=3@10',
      'k[0,10]=null@10',
      'k[0,10]=4@10',
    ]);
  });

  test('a session that is closed stays closed: a record close to it begins another', async () => {
    await using driver = await drive(counts(5, { emit: 'final' }));
    await driver.pipeAll(records('in', 'k=x@14', 'l=x@20', 'k=x@15', 'l=x@90'));
    expect(await readWindows(driver)).toEqual(['k[14,14]=1@14', 'k[15,15]=1@15', 'l[20,20]=1@20']);
  });

  test('the old row of a session that did not grow is handed on with the new one', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .groupByKey()
          .window(session(5))
          .count('counts')
          .groupBy('all', () => 'all', string())
          .sum('sums', n => n)
          .map(String)
          .as(string())
          .to(topic('sums', string(), string())),
      ),
    );
    await driver.pipeAll(records('in', 'k=x@1', 'k=x@1', 'k=x@3'));
    expect((await driver.read('sums')).map(({ value }) => value)).toEqual(['1', '2', '0', '3']);
  });

  test('open sessions are read under their windowed keys', async () => {
    await using driver = await drive(counts(5, { grace: 50 }), { partitions: 3 });
    await driver.pipeAll(records('in', 'k=x@0', 'k=x@20', 'k=x@22', 'l=x@1'));
    expect(await storedWindows(driver, 'counts')).toEqual(['k[0,0]=1', 'k[20,22]=2', 'l[1,1]=1']);
    const store = driver.store<{ key: string; start: number; end: number }, number>('counts');
    expect(await store.get({ key: 'k', start: 20, end: 22 })).toBe(2);
    expect(await store.get({ key: 'k', start: 20, end: 20 })).toBeNull();
  });

  test('an empty key has sessions like any other', async () => {
    await using driver = await drive(counts(5, { emit: 'final' }));
    await driver.pipeAll(records('in', '=x@0', '=x@3', 'k=x@40'));
    expect(await readWindows(driver)).toEqual(['[0,3]=2@3']);
  });

  test('nothing is left of sessions that are closed', async () => {
    await using driver = await drive(counts(5, { grace: 20 }));
    const live = liveEntries(driver, 't-counts-changelog');
    await driver.pipeAll(records('in', ...Array.from({ length: 300 }, (_, i) => `k${i % 7}=x@${i}`)));
    expect(await live()).toBe(7);
    await driver.pipeAll(records('in', 'k=x@100000'));
    expect(await live()).toBe(1);
  });
});

describe('states of sessions that become one', () => {
  const numbers = (value: string) => Number(value);

  test('every declarative aggregator brings two together', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .groupByKey()
          .window(session(5, { grace: 100, emit: 'final' }))
          .aggregate('all', {
            count: count(),
            sum: sum(numbers),
            mean: avg(numbers),
            min: min(numbers),
            max: max(numbers),
            first: first(),
            last: last(),
            distinct: countDistinct(value => value),
            top: topN(2, numbers, value => value),
            all: collect(),
          })
          .to(windowRows),
      ),
    );
    // two sessions, [0,1] and [8,9], and then what joins them
    await driver.pipeAll(records('in', 'k=4@0', 'k=2@1', 'k=9@8', 'k=2@9', 'k=3@5', 'z=0@1000'));
    const [{ value } = { value: null }] = await driver.read('out');
    expect(value).toEqual({
      count: 5,
      sum: 20,
      mean: 4,
      min: 2,
      max: 9,
      first: '4',
      last: '3',
      distinct: 4,
      top: ['9', '4'],
      all: ['4', '2', '9', '2', '3'],
    });
  });

  test('a reduce folds the later result into the earlier', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .groupByKey()
          .window(session(5, { grace: 100, emit: 'final' }))
          .reduce('texts', (state, value) => `${state}+${value}`)
          .to(windowRows),
      ),
    );
    await driver.pipeAll(records('in', 'k=c@8', 'k=a@0', 'k=b@4', 'z=z@1000'));
    expect(await readWindows(driver)).toEqual(['k[0,8]=a+c+b@8']);
  });

  test('an aggregator of the user’s own without `merge` is refused', () => {
    const list = { init: () => '', add: (state: string, value: string) => state + value, serde: string() };
    expect(() =>
      topology(
        't',
        t =>
          void t
            .stream(input)
            .groupByKey()
            .window(session(5))
            .aggregate('lists', list as never),
      ),
    ).toThrow(/aggregate 'lists' is on sessions.*'merge'/);
  });
});
