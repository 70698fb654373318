import { expect, test } from 'vitest';
import { sliding, string, topic, topology } from '../../src/index.ts';
import type { WindowOptions } from '../../src/index.ts';
import { drive, records } from '../drive.ts';
import { liveEntries } from '../live-entries.ts';
import { readWindows, windowRows } from '../windowed-records.ts';

const input = topic('in', string(), string());

const texts = (differenceMs: number, options: WindowOptions) =>
  topology('t', t =>
    t
      .stream(input)
      .groupByKey()
      .window(sliding(differenceMs, options))
      .reduce('texts', (state, value) => `${state}+${value}`)
      .to(windowRows),
  );

const counts = (differenceMs: number, options: WindowOptions) =>
  topology('t', t =>
    t.stream(input).groupByKey().window(sliding(differenceMs, options)).count('counts').to(windowRows),
  );

test('final: the windows around the records, each with what lies in it, both ends included', async () => {
  await using driver = await drive(texts(10, { grace: 5, emit: 'final' }));
  await driver.pipeAll(records('in', 'A=1@10', 'A=2@10', 'A=3@14', 'A=4@15', 'A=5@20', 'A=6@22', 'A=7@30', 'A=8@100'));
  expect((await readWindows(driver)).slice(0, 6)).toEqual([
    'A[0,10]=1+2@10',
    'A[4,14]=1+2+3@14',
    'A[5,15]=1+2+3+4@15',
    'A[10,20]=1+2+3+4+5@20',
    'A[11,21]=3+4+5@20',
    'A[12,22]=3+4+5+6@22',
  ]);
});

test('a record that is late for its own window still counts in those that are open', async () => {
  await using driver = await drive(counts(5, { grace: 15, emit: 'final' }));
  await driver.pipeAll(records('in', ...[10, 11, 10, 13, 10, 24, 5, 7, 90].map(time => `k1=x@${time}`)));
  expect(await readWindows(driver)).toEqual([
    'k1[5,10]=5@10',
    'k1[6,11]=5@11',
    'k1[8,13]=5@13',
    'k1[11,16]=2@13',
    'k1[12,17]=1@13',
    'k1[19,24]=1@24',
  ]);
  expect(driver.figures().dropped['late']).toBeGreaterThan(0);
});

test('a record that no window takes is late, and dead-lettered where that is asked for', async () => {
  await using driver = await drive(counts(5, { grace: 1 }), { onDrop: 'dead-letter' });
  await driver.pipeAll(records('in', 'k=x@50', 'k=x@43'));
  expect(await readWindows(driver)).toEqual(['k[45,50]=1@50']);
  expect((await driver.read('t.dead-letters')).map(({ timestamp }) => timestamp)).toEqual([43]);
});

test.each(['update', 'final'] as const)('nothing is left of windows long closed (%s)', async emit => {
  await using driver = await drive(counts(10, { grace: 20, emit }));
  const live = liveEntries(driver, 't-counts-changelog');
  await driver.pipeAll(records('in', ...Array.from({ length: 300 }, (_, i) => `k${i % 7}=x@${i * 2}`)));
  expect(await live()).toBeGreaterThan(20);
  await driver.pipeAll(records('in', 'k=x@100000'));
  expect(await live()).toBe(1);
});

test('its store holds no rows as they are, and says so', async () => {
  await using driver = await drive(counts(10, {}));
  expect(() => driver.store('counts')).toThrow(/only its step reads it.*toTable/);
});
