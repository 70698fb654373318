import { map } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { json, store, string, topology } from '../../src/index.ts';
import { keptKeys } from '../changelog.ts';
import { brief, drive, records } from '../drive.ts';
import { TestWorld, record, short } from '../runtime/world.ts';
import { lives } from './interrupted.ts';
import { built, input, out, overdue } from './overdue.ts';

const CHANGELOG = 't-step-timers-changelog';

describe('a timer', () => {
  test('fires when stream time reaches it, before the record that moved it, each key for itself', async () => {
    await using driver = await drive(overdue);
    await driver.pipeAll(records('in', 'a=x@1', 'b=x@5', 'a=y@11', 'c=x@15', 'd=x@40'));
    expect(brief(await driver.read('out'))).toEqual([
      'a=a:x of a at 11@11',
      'b=b:x of b at 15@15',
      'a=a:y of a at 21@21',
      'c=c:x of c at 25@25',
    ]);
    expect(await keptKeys(driver, CHANGELOG)).toEqual(['remind\0d']);
  });

  test('that is set anew fires once, at its last time; one that is cancelled does not', async () => {
    await using driver = await drive(overdue);
    await driver.pipeAll(records('in', 'a=x@1', 'b=x@2', 'a=y@9', 'b=done@10', 'c=x@12', 'c=done@13', 'd=done@50'));
    expect(brief(await driver.read('out'))).toEqual(['a=a:y of a at 19@19']);
    expect(await keptKeys(driver, CHANGELOG)).toEqual([]);
  });

  test('that is set for an earlier time fires at that, and once', async () => {
    const earlier = built(stream =>
      stream.process('step', {
        record(value, { timers }) {
          if (value !== 'tick') timers.set('t', Number(value));
        },
        timers: { t: ({ forward, timestamp }) => forward(`at ${timestamp}`) },
      }),
    );
    await using driver = await drive(earlier);
    await driver.pipeAll(records('in', 'k=30@1', 'k=20@2', 'k=tick@25'));
    expect(brief(await driver.read('out'))).toEqual(['k=at 20@20']);
    await driver.pipeAll(records('in', 'k=tick@35', 'k=10@36', 'k=tick@36'));
    expect(await driver.read('out')).toEqual([]);
    await driver.pipeAll(records('in', 'k=tick@37'));
    expect(brief(await driver.read('out'))).toEqual(['k=at 10@10']);
  });

  test('carries the headers of the record that set it', async () => {
    await using driver = await drive(overdue);
    await driver.pipe({ topic: 'in', key: 'a', value: 'x', timestamp: 1, headers: [['trace', Buffer.from('7')]] });
    await driver.pipe({ topic: 'in', key: 'b', value: 'x', timestamp: 20, headers: [['trace', Buffer.from('8')]] });
    const [found] = await driver.read('out');
    expect(found!.headers.map(([name, value]) => [name, String(value)])).toEqual([['trace', '7']]);
  });

  test('can set itself again, for a later time only', async () => {
    const ticking = (by: number) =>
      built(stream =>
        stream.process('step', {
          record: (_value, { timers, timestamp }) => {
            if (timers.get('tick') === null) timers.set('tick', timestamp + 10);
          },
          timers: {
            tick({ timestamp, timers, forward }) {
              forward('tick');
              timers.set('tick', timestamp + by);
            },
          },
        }),
      );
    await using driver = await drive(ticking(10));
    await driver.pipeAll(records('in', 'k=x@1', 'k=x@31'));
    expect(brief(await driver.read('out'))).toEqual(['k=tick@11', 'k=tick@21', 'k=tick@31']);

    await using endless = await drive(ticking(0));
    await endless.pipeAll(records('in', 'k=x@1', 'k=x@31'));
    expect(await endless.read('out')).toEqual([]);
    const [letter] = await endless.read('t.dead-letters');
    expect(String(letter!.headers.find(([name]) => name === '__streams.errors.message')![1])).toMatch(/for ever/);
  });

  test('that throws is removed and dead-lettered with its key and name, alone', async () => {
    const throwing = built(stream =>
      stream.process('step', {
        record: (_value, { timers, timestamp }) => timers.set('remind', timestamp + 10),
        timers: {
          remind({ key, forward }) {
            if (key === 'bad') throw new Error('no');
            forward('reminded');
          },
        },
      }),
    );
    await using driver = await drive(throwing);
    await driver.pipeAll(records('in', 'a=x@1', 'bad=x@2', 'c=x@3', 'd=x@20'));
    expect(brief(await driver.read('out'))).toEqual(['a=reminded@11', 'c=reminded@13']);
    const letters = await driver.read<Uint8Array, Uint8Array>('t.dead-letters');
    expect(letters.map(({ key, value, timestamp }) => [String(key), value, timestamp])).toEqual([['bad', null, 12]]);
    const headers = Object.fromEntries(letters[0]!.headers.map(([name, value]) => [name, String(value)]));
    expect(headers).toMatchObject({ 'topo.timer': 'remind', 'topo.step': 'step', 'topo.code': 'TOPO_USER_FUNCTION' });
    expect(await keptKeys(driver, CHANGELOG)).toEqual(['remind\0d']);
  });

  test('that is not declared fails its record, and so does a time that is none', async () => {
    const wrong = built(stream =>
      stream.process('step', {
        record: (value, { timers }) => timers.set((value === 'name' ? 'other' : 't') as 't', Number.NaN),
        timers: { t: () => {} },
      }),
    );
    await using driver = await drive(wrong);
    await driver.pipeAll(records('in', 'k=name@1', 'k=time@2'));
    const messages = (await driver.read('t.dead-letters')).map(({ headers }) =>
      String(headers.find(([name]) => name === '__streams.errors.message')![1]),
    );
    expect(messages).toEqual([
      expect.stringMatching(/no timer 'other'; there are t/),
      expect.stringMatching(/no time/),
    ]);
  });

  test('by the clock fires between records, and survives a crash and a restart', async () => {
    const clocked = built(stream =>
      stream.process('step', {
        stores: { last: store(string()) },
        record(value, { stores, timers, now }) {
          stores.last.put(value);
          timers.set('expire', now + 100);
        },
        clockTimers: { expire: ({ stores, forward }) => forward(stores.last.get()!) },
      }),
    );
    await using driver = await drive(clocked, { now: 1000 });
    await driver.pipe({ topic: 'in', key: 'a', value: 'x', timestamp: 1 });
    await driver.advance(99);
    await driver.idle();
    expect(await driver.read('out')).toEqual([]);
    await driver.advance(1);
    await driver.idle();
    expect(brief(await driver.read('out'))).toEqual(['a=x@1100']);
    await driver.pipe({ topic: 'in', key: 'b', value: 'y', timestamp: 2 });
    await driver.crash();
    await driver.restart();
    await driver.idle();
    await driver.advance(1000);
    await driver.idle();
    expect(brief(await driver.read('out'))).toEqual(['b=y@1200']);
    expect(await keptKeys(driver, 't-step-clock-timers-changelog')).toEqual([]);
  });

  test('goes on after a crash or a restart as if there had been none', async () => {
    const fed = records('in', 'a=x@1', 'b=x@5', 'a=y@8', 'b=done@9', 'c=x@18', 'd=x@60');
    const [whole, ...others] = await lives(overdue, fed);
    expect(whole).toEqual(['a=a:y of a at 18@18', 'c=c:x of c at 28@28']);
    for (const other of others) expect(other).toEqual(whole);
  });

  test('moves with its step to another name', async () => {
    const named = (name: string, options?: { readonly renamedFrom: string }) =>
      built(stream =>
        stream.process(
          name,
          {
            stores: { last: store(string()) },
            record(value, { stores, timers, timestamp }) {
              stores.last.put(value);
              timers.set('t', timestamp + 10);
            },
            timers: { t: ({ stores, forward }) => forward(stores.last.get()!) },
          },
          options,
        ),
      );
    await using world = await TestWorld.open();
    await world.topic('in', 1);
    await world.topic('out', 1);
    await world.write('in', record('k=x@1'));
    await world.runToIdle(named('former'));
    await world.write('in', record('l=y@20'));
    await world.runToIdle(named('step', { renamedFrom: 'former' }));
    expect(short(await world.read('out'))).toEqual(['k=x@11']);
  });

  test('is put back where the epoch that it fired in is taken back', async () => {
    const spoiled = built(stream =>
      stream
        .process('step', {
          record(value, { timers, timestamp, forward }) {
            timers.set('t', timestamp + 10);
            forward(value);
          },
          timers: { t: ({ forward }) => forward('fired') },
        })
        .pipe(
          map(record => {
            if (record.value === 'bad') throw new Error('no');
            return record;
          }),
        )
        .as(string()),
    );
    await using driver = await drive(spoiled);
    await driver.pipeAll(records('in', 'a=x@1', 'b=x@2', 'a=y@5', 'c=x@12', 'd=bad@13', 'e=x@20'));
    expect(brief(await driver.read('out'))).toEqual([
      'a=x@1',
      'b=x@2',
      'a=y@5',
      'b=fired@12',
      'c=x@12',
      'a=fired@15',
      'e=x@20',
    ]);
    expect(await driver.read('t.dead-letters')).toHaveLength(1);
    expect(await keptKeys(driver, CHANGELOG)).toEqual(['t\0c', 't\0e']);
  });
});

describe('an interval', () => {
  const counting = built(stream =>
    stream.process('step', {
      stores: { counts: store(string(), json<number>()) },
      record(_value, { stores }) {
        stores.counts.put('all', (stores.counts.get('all') ?? 0) + 1);
      },
      intervals: {
        report: {
          every: 10,
          run({ timestamp, stores, forward }) {
            forward(`${stores.counts.get('all') ?? 0} at ${timestamp}`);
          },
        },
      },
    }),
  );

  test('of stream time keeps step with 1970, and runs once for all it missed', async () => {
    await using driver = await drive(counting);
    const fired: string[][] = [];
    for (const at of [42, 42, 51, 52, 61, 65, 71, 72, 95, 101, 102]) {
      await driver.pipeAll(records('in', `k=x@${at}`));
      fired.push(brief(await driver.read('out')));
    }
    expect(fired).toEqual([
      ['null=0 at 42@42'],
      [],
      ['null=2 at 51@51'],
      [],
      ['null=4 at 61@61'],
      [],
      ['null=6 at 71@71'],
      [],
      ['null=8 at 95@95'],
      ['null=9 at 101@101'],
      [],
    ]);
  });

  test('of stream time remembers when it fired last', async () => {
    for (const crash of [true, false]) {
      await using driver = await drive(counting);
      await driver.pipeAll(records('in', 'k=x@42'));
      if (crash) await driver.crash();
      await driver.restart();
      await driver.pipeAll(records('in', 'k=x@49', 'k=x@51'));
      expect(brief(await driver.read('out'))).toEqual(['null=0 at 42@42', 'null=2 at 51@51']);
    }
  });

  test('of the clock counts from the start, and runs once for all it missed, across restarts', async () => {
    const clocked = built(stream =>
      stream.process('step', {
        record: () => {},
        clockIntervals: { tick: { every: 10, run: ({ timestamp, forward }) => forward(`tick at ${timestamp}`) } },
      }),
    );
    for (const crash of [null, true, false]) {
      await using driver = await drive(clocked);
      await driver.idle();
      const fired: string[][] = [];
      for (const ms of [5, 9, 1, 20, 5]) {
        await driver.advance(ms);
        await driver.idle();
        fired.push(brief(await driver.read('out')));
        if (crash) await driver.crash();
        if (crash !== null) await driver.restart();
        await driver.idle();
      }
      expect(fired).toEqual([[], ['null=tick at 14@14'], [], ['null=tick at 35@35'], ['null=tick at 40@40']]);
    }
  });

  test('of the clock keeps its start where the first epoch is taken back', async () => {
    const clocked = topology('t', t => {
      const stream = t.stream(input);
      stream
        .process('step', {
          record: () => {},
          clockIntervals: { tick: { every: 10, run: ({ timestamp, forward }) => forward(`tick at ${timestamp}`) } },
        })
        .to(out);
      stream.pipe(
        map(one => {
          throw new Error(`no ${one.value}`);
        }),
      );
    });
    await using driver = await drive(clocked, { before: records('in', 'k=bad@1') });
    await driver.idle();
    await driver.advance(5);
    await driver.crash();
    await driver.restart();
    await driver.advance(5);
    await driver.idle();
    expect(brief(await driver.read('out'))).toEqual(['null=tick at 10@10']);
  });

  test('that throws is dead-lettered under its name, and runs again the next time', async () => {
    const throwing = built(stream =>
      stream.process('step', {
        record: (value, { forward }) => forward(value),
        intervals: {
          odd: {
            every: 10,
            run({ timestamp, forward }) {
              if (timestamp === 12) throw new Error('no');
              forward('ran');
            },
          },
        },
      }),
    );
    await using driver = await drive(throwing);
    await driver.pipeAll(records('in', 'k=a@1', 'k=b@12', 'k=c@20'));
    expect(brief(await driver.read('out'))).toEqual(['null=ran@1', 'k=a@1', 'k=b@12', 'null=ran@20', 'k=c@20']);
    const [letter, ...others] = await driver.read<null, null>('t.dead-letters');
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ key: null, value: null, timestamp: 12 });
    expect(letter!.headers.map(([name, value]) => [name, String(value)])).toContainEqual(['topo.timer', 'odd']);
  });

  test("belongs to no key: it sees no timers and no values by the record's key", async () => {
    const keyless = built(stream =>
      stream.process('step', {
        stores: { last: store(string()) },
        record: () => {},
        intervals: { i: { every: 10, run: ({ stores }) => stores.last.put('x') } },
      }),
    );
    await using driver = await drive(keyless);
    await driver.pipeAll(records('in', 'k=a@1'));
    const [letter] = await driver.read('t.dead-letters');
    expect(String(letter!.headers.find(([name]) => name === '__streams.errors.message')![1])).toMatch(/no key/);
  });
});
