import { map as rxMap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { json, string, topic, topology, tumbling, windowed } from '../../src/index.ts';
import type { Topology } from '../../src/index.ts';
import type { Application } from '../../src/runtime/application.ts';
import { DeadLetterLimit } from '../../src/runtime/dead-letter-limit.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { record, short, TestWorld } from './world.ts';

const input = topic('in', string(), string());
const output = topic('out', string(), string());

/** Throws for what starts with "bad". */
function checked(value: string): string {
  if (value.startsWith('bad')) throw new RangeError('not this one');
  return `${value}!`;
}

async function worldWith(...texts: readonly string[]): Promise<TestWorld & { readonly clock: ManualClock }> {
  const world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...texts.map(record));
  return Object.assign(world, { clock: new ManualClock() });
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn();
}

/** Lets time pass until so many records have come out. */
async function written(
  world: Awaited<ReturnType<typeof worldWith>>,
  application: Application,
  count: number,
): Promise<void> {
  for (let n = 0; n < 50 && (await world.read('out')).length < count; n++) {
    await world.clock.advance(50);
    await application.turn();
  }
}

describe('whose policy decides', () => {
  const built = (
    ofTopology: 'dead-letter' | 'stop' | undefined,
    ofStep: 'dead-letter' | 'stop' | undefined,
  ): Topology =>
    topology('t', ofTopology === undefined ? {} : { onError: ofTopology }, t =>
      t
        .stream(input)
        .map(checked, ofStep === undefined ? {} : { onError: ofStep })
        .as(string())
        .to(output),
    );

  test.each([
    [undefined, undefined, undefined, 'dead-letter'],
    ['stop', undefined, undefined, 'stop'],
    ['stop', 'dead-letter', undefined, 'dead-letter'],
    ['dead-letter', 'stop', undefined, 'stop'],
    ['dead-letter', undefined, 'stop', 'stop'],
    ['stop', undefined, 'dead-letter', 'dead-letter'],
    ['dead-letter', 'dead-letter', 'stop', 'dead-letter'],
  ] as const)('topology %s, step %s, run %s: %s', async (ofTopology, ofStep, ofRun, decided) => {
    await using world = await worldWith('k=a@1', 'k=bad@2', 'k=c@3');
    const application = await world.start(built(ofTopology, ofStep), ofRun === undefined ? {} : { onError: ofRun });
    if (decided === 'stop') await expect(application.done).rejects.toMatchObject({ code: 'TOPO_STOPPED_BY_POLICY' });
    else await application.idle();
    expect(short(await world.read('out'))).toEqual(decided === 'stop' ? ['k=a!@1'] : ['k=a!@1', 'k=c!@3']);
    expect((await world.read('t.dead-letters')).map(({ value }) => value)).toEqual(decided === 'stop' ? [] : ['bad']);
  });
});

describe('a function', () => {
  test('sees the error, the record and the value, and may give a value to go on with', async () => {
    const seen: unknown[] = [];
    const substituting = topology('t', t =>
      t
        .stream(input)
        .map(checked, {
          onError(error, { key, timestamp, offset }, value) {
            seen.push([error.code, error.place.step, key, timestamp, offset, value]);
            return value === 'bad-kept' ? { value: 'instead' } : 'dead-letter';
          },
        })
        .as(string())
        .to(output),
    );
    await using driver = await drive(substituting);
    await driver.pipeAll(records('in', 'k=a@1', 'k=bad-kept@2', 'k=bad-lost@3'));
    expect(brief(await driver.read('out'))).toEqual(['k=a!@1', 'k=instead@2']);
    expect(seen).toEqual([
      ['TOPO_USER_FUNCTION', 'map', 'k', 2, 1, 'bad-kept'],
      ['TOPO_USER_FUNCTION', 'map', 'k', 3, 2, 'bad-lost'],
    ]);
    const letters = await driver.read<Uint8Array, Uint8Array>('t.dead-letters');
    expect(letters.map(({ value }) => String(value))).toEqual(['bad-lost']);
  });

  test('gives a value also where the function returned none, and in joins, filters and calls', async () => {
    const instead = { onError: () => ({ value: 'instead' }) } as const;
    const varied = topology('t', t => {
      const stream = t.stream(input);
      stream
        .map(() => undefined as unknown as string, instead)
        .as(string())
        .to(topic('map', string(), string()));
      stream
        .filter(value => checked(value) !== '', { onError: () => ({ value: true }) })
        .to(topic('filter', string(), string()));
      stream
        .flatMap(value => [checked(value), 'more'], { onError: () => ({ value: ['x', 'y'] }) })
        .as(string())
        .to(topic('flatMap', string(), string()));
      stream
        .leftJoin('joined', t.table('rows', topic('rows', string(), string())), checked, instead)
        .as(string())
        .to(topic('join', string(), string()));
      stream
        .mapAsync('called', async value => checked(value), instead)
        .as(string())
        .to(topic('mapAsync', string(), string()));
    });
    await using driver = await drive(varied);
    await driver.pipe({ topic: 'in', key: 'k', value: 'bad', timestamp: 1 });
    const all: Record<string, unknown[]> = {};
    for (const name of ['map', 'filter', 'flatMap', 'join', 'mapAsync'])
      all[name] = (await driver.read(name)).map(({ value }) => value);
    expect(all).toEqual({
      map: ['instead'],
      filter: ['bad'],
      flatMap: ['x', 'y'],
      join: ['instead'],
      mapAsync: ['instead'],
    });
    expect(await driver.read('t.dead-letters')).toEqual([]);
  });

  test('of the topology decides about every step, and has no value to give where no result failed', async () => {
    const asked: unknown[] = [];
    const strict = topology(
      't',
      {
        onError(error) {
          asked.push([error.code, error.place.step]);
          return error.code === 'TOPO_DECODE' ? ({ value: 'x' } as never) : 'stop';
        },
      },
      t =>
        t
          .stream(topic('in', string(), json<string>()))
          .map(checked)
          .as(string())
          .to(output),
    );
    await using world = await worldWith('k=no json@1', 'k="a"@2', 'k="bad"@3');
    const application = await world.start(strict);
    await expect(application.done).rejects.toMatchObject({ code: 'TOPO_STOPPED_BY_POLICY', place: { offset: 2 } });
    expect(asked).toEqual([
      ['TOPO_DECODE', 'in'],
      ['TOPO_USER_FUNCTION', 'map'],
    ]);
    expect(short(await world.read('out'))).toEqual(['k=a!@2']);
    expect((await world.read('t.dead-letters')).map(({ value }) => value)).toEqual(['no json']);
  });

  test('that throws, or says what it cannot, leaves a dead letter that tells so', async () => {
    const wrong = topology('t', t =>
      t
        .stream(input)
        .map(checked, {
          onError(_error, _record, value) {
            if (value === 'bad-throws') throw new Error('the handler is broken');
            return 'ignore' as never;
          },
        })
        .as(string())
        .to(output),
    );
    await using driver = await drive(wrong);
    await driver.pipeAll(records('in', 'k=bad-throws@1', 'k=bad-says@2'));
    const messages = (await driver.read('t.dead-letters')).map(
      ({ headers }) => headerTexts(headers)['__streams.errors.message'],
    );
    expect(messages).toEqual([
      expect.stringMatching(/onError of 'map' threw: the handler is broken.*asked about: .*not this one/),
      expect.stringMatching(/onError of 'map' returned neither 'dead-letter' nor 'stop'/),
    ]);
  });
});

test('a promise of a value in place of a value is none, in no kind of step', async () => {
  const onError = () => ({ value: Promise.resolve('later') as never });
  const fails = (value: string): never => {
    throw new Error(value);
  };
  const steps: Readonly<Record<string, Topology>> = {
    mapAsync: topology('t', t =>
      t
        .stream(input)
        .mapAsync('a', fails, { onError })
        .as(json())
        .to(output as never),
    ),
    map: topology('t', t => t.stream(input).map(fails, { onError }).as(json()).to(output)),
    keyBy: topology('t', t => t.stream(input).keyBy('k', fails, json<never>(), { onError }).to(output)),
    flatMap: topology('t', t =>
      t
        .stream(input)
        .flatMap(fails, { onError })
        .as(json())
        .to(output as never),
    ),
    filter: topology('t', t => t.stream(input).filter(fails, { onError }).to(output)),
  };
  for (const [step, of] of Object.entries(steps)) {
    await using driver = await drive(of);
    await driver.pipeAll(records('in', 'k=a@1'));
    expect(await driver.read('out'), step).toEqual([]);
    const letters = await driver.read('t.dead-letters');
    expect(letters.map(({ headers }) => headerTexts(headers)['__streams.errors.message'])).toEqual([
      expect.stringMatching(/^onError of '.*' threw: its function returned a promise/),
    ]);
  }
});

describe('a retry', () => {
  /** Fails so many times for "bad", then succeeds. */
  const flaky = (failures: number) => {
    let left = failures;
    return (value: string): string => {
      if (value === 'bad' && left-- > 0) throw new Error('not yet');
      return `${value}!`;
    };
  };
  const retrying = (fn: (value: string) => string, then?: 'stop') =>
    topology('t', t =>
      t
        .stream(input)
        .map(fn, { onError: { retry: { times: 3, backoff: 100 }, ...(then && { then }) } })
        .as(string())
        .to(output),
    );

  test('waits longer each time, holds back what stands behind it, and commits what stood before', async () => {
    await using world = await worldWith('k=a@1', 'k=bad@2', 'l=c@3');
    const application = await world.start(retrying(flaky(3)));
    await until(async () => (await world.read('out')).length === 1);
    for (const ms of [99, 1, 199, 1, 399]) {
      await world.clock.advance(ms);
      await application.turn();
      expect(short(await world.read('out'))).toEqual(['k=a!@1']);
    }
    await world.clock.advance(1);
    await application.idle();
    expect(short(await world.read('out'))).toEqual(['k=a!@1', 'k=bad!@2', 'l=c!@3']);
    expect(await world.read('t.dead-letters')).toEqual([]);
  });

  test('that is the last one ends as a dead letter with its attempts, or as `then` says', async () => {
    for (const then of [undefined, 'stop'] as const) {
      await using world = await worldWith('k=bad@1', 'k=b@2');
      const application = await world.start(retrying(flaky(99), then));
      for (let n = 0; n < 20 && (await world.read('out')).length === 0; n++) {
        await world.clock.advance(1000);
        await application.turn().catch(() => {});
      }
      if (then === 'stop') {
        await expect(application.done).rejects.toMatchObject({ code: 'TOPO_STOPPED_BY_POLICY' });
        expect(await world.read('out')).toEqual([]);
      } else {
        await application.idle();
        expect(short(await world.read('out'))).toEqual(['k=b!@2']);
        const [letter] = await world.read('t.dead-letters');
        expect(letter).toMatchObject({ value: 'bad' });
        expect(Object.fromEntries(letter!.headers)).toMatchObject({ 'topo.attempt': '4' });
      }
    }
  });

  test('is begun anew after a crash in the middle, and the record is processed once', async () => {
    await using world = await worldWith('k=a@1', 'k=bad@2', 'k=c@3');
    await world.start(retrying(flaky(99)));
    await until(async () => (await world.read('out')).length === 1);
    await world.crash();
    const application = await world.start(retrying(flaky(0)));
    await application.idle();
    expect(short(await world.read('out'))).toEqual(['k=a!@1', 'k=bad!@2', 'k=c!@3']);
  });

  test('is one of so many, whatever else of the task fails meanwhile', async () => {
    let answer = () => {};
    const answered = new Promise<void>(resolve => (answer = resolve));
    let attempts = 0;
    const both = topology('t', t => {
      const stream = t.stream(input);
      stream
        .filter(value => value === 'call')
        .mapAsync('call', async value => answered.then(() => value))
        .map(
          (): string => {
            throw new Error('not its result');
          },
          { onError: { retry: { times: 1, backoff: 1 } } },
        )
        .as(string())
        .to(output);
      stream
        .filter(value => value === 'bad')
        .map(
          (): string => {
            attempts++;
            throw new Error('not yet');
          },
          { onError: { retry: { times: 3, backoff: 100 } } },
        )
        .as(string())
        .to(output);
    });
    await using world = await worldWith('k=call@1', 'k=bad@2');
    const application = await world.start(both);
    await until(() => attempts === 1);
    answer();
    for (let n = 0; n < 20 && (await world.read('t.dead-letters')).length < 2; n++) {
      await world.clock.advance(1000);
      await application.turn();
    }
    expect((await world.read('t.dead-letters')).map(({ value }) => value)).toEqual(['call', 'bad']);
    expect(attempts).toBe(4);
  });

  test('is not overtaken by an earlier record that comes to another input of its task meanwhile', async () => {
    const merged = topology('t', t =>
      t
        .stream(input)
        .merge(t.stream(topic('other', string(), string())))
        .map(flaky(1), { onError: { retry: { times: 3, backoff: 100 } } })
        .as(string())
        .to(output),
    );
    await using world = await worldWith('k=a@9', 'k=bad@10');
    await world.topic('other', 1);
    const application = await world.start(merged);
    await until(async () => (await world.read('out')).length === 1);
    await world.write('other', record('k=b@5'));
    await until(async () => {
      await application.turn();
      return application.figures().lag === 2;
    });
    await world.clock.advance(100);
    await application.idle();
    expect(short(await world.read('out'))).toEqual(['k=a!@9', 'k=bad!@10', 'k=b!@5']);
  });

  test('leaves no trace: what the record had made due comes out as if nothing had failed, also behind it', async () => {
    const timed = (failures: number) =>
      topology('t', t => {
        const bad = flaky(failures);
        const first = t.stream(input).process('first', {
          forwards: string(),
          record(value, { timers, forward }) {
            if (value === 'a') timers.set('t', 60);
            forward(value);
          },
          timers: { t: ({ forward }) => forward('tick') },
        });
        const second = first.process('second', {
          forwards: string(),
          record(value, { timers, forward }) {
            if (value === 'a') timers.set('t', 50);
            forward(value);
          },
          timers: { t: ({ forward }) => forward('timer') },
        });
        second
          .groupByKey()
          .window(tumbling(10, { emit: 'final' }))
          .count('counted')
          .to(topic('counts', windowed(string()), json<number>()));
        second
          .map(bad, { onError: { retry: { times: 3, backoff: 100 } } })
          .as(string())
          .to(output);
      });
    const found = [];
    for (const failures of [0, 2]) {
      await using world = await worldWith('k=a@10', 'k=bad@100', 'k=c@200');
      const application = await world.start(timed(failures));
      await written(world, application, 5);
      await application.idle();
      expect(short(await world.read('out'))).toEqual([
        'k=a!@10',
        'k=timer!@50',
        'k=tick!@60',
        'k=bad!@100',
        'k=c!@200',
      ]);
      found.push(await world.read('counts'));
    }
    expect(found[0]).toHaveLength(4);
    expect(found[1]).toEqual(found[0]);
  });

  test('of one of several timers of a record goes on behind a restart, also in front of a pipe', async () => {
    let left = 6;
    const piped = topology('t', t =>
      t
        .stream(input)
        .process('timed', {
          forwards: string(),
          record: (value, { timers }) => timers.set('t', value === 'a' ? 10 : 20),
          timers: { t: ({ forward, key }) => forward(key) },
        })
        .map(
          value => {
            if (value === 'l' && left-- > 0) throw new Error('not yet');
            return value;
          },
          { onError: { retry: { times: 1, backoff: 100 } } },
        )
        .as(string())
        .pipe(rxMap(record => ({ ...record, value: `${record.value}!` })))
        .as(string())
        .to(output),
    );
    await using world = await worldWith('k=a@1', 'l=b@2', 'm=c@30');
    for (const count of [1, 2]) {
      const application = await world.start(piped);
      await written(world, application, count);
      // the record was tried whole, then what it made due by itself
      if (count === 1) expect(left).toBe(2);
      await (count === 1 ? application.crash() : application.idle());
    }
    expect(short(await world.read('out'))).toEqual(['k=k!@10', 'l=l!@20']);
    expect(left).toBe(-1);
  });

  test('of a timer comes in front of the record that made it due, though that does not reach its step again', async () => {
    const timed = topology('t', t => {
      const stream = t.stream(input);
      const first = stream.process('first', {
        forwards: string(),
        record: (_value, { timers, timestamp }) => timers.set('t', timestamp + 5),
        timers: { t: ({ forward }) => forward('early') },
      });
      first
        .process('second', {
          forwards: string(),
          record: (_value, { timers, timestamp }) => timers.set('t', timestamp - 10),
          timers: { t: ({ forward }) => forward('bad') },
        })
        .map(flaky(2), { onError: { retry: { times: 3, backoff: 100 } } })
        .as(string())
        .to(output);
    });
    await using world = await worldWith('k=a@100', 'l=b@110', 'l=c@120');
    const application = await world.start(timed);
    await written(world, application, 1);
    await application.idle();
    expect(short(await world.read('out'))).toEqual(['k=bad!@95']);
  });

  test('of a result of a call, and of a timer, holds their task in the same way', async () => {
    const later = topology('t', t =>
      t
        .stream(input)
        .mapAsync('call', async value => value)
        .map(flaky(2), { onError: { retry: { times: 5, backoff: 10 } } })
        .as(string())
        .process('timed', {
          record: (_value, { timers, timestamp }) => timers.set('t', timestamp + 5),
          timers: { t: ({ forward, key }) => forward(`timer of ${key}`) },
        })
        .map(
          (() => {
            let left = 2;
            return (value: string) => {
              if (left-- > 0) throw new Error('not yet');
              return value;
            };
          })(),
          { onError: { retry: { times: 5, backoff: 10 } } },
        )
        .as(string())
        .to(output),
    );
    await using world = await worldWith('k=bad@1', 'l=b@10');
    const application = await world.start(later);
    await written(world, application, 1);
    await application.idle();
    expect(short(await world.read('out'))).toEqual(['k=timer of k@6']);
    expect(await world.read('t.dead-letters')).toEqual([]);
  });
});

test.each([
  ['is to be tried again', { retry: { times: 5, backoff: '1 h' } }],
  ['ends the run', 'stop'],
] as const)(
  'a window whose close %s comes out before the record that made it due, at the next start too',
  async (_, onError) => {
    const closing = (isBroken: boolean) =>
      topology('t', t => {
        const stream = t.stream(input);
        stream
          .groupByKey()
          .window(tumbling(10, { emit: 'final' }))
          .reduce('texts', (a, b) => a + b)
          .toStream()
          .map(
            text => {
              if (isBroken) throw new Error('not yet');
              return `window ${text}`;
            },
            { onError },
          )
          .as(string())
          .keyBy('by-key', (_text, { key }) => key.key, string())
          .to(output);
        stream.to(output);
      });
    await using world = await worldWith('k=a@1', 'l=b@2', 'm=c@50');
    await world.start(closing(true));
    await until(async () => (await world.read('out')).length === 2);
    await world.crash();
    await world.runToIdle(closing(false));
    expect(short(await world.read('out'))).toEqual(['k=a@1', 'l=b@2', 'k=window a@1', 'l=window b@2', 'm=c@50']);
  },
);

describe('so many dead letters that it looks like a broken deploy', () => {
  const checking = topology('t', t => t.stream(input).map(checked).as(string()).to(output));
  const many = (count: number, isBad: (n: number) => boolean) =>
    Array.from({ length: count }, (_, n) => ({ key: 'k', value: isBad(n) ? `bad${n}` : `v${n}`, timestamp: n }));

  test('100 in a row end the run, and it goes on behind them', async () => {
    await using world = await worldWith();
    await world.write('in', ...many(300, n => n >= 50 && n < 170));
    const application = await world.start(checking, { deadLetterLimit: true });
    await expect(application.done).rejects.toMatchObject({
      code: 'TOPO_TOO_MANY_DEAD_LETTERS',
      message: expect.stringMatching(/100 units in a row .* step 'map' on in-0 at offset 149/) as string,
    });
    expect(await world.read('t.dead-letters')).toHaveLength(100);
    expect(await world.read('out')).toHaveLength(50);
    await world.runToIdle(checking, { deadLetterLimit: true });
    expect(await world.read('t.dead-letters')).toHaveLength(120);
    expect(await world.read('out')).toHaveLength(180);
  });

  test('100 in a row end the run though they are timers that one record made due', async () => {
    const timed = topology('t', t =>
      t
        .stream(input)
        .process('timed', {
          forwards: string(),
          record: (_value, { timers }) => timers.set('t', 5000),
          timers: {
            t: () => {
              throw new Error('not this one');
            },
          },
        })
        .to(output),
    );
    await using world = await worldWith();
    const keys = Array.from({ length: 150 }, (_, n) => ({ key: `k${n}`, value: 'set', timestamp: n }));
    await world.write('in', ...many(3000, () => false), ...keys, { key: 'k', value: 'v', timestamp: 9000 });
    const application = await world.start(timed, { deadLetterLimit: true });
    await expect(application.done).rejects.toMatchObject({ code: 'TOPO_TOO_MANY_DEAD_LETTERS' });
    expect(await world.read('t.dead-letters')).toHaveLength(100);
  });

  test('more than 5 % end it, fewer do not, and without the limit nothing does', async () => {
    const ends = async (every: number, deadLetterLimit: boolean): Promise<boolean> => {
      await using world = await worldWith();
      await world.write('in', ...many(4000, n => n % every === 0));
      const application = await world.start(checking, { deadLetterLimit });
      const outcome = await Promise.race([
        application.idle().then(() => false),
        application.done.then(
          () => false,
          () => true,
        ),
      ]);
      return outcome;
    };
    expect(await ends(19, true)).toBe(true);
    expect(await ends(21, true)).toBe(false);
    expect(await ends(2, false)).toBe(false);
  });

  test('what lies further back than 10,000 units does not count', () => {
    const limit = new DeadLetterLimit();
    const unit = (isBad: boolean): string | null => {
      const problem = isBad ? limit.deadLettered() : null;
      limit.unitEnded();
      return problem;
    };
    for (let n = 0; n < 99; n++) expect(unit(true)).toBeNull();
    for (let n = 0; n < 10_000; n++) unit(false);
    for (let n = 0; n < 500; n++) {
      expect(unit(true)).toBeNull();
      for (let good = 0; good < 19; good++) unit(false);
    }
    expect(unit(true)).toBeNull();
    expect(unit(true)).toBe('501 of the last 10000 units were dead-lettered');
  });
});
