import { describe, expect, test } from 'vitest';
import { hopping, json, string, sum, topic, topology, tumbling } from '../../src/index.ts';
import type { TimeWindow, TopologyBuilder } from '../../src/index.ts';
import { drive, records } from '../drive.ts';
import { liveEntries } from '../live-entries.ts';
import { readWindows, storedWindows, windowRows } from '../windowed-records.ts';

const input = topic('in', string(), string());
const ones = (...times: readonly string[]) => records('in', ...times.map(time => `k=x@${time}`));
const counts = (window: TimeWindow) =>
  topology('t', t => t.stream(input).groupByKey().window(window).count('counts').to(windowRows));

describe('tumbling windows', () => {
  test('each change of a row is handed on, with the largest timestamp that went into it', async () => {
    await using driver = await drive(counts(tumbling(2, { grace: 1 })));
    await driver.pipeAll(ones('0', '1', '2', '1', '0', '5', '0'));
    expect(await readWindows(driver)).toEqual([
      'k[0,2]=1@0',
      'k[0,2]=2@1',
      'k[2,4]=1@2',
      'k[0,2]=3@1',
      'k[0,2]=4@1',
      'k[4,6]=1@5',
    ]);
    expect(driver.figures().dropped).toEqual({ late: 1 });
  });

  test('final: a row is handed on once, when its window is closed', async () => {
    await using driver = await drive(counts(tumbling(2, { grace: 1, emit: 'final' })));
    await driver.pipeAll(ones('0', '1', '2', '1', '0', '5', '0'));
    expect(await readWindows(driver)).toEqual(['k[0,2]=4@1', 'k[2,4]=1@2']);
  });

  test('final, with a grace as long as the window', async () => {
    await using driver = await drive(counts(tumbling(2, { grace: 2, emit: 'final' })));
    await driver.pipeAll(ones('0', '1', '2', '0', '3', '0', '4', '0', '30'));
    expect(await readWindows(driver)).toEqual(['k[0,2]=4@1', 'k[2,4]=2@3', 'k[4,6]=1@4']);
    expect(driver.figures().dropped).toEqual({ late: 1 });
  });

  test('a window is closed when stream time reaches its end and grace, whatever key said so', async () => {
    await using driver = await drive(counts(tumbling(10, { grace: 5, emit: 'final' })));
    await driver.pipeAll(records('in', 'k=x@3', 'l=x@14'));
    expect(await readWindows(driver)).toEqual([]);
    await driver.pipeAll(records('in', 'l=x@15'));
    expect(await readWindows(driver)).toEqual(['k[0,10]=1@3']);
  });

  test('a final row has no headers; an update has those of its record', async () => {
    const headers = [['source', Buffer.from('a')]] as const;
    for (const emit of ['update', 'final'] as const) {
      await using driver = await drive(counts(tumbling(10, { emit })));
      await driver.pipe({ topic: 'in', key: 'k', value: 'x', timestamp: 1, headers });
      await driver.pipe({ topic: 'in', key: 'k', value: 'x', timestamp: 50, headers });
      const [first] = await driver.read('out');
      expect(first!.headers.map(([name]) => name)).toEqual(emit === 'final' ? [] : ['source']);
    }
  });

  test('null keys and null values are counted and say nothing of time', async () => {
    await using driver = await drive(
      topology('t', t =>
        t.stream(input, { tombstones: true }).groupByKey().window(tumbling(10)).count('counts').to(windowRows),
      ),
    );
    await driver.pipeAll([
      ...records('in', 'k=x@5', 'k=null@70'),
      { topic: 'in', key: null, value: 'x', timestamp: 80 },
      ...records('in', 'k=x@6'),
    ]);
    expect(await readWindows(driver)).toEqual(['k[0,10]=1@5', 'k[0,10]=2@6']);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test('a row is read under its windowed key, until its window is closed', async () => {
    await using driver = await drive(counts(tumbling(10)), { partitions: 3 });
    await driver.pipeAll(ones('1', '2', '11'));
    expect(await storedWindows(driver, 'counts')).toEqual(['k[10,20]=1']);
    const store = driver.store<{ key: string; start: number; end: number }, number>('counts');
    expect(await store.get({ key: 'k', start: 10, end: 20 })).toBe(1);
    expect(await store.get({ key: 'k', start: 0, end: 10 })).toBeNull();
  });

  test('nothing is left of windows that are closed', async () => {
    await using driver = await drive(counts(tumbling(10, { grace: 20 })));
    const live = liveEntries(driver, 't-counts-changelog');
    await driver.pipeAll(records('in', ...Array.from({ length: 300 }, (_, i) => `k${i % 7}=x@${i}`)));
    expect(await live()).toBeGreaterThan(20);
    await driver.pipe(ones('100000')[0]!);
    expect(await live()).toBe(1);
    expect(await storedWindows(driver, 'counts')).toEqual(['k[100000,100010]=1']);
  });

  test('sums, reduces and composed aggregates are as without windows', async () => {
    const amounts = topic('in', string(), json<number>());
    await using driver = await drive(
      topology('t', t => {
        const windows = t
          .stream(amounts)
          .groupByKey()
          .window(tumbling(10, { emit: 'final' }));
        windows.sum('sums', amount => amount).to(windowRows);
        windows.reduce('largest', Math.max).to(windowRows);
        windows.aggregate('both', { total: sum(amount => amount) }).to(windowRows);
      }),
    );
    for (const [value, timestamp] of [
      [3, 1],
      [5, 2],
      [1, 3],
      [9, 40],
    ] as const)
      // prettier-ignore
      await driver.pipe({ topic: 'in', key: 'k', value, timestamp });
    expect(await readWindows(driver)).toEqual(['k[0,10]=9@3', 'k[0,10]=5@3', 'k[0,10]={"total":9}@3']);
  });

  test('the table behind has old rows: what is grouped again is taken out again', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .groupByKey()
          .window(tumbling(10))
          .count('counts')
          .groupBy('by-start', (_, { key }) => `from ${key.start}`, string())
          .sum('sums', count => count)
          .to(topic('sums', string(), json<number>())),
      ),
    );
    await driver.pipeAll(records('in', 'a=x@1', 'a=x@2', 'b=x@3', 'a=x@12', 'b=x@13'));
    const found = await driver.read('sums');
    expect(found.map(({ key, value }) => `${key as string}=${value as number}`)).toEqual([
      'from 0=1',
      'from 0=2',
      'from 0=3',
      'from 10=1',
      'from 10=2',
    ]);
  });
});

test('their rows go with their close, so a join takes tables that keep them', async () => {
  const counted = (t: TopologyBuilder, name: 'left' | 'right') =>
    t
      .stream(topic(name, string(), string()))
      .groupByKey()
      .window(tumbling(10))
      .count(`${name}-counts`);
  expect(() => topology('t', t => counted(t, 'left').join('both', counted(t, 'right'), (l, r) => `${l}-${r}`))).toThrow(
    /'both' looks up 'left-counts', which keeps no rows of its own\. .*toStream\(\)\.toTable/,
  );
  await using driver = await drive(
    topology('t', t => {
      const kept = (name: 'left' | 'right') => counted(t, name).toStream().toTable(`${name}-rows`);
      kept('left')
        .join('both', kept('right'), (l, r) => `${l}-${r}`)
        .as(string())
        .to(windowRows);
    }),
  );
  await driver.pipeAll([...records('left', 'k=x@1'), ...records('right', 'k=x@2', 'k=x@50')]);
  // the right side's window is closed by now
  await driver.pipeAll(records('left', 'k=x@3'));
  expect(await readWindows(driver)).toEqual(['k[0,10]=1-1@2', 'k[0,10]=2-1@3']);
});

describe('hopping windows', () => {
  test('lateness is judged for each window', async () => {
    await using driver = await drive(counts(hopping(10, { every: 5, grace: 90 })));
    await driver.pipeAll(ones('100', '0', '1', '2', '3', '4', '5', '6'));
    expect((await readWindows(driver)).slice(2)).toEqual(['k[5,15]=1@5', 'k[5,15]=2@6']);
    // 0 to 4 for their one window, 5 and 6 for one of two
    expect(driver.figures().dropped).toEqual({ late: 7 });
  });

  test('a record is dead-lettered only where none of its windows took it', async () => {
    await using driver = await drive(counts(hopping(10, { every: 5, grace: 90 })), { onDrop: 'dead-letter' });
    await driver.pipeAll(ones('100', '4', '5'));
    expect((await driver.read('t.dead-letters')).map(({ timestamp }) => timestamp)).toEqual([4]);
    expect(driver.figures().dropped).toEqual({ late: 2 });
  });

  test('a record is in each window that it lies in, from the earliest on', async () => {
    await using driver = await drive(counts(hopping(10, { every: 3, grace: 100 })));
    await driver.pipeAll(ones('4', '13'));
    expect(await readWindows(driver)).toEqual([
      'k[0,10]=1@4',
      'k[3,13]=1@4',
      'k[6,16]=1@13',
      'k[9,19]=1@13',
      'k[12,22]=1@13',
    ]);
  });
});

describe('a window that cannot be', () => {
  test.each([
    [() => tumbling(0), /the size is 0/],
    [() => tumbling('an hour' as never), /it takes milliseconds/],
    [() => hopping(10, { every: 11 }), /'every' is 11 ms/],
    [() => hopping(10, { every: 0 }), /'every' is 0 ms/],
    [() => tumbling(1, { emit: 'last' as never }), /'emit' is "last"/],
    [() => counts(undefined as never), /takes a window: .window\(tumbling/],
  ])('%#', (make, message) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'TOPO_GRAPH_INVALID', message: expect.stringMatching(message) as unknown }),
    );
  });
});
