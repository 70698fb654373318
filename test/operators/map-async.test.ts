import { delay, map } from 'rxjs';
import { expect, test } from 'vitest';
import { TopologyError, json, string, topic, topology } from '../../src/index.ts';
import type { CallContext, MapAsyncOptions, Topology } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { record, short, TestWorld } from '../runtime/world.ts';
import { Dice, seedOf } from '../seed.ts';

const input = topic('in', string(), string());
const output = topic('out', string(), string());

const calling = (
  fn: (value: string, call: CallContext<string>) => Promise<string>,
  options?: MapAsyncOptions,
): Topology => topology('t', t => t.stream(input).mapAsync('call', fn, options).as(string()).to(output));

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn();
}

interface MadeCall {
  readonly value: string;
  readonly call: CallContext<string>;
  readonly succeed: (result: string) => void;
  readonly fail: (error: Error) => void;
}

/** A function whose calls the test answers. */
class Service {
  /** Calls without an answer, in the order they were made. */
  readonly open: MadeCall[] = [];
  readonly made: string[] = [];
  mostAtOnce = 0;

  readonly fn = (value: string, call: CallContext<string>): Promise<string> =>
    new Promise((resolve, reject) => {
      const end = (then: () => void) => {
        this.open.splice(this.open.indexOf(made), 1);
        then();
      };
      const made: MadeCall = {
        value,
        call,
        succeed: result => end(() => resolve(result)),
        fail: error => end(() => reject(error)),
      };
      this.open.push(made);
      this.made.push(value);
      this.mostAtOnce = Math.max(this.mostAtOnce, this.open.length);
    });

  /** The open call for a value, as soon as there is one. */
  async call(value: string): Promise<MadeCall> {
    await until(() => this.open.some(one => one.value === value));
    return this.open.find(one => one.value === value)!;
  }

  get values(): string[] {
    return this.open.map(({ value }) => value);
  }
}

async function opened(...texts: readonly string[]): Promise<TestWorld> {
  const world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', ...texts.map(record));
  return world;
}

const count = async (world: TestWorld, name: string): Promise<number> => (await world.read(name)).length;

test('a result is handed on with key, timestamp and headers of its record, and the function sees them', async () => {
  const seen: unknown[] = [];
  await using driver = await drive(
    calling(async (value, { signal, ...call }) => {
      seen.push([value, call, signal.aborted]);
      return `${value}!`;
    }),
  );
  const headers = [['h', Buffer.from('x')]] as const;
  await driver.pipe({ topic: 'in', key: 'k', value: 'a', timestamp: 5, headers });
  await driver.pipe({ topic: 'in', key: null, value: 'b', timestamp: 6 });
  expect(await driver.read('out')).toMatchObject([
    { key: 'k', value: 'a!', timestamp: 5, headers },
    { key: null, value: 'b!', timestamp: 6, headers: [] },
  ]);
  expect(seen).toEqual([
    ['a', { key: 'k', timestamp: 5, headers, attempt: 1 }, false],
    ['b', { key: null, timestamp: 6, headers: [], attempt: 1 }, false],
  ]);
  expect(driver.figures().steps.find(({ step }) => step === 'call')).toMatchObject({ in: 2, out: 2 });
});

test('null values are handed to the function too', async () => {
  const nulls = topology('t', t =>
    t
      .stream(input, { tombstones: true })
      .mapAsync('call', async value => (value === null ? 'none' : value))
      .as(string())
      .to(output),
  );
  await using driver = await drive(nulls);
  await driver.pipeAll(records('in', 'k=a@1', 'k=null@2'));
  expect(brief(await driver.read('out'))).toEqual(['k=a@1', 'k=none@2']);
});

test("order 'key': one call at a time for each key, in order; other keys do not wait", async () => {
  await using world = await opened('k=1@1', 'k=2@2', 'l=3@3', 'k=4@4');
  const service = new Service();
  const application = await world.start(calling(service.fn));
  await service.call('3');
  expect(service.values).toEqual(['1', '3']);
  (await service.call('3')).succeed('3');
  await until(async () => (await count(world, 'out')) === 1);
  expect(service.values).toEqual(['1']);
  (await service.call('1')).succeed('1');
  (await service.call('2')).succeed('2');
  (await service.call('4')).succeed('4');
  await application.idle();
  expect(short(await world.read('out'))).toEqual(['l=3@3', 'k=1@1', 'k=2@2', 'k=4@4']);
});

test("order 'partition': calls overlap, results come in the order of the records", async () => {
  await using world = await opened('k=1@1', 'k=2@2', 'l=3@3');
  const service = new Service();
  const application = await world.start(calling(service.fn, { order: 'partition' }));
  (await service.call('3')).succeed('3');
  (await service.call('2')).succeed('2');
  for (let i = 0; i < 20; i++) await turn();
  expect(await count(world, 'out')).toBe(0);
  (await service.call('1')).succeed('1');
  await application.idle();
  expect(short(await world.read('out'))).toEqual(['k=1@1', 'k=2@2', 'l=3@3']);
});

test("order 'none': results come as they are there", async () => {
  await using world = await opened('k=1@1', 'k=2@2');
  const service = new Service();
  const application = await world.start(calling(service.fn, { order: 'none' }));
  (await service.call('2')).succeed('2');
  await until(async () => (await count(world, 'out')) === 1);
  (await service.call('1')).succeed('1');
  await application.idle();
  expect(short(await world.read('out'))).toEqual(['k=2@2', 'k=1@1']);
});

test('no more calls at once than said, and no more records held than four times that', async () => {
  await using world = await opened(...Array.from({ length: 100 }, (_, n) => `k${n}=${n}@${n}`));
  const service = new Service();
  const application = await world.start(calling(service.fn, { concurrency: 3, order: 'none' }));
  await until(() => service.open.length === 3);
  for (let i = 0; i < 20; i++) await turn();
  expect(application.figures().steps.find(({ step }) => step === 'call')!.in).toBe(12);
  const idle = application.idle();
  let isIdle = false;
  void idle.then(() => (isIdle = true));
  while (!isIdle) {
    for (const { value, succeed } of [...service.open]) succeed(value);
    await turn();
  }
  expect(service.mostAtOnce).toBe(3);
  expect((await world.read('out')).map(({ value }) => Number(value)).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('a commit waits for no call: it keeps the record, and the offset moves on', async () => {
  await using world = await opened('k=1@1', 'l=2@2');
  const service = new Service();
  const application = await world.start(calling(service.fn));
  await service.call('2');
  await until(async () => (await world.broker.groupOffsets('t'))[0]?.offset === 2);
  expect(await count(world, 't-call-changelog')).toBe(2);
  expect(await count(world, 'out')).toBe(0);
  for (const { value, succeed } of [...service.open]) succeed(value);
  await application.idle();
  expect(await count(world, 'out')).toBe(2);
  expect(await count(world, 't-call-changelog')).toBe(4);
});

test.each(['state kept', 'state lost'])('calls under way when the process is lost are made again, %s', async kept => {
  const before = await opened('k=1@1', 'k=2@2', 'l=3@3');
  const [first, second] = [new Service(), new Service()];
  await before.start(calling(first.fn));
  (await first.call('1')).succeed('one');
  await until(async () => (await count(before, 'out')) === 1);
  await first.call('2');
  const lost = kept === 'state kept' ? before : await before.afterLoss();
  if (kept === 'state kept') await before.crash();
  await using world = lost;
  const application = await world.start(calling(second.fn));
  await world.write('in', record('k=4@4'));
  (await second.call('3')).succeed('three');
  (await second.call('2')).succeed('two');
  (await second.call('4')).succeed('four');
  await application.idle();
  expect(second.made.sort()).toEqual(['2', '3', '4']);
  expect(short(await world.read('out')).sort()).toEqual(['k=four@4', 'k=one@1', 'k=two@2', 'l=three@3']);
  if (lost !== before) await before[Symbol.asyncDispose]();
});

test('what is under way at a stop is told so, and made again at the next start', async () => {
  await using world = await opened('k=1@1');
  const service = new Service();
  const application = await world.start(calling(service.fn));
  const { call } = await service.call('1');
  await until(async () => (await world.broker.groupOffsets('t'))[0]?.offset === 1);
  await application.stop();
  expect(call.signal.aborted).toBe(true);
  const again = await world.start(calling(async value => `${value} again`));
  await again.idle();
  expect(short(await world.read('out'))).toEqual(['k=1 again@1']);
});

test('a retry without a backoff does not wait for the clock', async () => {
  const second = async (value: string, { attempt }: CallContext<string>): Promise<string> => {
    await turn();
    if (attempt === 1) throw new Error('down');
    return `${value}${attempt}`;
  };
  await using driver = await drive(calling(second, { retry: { times: 1, backoff: 0 } }));
  await driver.pipeAll(records('in', 'k=a@1'));
  expect(brief(await driver.read('out'))).toEqual(['k=a2@1']);
});

test('a call that fails is tried again after a while that doubles; a key waits, others go on', async () => {
  await using world = await opened('k=1@1', 'k=2@2', 'l=3@3');
  const clock = new ManualClock();
  world.clock = clock;
  const service = new Service();
  const options = { concurrency: 1, retry: { times: 2, backoff: 1000 } };
  const application = await world.start(calling(service.fn, options));
  (await service.call('1')).fail(new Error('not now'));
  (await service.call('3')).succeed('3');
  await until(async () => (await count(world, 'out')) === 1);
  expect(service.values).toEqual([]);
  await clock.advance(999);
  expect(service.values).toEqual([]);
  await clock.advance(1);
  const second = await service.call('1');
  expect(second.call.attempt).toBe(2);
  second.fail(new Error('not now either'));
  await turn();
  await clock.advance(1999);
  expect(service.values).toEqual([]);
  await clock.advance(1);
  (await service.call('1')).succeed('1');
  (await service.call('2')).succeed('2');
  await application.idle();
  expect(short(await world.read('out'))).toEqual(['l=3@3', 'k=1@1', 'k=2@2']);
});

test('a call that fails for good dead-letters the value that entered the step, with the number of its attempts', async () => {
  await using world = await opened();
  await world.write('in', { key: 'k', value: 'bad', timestamp: 5, headers: [['h', 'x']] }, record('k=good@6'));
  const failing = topology('t', t =>
    t
      .stream(input)
      .map(value => ({ seen: value }))
      .as(json<{ seen: string }>())
      .mapAsync(
        'call',
        async ({ seen }) => {
          if (seen === 'bad') throw new RangeError('no such thing');
          return seen;
        },
        { retry: { times: 2, backoff: 0 } },
      )
      .as(string())
      .to(output),
  );
  await world.runToIdle(failing);
  expect(short(await world.read('out'))).toEqual(['k=good@6']);
  const [letter, ...others] = await world.read('t.dead-letters');
  expect(others).toEqual([]);
  expect(letter).toMatchObject({ key: 'k', value: '{"seen":"bad"}', timestamp: 5 });
  expect(Object.fromEntries(letter!.headers)).toMatchObject({
    h: 'x',
    'topo.code': 'TOPO_USER_FUNCTION',
    'topo.step': 'call',
    'topo.attempt': '3',
    '__streams.errors.exception': 'RangeError',
  });
});

test('a call that failed for good is not held by a retry that the topology is told: it would fail again', async () => {
  const retrying = topology('t', { onError: { retry: { times: 3, backoff: '1 h' } } }, t =>
    t
      .stream(input)
      .mapAsync('call', async value => {
        if (value === 'bad') throw new Error('down');
        return value;
      })
      .as(string())
      .to(output),
  );
  await using driver = await drive(retrying);
  await driver.pipeAll(records('in', 'k=bad@1', 'l=a@2'));
  expect(brief(await driver.read('out'))).toEqual(['l=a@2']);
  const [letter] = await driver.read('t.dead-letters');
  expect(headerTexts(letter!.headers)).toMatchObject({ 'topo.code': 'TOPO_USER_FUNCTION', 'topo.attempt': '1' });
});

test('in an order that is not by key it follows a new key without a repartition, and shows it', async () => {
  const calling = topology('t', t => {
    t.stream(input)
      .keyBy('by-value', value => value, string())
      .mapAsync('call', async (value, { key }) => `${key}:${value}`, { order: 'none' })
      .as(string())
      .to(output);
  });
  await using driver = await drive(calling, { partitions: 4 });
  await driver.pipeAll(records('in', 'k=a@1', 'l=b@2'));
  expect(brief(await driver.read('out')).sort()).toEqual(['a=a:a@1', 'b=b:b@2']);
  await expect(driver.read('t-by-value-repartition')).rejects.toThrow(/has no topic/);
});

test('undefined is no result, and a step behind that throws dead-letters what entered the call', async () => {
  const failing = topology('t', t =>
    t
      .stream(input)
      .mapAsync('call', async value => (value === 'nothing' ? (undefined as unknown as string) : value))
      .map(value => {
        if (value === 'bad') throw new TypeError('not behind it either');
        return value;
      })
      .as(string())
      .to(output),
  );
  await using driver = await drive(failing);
  await driver.pipeAll(records('in', 'k=nothing@1', 'k=bad@2', 'k=a@3'));
  expect(brief(await driver.read('out'))).toEqual(['k=a@3']);
  const letters = await driver.read<Buffer, Buffer>('t.dead-letters');
  expect(letters.map(({ value, headers }) => [value?.toString(), headerTexts(headers)['topo.code']])).toEqual([
    ['nothing', 'TOPO_RESULT_UNDEFINED'],
    ['bad', 'TOPO_USER_FUNCTION'],
  ]);
});

test('a timeout aborts the signal and is a failure', async () => {
  await using world = await opened('k=1@1');
  const clock = new ManualClock();
  world.clock = clock;
  const service = new Service();
  const application = await world.start(calling(service.fn, { timeout: '2 s', retry: { times: 1, backoff: 0 } }));
  const { call: first } = await service.call('1');
  await clock.advance(1999);
  expect(first.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(first.signal.aborted).toBe(true);
  await clock.advance(0);
  await until(() => service.made.length === 2);
  await clock.advance(2000);
  await application.idle();
  const [letter] = await world.read('t.dead-letters');
  expect(letter).toMatchObject({ key: 'k', value: '1' });
  expect(Object.fromEntries(letter!.headers)).toMatchObject({ 'topo.code': 'TOPO_TIMEOUT' });
});

test("onError 'stop': the run ends, and the next one makes the call again", async () => {
  await using world = await opened('k=bad@1', 'l=a@2');
  const application = await world.start(
    calling(async value => {
      if (value === 'bad') throw new Error('down');
      return value;
    }),
    { onError: 'stop' },
  );
  await expect(application.done).rejects.toMatchObject({ code: 'TOPO_STOPPED_BY_POLICY', place: { step: 'call' } });
  expect(await count(world, 't.dead-letters')).toBe(0);
  await world.runToIdle(calling(async value => value));
  expect(short(await world.read('out')).sort()).toEqual(['k=bad@1', 'l=a@2']);
});

test("onError 'stop': what was handed on before the result that failed is committed", async () => {
  await using world = await opened('k=good@1', 'l=bad@2');
  const service = new Service();
  const checked = topology('t', t =>
    t
      .stream(input)
      .mapAsync('call', service.fn)
      .map(value => {
        if (value === 'bad') throw new Error('not this one');
        return value;
      })
      .as(string())
      .to(topic('out', string(), string())),
  );
  const application = await world.start(checked, { onError: 'stop' });
  await service.call('bad');
  await until(async () => (await world.broker.groupOffsets('t'))[0]?.offset === 2);
  for (const { value, succeed } of [...service.open]) succeed(value);
  await expect(application.done).rejects.toMatchObject({ code: 'TOPO_STOPPED_BY_POLICY' });
  expect(short(await world.read('out'))).toEqual(['k=good@1']);
});

test('a record that fails in another branch makes no call', async () => {
  const service: string[] = [];
  const branches = topology('t', t => {
    const stream = t.stream(input);
    stream
      .mapAsync('call', async value => {
        service.push(value);
        return value;
      })
      .as(string())
      .to(output);
    stream.filter(value => {
      if (value === 'bad') throw new Error('elsewhere');
      return true;
    });
  });
  await using driver = await drive(branches);
  await driver.pipeAll(records('in', 'k=a@1', 'k=bad@2', 'k=b@3'));
  expect(service).toEqual(['a', 'b']);
  expect(brief(await driver.read('out'))).toEqual(['k=a@1', 'k=b@3']);
});

test('with a pipe in the same task: an epoch that is aborted loses no call and no result, and hands none on twice', async () => {
  const seed = seedOf('map-async');
  const dice = new Dice(seed);
  for (let round = 0; round < 12; round++) {
    const order = (['key', 'partition', 'none'] as const)[round % 3]!;
    const fails =
      (where: string) =>
      <T extends { readonly value: string }>(one: T): T => {
        if (one.value.startsWith(`bad ${where}`)) throw new Error(where);
        return one;
      };
    const both = topology('t', t => {
      const stream = t.stream(input);
      stream
        .pipe(map(fails('beside')))
        .as(string())
        .to(topic('beside', string(), string()));
      stream
        .mapAsync(
          'call',
          async value => {
            for (let turns = dice.below(6); turns > 0; turns--) await turn();
            return fails('call')({ value }).value;
          },
          { concurrency: 1 + dice.below(8), order },
        )
        .as(string())
        .pipe(delay(1), map(fails('behind')))
        .as(string())
        .to(output);
    });
    let world = await TestWorld.open();
    await world.topic('in', 2);
    const kinds = ['bad beside', 'bad call', 'bad behind'];
    const values = Array.from({ length: 100 }, (_, n) => `${dice.below(12) === 0 ? kinds[n % 3] : 'v'} ${n}`);
    const settings = () => ({ partitions: 2, maxEpochRecords: 1 + dice.below(40), commitIntervalMs: dice.below(3) });
    for (let written = 0; written < values.length; written += 25) {
      const piece = values.slice(written, written + 25);
      await world.write('in', ...piece.map((value, n) => ({ key: `k${n % 5}`, value, timestamp: written + n })));
      const application = await world.start(both, settings());
      for (let turns = dice.below(100); turns > 0; turns--) await turn();
      const end = dice.below(3);
      if (end === 0) await application.stop();
      else if (end === 1) await world.crash();
      else {
        const lost = world;
        world = await lost.afterLoss();
        await lost[Symbol.asyncDispose]();
      }
    }
    await world.runToIdle(both, settings());
    const of = async (name: string) => (await world.read(name)).map(({ value }) => value!).sort();
    const without = (...wheres: readonly string[]) =>
      values.filter(value => !wheres.some(where => value.startsWith(`bad ${where}`))).sort();
    const place = `seed ${seed}, round ${round}, order ${order}`;
    expect(await of('out'), place).toEqual(without('beside', 'call', 'behind'));
    expect(await of('beside'), place).toEqual(without('beside'));
    expect(await of('t.dead-letters'), place).toEqual(values.filter(value => value.startsWith('bad')).sort());
    if (order !== 'none') {
      const inputs = (await world.read('in')).map(({ key, value }) => [key, value] as const);
      const outputs = (await world.read('out')).map(({ key, value }) => [key, value] as const);
      for (let n = 0; n < 5; n++) {
        const ofKey = (all: readonly (readonly [string | null, string | null])[]) =>
          all.flatMap(([key, value]) => (key === `k${n}` && value!.startsWith('v') ? [value] : []));
        expect(ofKey(outputs), place).toEqual(ofKey(inputs));
      }
    }
    await world[Symbol.asyncDispose]();
  }
});

test('idle resolves once what lay in the topics at the call is done, though calls for more never end', async () => {
  await using world = await opened('k=1@1');
  const service = new Service();
  const application = await world.start(calling(service.fn, { order: 'none' }));
  const first = await service.call('1');
  await until(async () => (await world.broker.groupOffsets('t'))[0]?.offset === 1);
  const idle = application.idle();
  await world.write('in', record('k=2@2'));
  await service.call('2');
  first.succeed('1');
  await idle;
  expect(short(await world.read('out'))).toEqual(['k=1@1']);
});

test('what it cannot do is refused when the topology is built', () => {
  const refused = (build: Parameters<typeof topology>[1]) => {
    try {
      topology('t', build);
    } catch (error) {
      expect(error).toBeInstanceOf(TopologyError);
      return (error as TopologyError).message;
    }
    throw new Error('it was not refused');
  };
  const fn = async (value: unknown) => value;
  expect(refused(t => t.stream(input).map(Number).mapAsync('call', fn))).toMatch(
    /nothing says how they are written.*as\(serde\)/,
  );
  expect(refused(t => t.stream(input).mapAsync('call', fn, { concurrency: 0 }))).toMatch(/whole number from 1/);
  expect(refused(t => t.stream(input).mapAsync('call', fn, { retry: { times: 1.5 } }))).toMatch(
    /retry.times of 'call'/,
  );
  expect(refused(t => t.stream(input).mapAsync('call', fn, { order: 'any' as 'key' }))).toMatch(
    /'key', 'partition' or 'none'/,
  );
  expect(refused(t => t.stream(input).mapAsync('call', fn, { timeout: '2 sec' as '2 s' }))).toMatch(
    /timeout of 'call'/,
  );
});
