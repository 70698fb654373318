import { describe, expect, test } from 'vitest';
import { hopping, json, session, sliding, string, topic, topology, tumbling, windowed } from '../../src/index.ts';
import type { Topology, Window, Windowed } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import { drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { Dice, seedOf } from '../seed.ts';
import { readWindows, windowRows } from '../windowed-records.ts';

const input = topic('in', string(), string());
const other = topic('other', string(), string());

/** Fails at the close of what holds "bad". */
const failing = (window: Window): Topology =>
  topology('t', t => {
    t.stream(input)
      .groupByKey()
      .window(window)
      .reduce('texts', (state, value) => state + value)
      .map(text => {
        if (text.includes('bad')) throw new TypeError('not this one');
        return text;
      })
      .to(windowRows);
    t.stream(input).to(other);
  });

describe.each([
  ['tumbling', tumbling(10, { emit: 'final' }), 'b[0,10]', ['a[0,10]=aa@2', 'c[0,10]=c@4']],
  ['session', session(10, { emit: 'final' }), 'b[3,3]', ['a[1,2]=aa@2', 'c[4,4]=c@4']],
  ['sliding', sliding(10, { emit: 'final' }), 'b[0,10]', ['a[0,10]=aa@2', 'c[0,10]=c@4', 'a[2,12]=a@2']],
] as const)('%s: a window that fails at its close', (_, window, key, others) => {
  test('is dead-lettered alone; others close, and the record that made it due is processed', async () => {
    await using driver = await drive(failing(window));
    await driver.pipeAll(records('in', 'a=a@1', 'a=a@2', 'b=bad@3', 'c=c@4', 'd=d@90'));
    expect(await readWindows(driver)).toEqual(others);
    expect((await driver.read('other')).map(({ value }) => value)).toEqual(['a', 'a', 'bad', 'c', 'd']);

    const letters = await driver.read<Uint8Array>('t.dead-letters');
    expect(letters).toHaveLength(1);
    const { key: found, timestamp, headers } = letters[0]!;
    const { key: name, start, end } = windowed(string()).decode(found!);
    expect([`${name}[${start},${end}]`, timestamp]).toEqual([key, 3]);
    expect(headerTexts(headers)).toMatchObject({ 'topo.step': 'map', 'topo.code': 'TOPO_USER_FUNCTION' });
    expect(headerTexts(headers)).not.toHaveProperty('__streams.errors.topic');

    // it does not come back
    await driver.pipeAll(records('in', 'd=d@200'));
    expect(await driver.read('t.dead-letters')).toEqual([]);
  });
});

test('a record that fails leaves the windows closed that it made due', async () => {
  await using driver = await drive(
    topology('t', t => {
      const stream = t.stream(input);
      stream
        .groupByKey()
        .window(tumbling(10, { emit: 'final' }))
        .reduce('texts', (state, value) => state + value)
        .to(windowRows);
      stream
        .map(value => {
          if (value === 'bad') throw new TypeError('not this one');
          return value;
        })
        .as(string())
        .to(other);
    }),
  );
  await driver.pipeAll(records('in', 'a=a@1', 'b=bad@50', 'a=late@2', 'a=b@51', 'z=z@90'));
  expect(await readWindows(driver)).toEqual(['a[0,10]=a@1', 'a[50,60]=b@51']);
  expect((await driver.read('t.dead-letters')).map(({ timestamp }) => timestamp)).toEqual([50]);
  expect(driver.figures().dropped).toEqual({ late: 1 });
});

test('a record that one step drops and another fails at is one dead letter, and is counted as one', async () => {
  await using driver = await drive(
    topology('t', t => {
      const stream = t.stream(input);
      stream.groupByKey().window(tumbling(10)).count('counted');
      stream
        .map(value => {
          if (value === 'bad') throw new TypeError('not this one');
          return value;
        })
        .as(string())
        .to(other);
    }),
    { onDrop: 'dead-letter' },
  );
  await driver.pipeAll(records('in', 'a=x@100', 'a=bad@1', 'a=late@2'));
  const letters = await driver.read('t.dead-letters');
  expect(letters.map(({ headers }) => headerTexts(headers)['topo.code'])).toEqual([
    'TOPO_USER_FUNCTION',
    'TOPO_DROPPED',
  ]);
  expect(driver.figures().deadLettered).toBe(2);
});

test('a window that closes is of no record: functions behind do not see the one that made it due', async () => {
  const places: unknown[] = [];
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(input)
        .groupByKey()
        .window(tumbling(10, { emit: 'final' }))
        .count('counted')
        .toStream()
        .map((count, { topic: of, offset, headers }) => {
          places.push([of, offset, headers]);
          return count;
        })
        .to(windowRows),
    ),
  );
  const headers = [['h', Buffer.from('x')]] as const;
  await driver.pipeAll(records('in', 'a=a@1', 'b=b@50').map(record => ({ ...record, headers })));
  expect(places).toEqual([['', -1, []]]);
});

test('a record that is run again after what it made due is what it was, also where its topic takes the time from the value', async () => {
  const timed = topic('in', string(), json<{ at: number; n: number }>(), { timestamp: ({ at }) => at });
  await using driver = await drive(
    topology('t', t => {
      const changed = t.stream(timed).map(value => {
        value.n++;
        return value;
      });
      changed
        .groupByKey()
        .window(tumbling(10, { emit: 'final' }))
        .count('counted')
        .map(() => {
          throw new TypeError('no window closes');
        })
        .as(string())
        .to(topic('windows', windowed(string()), string()));
      changed.map(({ n }) => String(n)).to(other);
    }),
  );
  for (const at of [1, 50, 90]) await driver.pipe({ topic: 'in', key: 'k', value: { at, n: 0 }, timestamp: at });
  expect((await driver.read('other')).map(({ value }) => value)).toEqual(['1', '1', '1']);
  expect(await driver.read('t.dead-letters')).toHaveLength(2);
});

describe('after a restart in the middle', () => {
  const windows: readonly (readonly [string, (emit: 'update' | 'final') => Window])[] = [
    ['tumbling', emit => tumbling(10, { grace: 5, emit })],
    ['hopping', emit => hopping(10, { every: 4, grace: 5, emit })],
    ['sliding', emit => sliding(10, { grace: 5, emit })],
    ['session', emit => session(6, { grace: 5, emit })],
  ];
  const kinds = windows.flatMap(([name, make]) =>
    (['update', 'final'] as const).map(emit => [name, emit, make(emit)] as const),
  );

  test.each(kinds)('%s windows (%s) go on as if there had been none', async (name, emit, window) => {
    const seed = seedOf(`restart of ${name} windows (${emit})`);
    const inputs = drawn(new Dice(seed));
    const run = topology('t', t =>
      t
        .stream(input)
        .groupByKey()
        .window(window)
        .reduce('texts', (state, value) => `${state}+${value}`)
        .to(windowRows),
    );
    const results = async (restartAt: ReadonlySet<number>) => {
      await using driver = await drive(run, { partitions: 2 });
      for (const [index, record] of inputs.entries()) {
        if (restartAt.has(index)) await driver.restart();
        await driver.pipe(record);
      }
      const found = await driver.read<Windowed<string>, string>('out');
      return found.map(({ key, value, timestamp, partition }) => ({ ...key!, value, timestamp, partition }));
    };
    const found = await results(new Set());
    expect(await results(new Set([7, 31, 32, 50])), `seed ${seed}`).toEqual(found);
    expect(found.length).toBeGreaterThan(20);
  });

  /** Time goes on, with leaps; a third of the records falls back. */
  function drawn(dice: Dice): InputRecord[] {
    let time = 0;
    const drawnRecords = Array.from({ length: 80 }, (_, index) => {
      time += dice.below(10) === 0 ? 40 : dice.below(6);
      const timestamp = dice.below(3) === 0 ? Math.max(0, time - dice.below(20)) : time;
      return { topic: 'in', key: `k${dice.below(3)}`, value: `v${index}`, timestamp };
    });
    const end = (key: string) => ({ topic: 'in', key, value: 'end', timestamp: 10_000 });
    return [...drawnRecords, end('k0'), end('k1'), end('k2')];
  }
});
