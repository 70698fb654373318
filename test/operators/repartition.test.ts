import { describe, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';

const input = topic('in', string(), string());
const out = topic('out', string(), json<number>());

describe('what onDrop says of a step that changes the key', () => {
  test.each([
    ['keyBy', 'stream'],
    ['groupBy', 'stream'],
    ['groupBy', 'table'],
    ['repartition', 'stream'],
  ])('%s of a %s: it alone keeps what it drops', async (method, of) => {
    const noKey = () => null as unknown as string;
    const options = { onDrop: 'dead-letter' } as const;
    const moved = topology('t', t => {
      const stream = t.stream(input);
      stream.groupBy('other', noKey, string()).count('other-counts');
      if (of === 'table') {
        t.table('rows', topic('rows', string(), string()))
          .groupBy('moved', noKey, string(), options)
          .count('counts');
      } else if (method === 'groupBy') stream.groupBy('moved', noKey, string(), options).count('counts');
      else if (method === 'keyBy') stream.keyBy('moved', noKey, string(), options).groupByKey().count('counts');
      else stream.repartition('moved', options).groupByKey().count('counts');
    });
    await using driver = await drive(moved);
    const key = method === 'repartition' ? null : 'k';
    await driver.pipe({ topic: of === 'table' ? 'rows' : 'in', key, value: 'a', timestamp: 1 });
    const letters = (await driver.read('t.dead-letters')).map(({ headers }) => headerTexts(headers));
    expect(letters).toMatchObject([{ 'topo.code': 'TOPO_DROPPED', 'topo.step': 'moved' }]);
  });
});

describe('a repartition', () => {
  test('gives what follows its own partition count, and keeps the order of each key', async () => {
    const widened = topology('t', t => {
      t.stream(input).repartition('wide', { partitions: 8 }).groupByKey().count('counted').to(out);
    });
    await using driver = await drive(widened, { partitions: 2 });
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    await driver.pipeAll([1, 2, 3].flatMap(at => keys.flatMap(key => records('in', `${key}=x@${at}`))));
    const wide = await driver.read('t-wide-repartition');
    expect(new Set(wide.map(({ partition }) => partition)).size).toBeGreaterThan(2);
    expect(Math.max(...wide.map(({ partition }) => partition))).toBeLessThan(8);
    const counts = await driver.read<string, number>('out');
    for (const key of keys)
      expect(counts.filter(one => one.key === key).map(({ value, timestamp }) => [value, timestamp])).toEqual([
        [1, 1],
        [2, 2],
        [3, 3],
      ]);
  });

  test('is made though nothing behind it needs the key, and takes the key that a keyBy gave', async () => {
    const moved = topology('t', t => {
      t.stream(input)
        .keyBy('by-value', value => value, string())
        .repartition('moved')
        .to(topic('moved-out', string(), string()));
    });
    await using driver = await drive(moved);
    await driver.pipeAll(records('in', 'k=a@1', 'l=b@2'));
    expect(await driver.read('t-moved-repartition')).toHaveLength(2);
    expect(brief(await driver.read('moved-out'))).toEqual(['a=a@1', 'b=b@2']);
  });

  test('counts a record without a key as dropped, and keeps it where onDrop says so', async () => {
    const moved = topology('t', t => {
      t.stream(input)
        .repartition('moved')
        .to(topic('moved-out', string(), string()));
    });
    await using driver = await drive(moved, { onDrop: 'dead-letter' });
    await driver.pipe({ topic: 'in', key: null, value: 'a', timestamp: 1 });
    expect(driver.figures().dropped).toEqual({ 'null-key': 1 });
    const [letter] = await driver.read('t.dead-letters');
    const headers = Object.fromEntries(letter!.headers.map(([name, value]) => [name, String(value)]));
    expect(headers).toMatchObject({
      'topo.code': 'TOPO_DROPPED',
      'topo.step': 'moved',
      '__streams.errors.topic': 'in',
    });
  });

  test('whose values nobody says how to write is refused, with the fix', () => {
    expect(() =>
      topology('t', t => {
        t.stream(input)
          .map(value => value.length)
          .repartition('sized')
          .to(out);
      }),
    ).toThrow(/'sized' repartitions its records.*values.*\.as\(serde\)/);
  });

  test('with a count that is none is refused', () => {
    expect(() => topology('t', t => void t.stream(input).repartition('r', { partitions: 0 }))).toThrow(
      /partitions of 'r' is 0: it takes a whole number from 1/,
    );
  });

  test('and a topic of another count cannot be joined: the topics, the counts and the fix are named', () => {
    expect(() =>
      topology('t', t => {
        const table = t.table('rows', topic('rows', string(), string(), { partitions: 4 }));
        t.stream(input)
          .repartition('wide', { partitions: 8 })
          .join('joined', table, value => value)
          .as(string())
          .to(topic('o', string(), string()));
      }),
    ).toThrow(/'joined' brings together .*'wide' \(8 partitions\).*rows \(4\).*Leave out the partitions of 'wide'/);
  });
});
