import { describe, expect, test } from 'vitest';
import { json, store, string, topology } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { built, input, out, overdue } from './overdue.ts';

describe('a process step', () => {
  test('keeps values in stores of its own, by the key of the record and by any other', async () => {
    await using driver = await drive(overdue);
    await driver.pipeAll(records('in', 'a=x@1', 'b=x@2', 'a=y@3'));
    expect(await driver.store('step-open').get('a')).toBe('a:y');
    expect(await driver.store('step-seen').get('x')).toBe(2);
    expect(await driver.store('step-seen').get('nothing')).toBeNull();
    expect(() => driver.store('step-timers')).toThrow(/only its step reads it/);
  });

  test('finds values by keys of its own in every partition', async () => {
    await using driver = await drive(overdue, { partitions: 4 });
    await driver.pipeAll(records('in', 'a=x@1', 'b=y@2', 'c=z@3'));
    const seen = driver.store<string, number>('step-seen');
    expect([await seen.get('x'), await seen.get('y'), await seen.get('z')]).toEqual([1, 1, 1]);
  });

  test('forwards under the key, timestamp and headers of its record, or other time and headers', async () => {
    const twice = built(stream =>
      stream.process('step', {
        record(value, { forward, timestamp }) {
          forward(value);
          forward('later', { timestamp: timestamp + 5, headers: [['own', null]] });
          forward('as before');
        },
      }),
    );
    await using driver = await drive(twice);
    await driver.pipe({ topic: 'in', key: 'k', value: 'v', timestamp: 7, headers: [['h', Buffer.from('1')]] });
    const found = await driver.read('out');
    expect(brief(found)).toEqual(['k=v@7', 'k=later@12', 'k=as before@7']);
    expect(found.map(({ headers }) => headers.map(([name]) => name))).toEqual([['h'], ['own'], ['h']]);
  });

  test('is told which of what it hands on is undefined', async () => {
    const handing = built(stream =>
      stream.process('step', {
        stores: { own: store(string()), other: store(string(), string()) },
        record(value, { forward, stores }) {
          const nothing = undefined as unknown as string;
          if (value === 'forward') forward(nothing);
          else if (value === 'put') stores.own.put(nothing);
          else stores.other.put('key', nothing);
        },
      }),
    );
    await using driver = await drive(handing);
    await driver.pipeAll(records('in', 'k=forward@1', 'k=put@2', 'k=put by key@3'));
    const letters = (await driver.read('t.dead-letters')).map(({ headers }) => headerTexts(headers));
    expect(letters.map(one => `${one['topo.code']}: ${one['__streams.errors.message']}`)).toEqual([
      'TOPO_RESULT_UNDEFINED: forward was given undefined; null stands for no value',
      'TOPO_RESULT_UNDEFINED: put was given undefined; delete() removes what is stored',
      'TOPO_RESULT_UNDEFINED: put was given undefined; delete() removes what is stored',
    ]);
  });

  test('takes tombstones where its stream has them, and drops records without a key', async () => {
    const nulls = topology('t', t => {
      t.stream(input, { tombstones: true })
        .process('step', { forwards: string(), record: (value, { forward }) => forward(value ?? 'gone') })
        .to(out);
    });
    await using driver = await drive(nulls);
    await driver.pipeAll([...records('in', 'k=null@1'), { topic: 'in', key: null, value: 'x', timestamp: 2 }]);
    expect(brief(await driver.read('out'))).toEqual(['k=gone@1']);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1 });
  });

  test('leaves no trace of a record that throws', async () => {
    const throwing = built(stream =>
      stream.process('step', {
        stores: { last: store(string()) },
        record(value, { stores, timers, timestamp, forward }) {
          forward(`${stores.last.get() ?? 'none'} ${value}`);
          stores.last.put(value);
          timers.set('t', timestamp + 10);
          if (value === 'bad') throw new Error('no');
        },
        timers: { t: ({ stores, forward }) => forward(`t ${stores.last.get()}`) },
      }),
    );
    await using driver = await drive(throwing);
    await driver.pipeAll(records('in', 'k=a@1', 'k=bad@5', 'k=b@11'));
    expect(brief(await driver.read('out'))).toEqual(['k=none a@1', 'k=t a@11', 'k=a b@11']);
    expect(await driver.read('t.dead-letters')).toHaveLength(1);
  });

  test('that is asynchronous, or uses what it was given when it has returned, fails its record', async () => {
    let late: (value: string) => void = () => {};
    const asynchronous = built(stream =>
      stream.process('step', {
        record(value, { forward }) {
          late = forward;
          return value === 'async' ? (Promise.resolve() as never) : undefined;
        },
      }),
    );
    await using driver = await drive(asynchronous);
    await driver.pipeAll(records('in', 'k=async@1', 'k=b@2'));
    const [letter] = await driver.read('t.dead-letters');
    expect(String(letter!.headers.find(([name]) => name === '__streams.errors.message')![1])).toMatch(/promise/);
    expect(() => late('x')).toThrow(/used when they have returned/);
  });

  test('may stand in a loop of topics: it need not hand on', async () => {
    const loop = topology('t', t => {
      t.stream(input)
        .process('step', { record: (value, { forward }) => (value.length < 3 ? forward(`${value}x`) : undefined) })
        .to(input);
    });
    await using driver = await drive(loop);
    await driver.pipe({ topic: 'in', key: 'k', value: 'x', timestamp: 1 });
    expect(brief(await driver.read('in'))).toEqual(['k=x@1', 'k=xx@1', 'k=xxx@1']);
  });

  test('repartitions behind a keyBy, and another keyBy behind it changes the key', async () => {
    const keyed = topology('t', t => {
      t.stream(input)
        .keyBy('by-value', value => value, string())
        .process('step', {
          stores: { count: store(json<number>()) },
          forwards: string(),
          record(_value, { key, stores, forward }) {
            const count = (stores.count.get() ?? 0) + 1;
            stores.count.put(count);
            forward(`${key}${count}`);
          },
        })
        .keyBy('by-result', value => value)
        .to(out);
    });
    await using driver = await drive(keyed, { partitions: 3 });
    await driver.pipeAll(records('in', 'a=x@1', 'b=x@2', 'c=x@3'));
    const found = await driver.read<string, string>('out');
    expect(found.map(({ key, value }) => `${key}=${value}`).sort()).toEqual(['x1=x1', 'x2=x2', 'x3=x3']);
  });
});

describe('a process step is refused', () => {
  const refused = (definition: object) => () =>
    built(stream => stream.process('step', { record: () => {}, ...definition }));

  test.each([
    [
      'with two timers of one name',
      { timers: { a: () => {} }, clockTimers: { a: () => {} } },
      /two timers or intervals/,
    ],
    ['with a name that is none', { timers: { 'a b': () => {} } }, /timer 'a b' of 'step' may hold only/],
    ['with an interval of nothing', { intervals: { a: { every: 0, run: () => {} } } }, /is 0: it takes at least 1 ms/],
    ['with a duration that is none', { intervals: { a: { every: '1 hour', run: () => {} } } }, /it takes milliseconds/],
    ['without a function', { record: undefined }, /takes a function/],
    ['with a timer that is no function', { timers: { a: 5 } }, /timer 'a' of 'step' takes a function/],
  ])('%s', (_, definition, message) => {
    expect(refused(definition)).toThrow(message);
  });
});
