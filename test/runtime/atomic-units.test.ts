import { describe, expect, test } from 'vitest';
import { memoryState } from '../../src/adapters/level/level-state.ts';
import { FatalError, json, string, topic, topology, tumbling } from '../../src/index.ts';
import type { Topology } from '../../src/index.ts';
import type { StateBackend } from '../../src/runtime/ports.ts';
import { DEAD_LETTER_HEADERS } from '../../src/runtime/dead-letters.ts';
import { Store, UndoLog } from '../../src/runtime/store.ts';
import { headerTexts } from '../headers.ts';
import { brief, drive, records } from '../drive.ts';
import { record, short, TestWorld } from './world.ts';

const input = topic('in', string(), string());
const [first, second] = [topic('first', string(), string()), topic('second', string(), string())];
const boom = (value: string): string => {
  if (value.startsWith('bad')) throw new TypeError('not this one');
  return value;
};

/** Codes and steps of the dead letters, in order. */
async function deadLetters(driver: Awaited<ReturnType<typeof drive>>): Promise<string[]> {
  const letters = await driver.read<Buffer, Buffer>('t.dead-letters');
  return letters.map(({ value, headers }) => {
    const { 'topo.code': code, 'topo.step': step } = headerTexts(headers);
    return `${code} at ${step}: ${value?.toString() ?? 'null'}`;
  });
}

describe('a unit that fails leaves one dead letter and nothing else', () => {
  test('its last branch throws: no output of the other branches, no state, no counts of what was taken back', async () => {
    await using driver = await drive(
      topology('t', t => {
        const stream = t.stream(input);
        stream.to(first);
        stream
          .groupByKey()
          .count('counted')
          .to(topic('counts', string(), json<number>()));
        stream.toTable('rows');
        stream.map(boom).as(string()).to(second);
      }),
    );
    await driver.pipeAll(records('in', 'k=a@1', 'k=bad@2', 'l=bad@3', 'k=b@4'));
    expect(brief(await driver.read('first'))).toEqual(['k=a@1', 'k=b@4']);
    expect(brief(await driver.read('second'))).toEqual(['k=a@1', 'k=b@4']);
    expect(brief(await driver.read('counts'))).toEqual(['k=1@1', 'k=2@4']);
    expect(await driver.store('rows').get('k')).toBe('b');
    expect(await driver.store('rows').get('l')).toBeNull();
    expect(await driver.store('counted').get('l')).toBeNull();
    expect(await deadLetters(driver)).toEqual(['TOPO_USER_FUNCTION at map: bad', 'TOPO_USER_FUNCTION at map: bad']);
    expect(driver.figures()).toMatchObject({ in: 4, out: 6, deadLettered: 2 });
  });

  test('an aggregator that changes its state and throws leaves no trace', async () => {
    const sums = topic('sums', string(), json<{ values: string[] }>());
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .groupByKey()
          .aggregate('collected', {
            init: () => ({ values: [] as string[] }),
            add: (state: { values: string[] }, value: string) => {
              state.values.push(value);
              boom(value);
              return state;
            },
            serde: json<{ values: string[] }>(),
          })
          .to(sums),
      ),
    );
    await driver.pipeAll(records('in', 'k=bad-first@1', 'k=a@2', 'k=bad@3', 'k=b@4'));
    expect(brief(await driver.read('sums'))).toEqual(['k={"values":["a"]}@2', 'k={"values":["a","b"]}@4']);
    expect(await deadLetters(driver)).toEqual([
      'TOPO_USER_FUNCTION at collected: bad-first',
      'TOPO_USER_FUNCTION at collected: bad',
    ]);
  });

  test('the changelog has nothing of it either: a restored state is the same', async () => {
    await using world = await TestWorld.open();
    await world.topic('in', 1);
    await world.write('in', ...['k=a@1', 'k=bad@2', 'l=bad@3', 'k=b@4'].map(record));
    const counting = topology('t', t => {
      const stream = t.stream(input);
      stream.groupByKey().count('counted');
      stream.map(boom).as(string()).to(second);
    });
    await world.runToIdle(counting, { maxEpochRecords: 1, commitIntervalMs: 0 });
    expect((await world.read('t-counted-changelog')).map(({ key, timestamp }) => [key, timestamp]).at(-1)).toEqual([
      'k',
      4,
    ]);
    expect((await world.read('t-counted-changelog')).filter(({ key }) => key === 'l')).toEqual([]);
    await world.state.setAside('in-0');
    const again = await world.start(counting);
    const entries: unknown[] = [];
    for await (const entry of again.store('counted').entries()) entries.push(entry);
    expect(entries).toEqual([['k', 2]]);
  });

  test('flatMap throws midway: none of its results is written', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .flatMap(function* (value) {
            for (const part of value.split(' ')) yield boom(part);
          })
          .as(string())
          .to(first),
      ),
    );
    await driver.pipeAll(records('in', 'k=a b@1', 'k=c d bad e@2', 'k=f@3'));
    expect(brief(await driver.read('first'))).toEqual(['k=a@1', 'k=b@1', 'k=f@3']);
    expect(await deadLetters(driver)).toEqual(['TOPO_USER_FUNCTION at flatMap: c d bad e']);
  });

  test('flatMap returns nothing that has elements', async () => {
    const results: Record<string, unknown> = { number: 5, none: null, nothing: undefined, letters: ['a', 'b'] };
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .flatMap(value => results[value] as string[])
          .as(string())
          .to(first),
      ),
    );
    await driver.pipeAll(records('in', 'k=number@1', 'k=none@2', 'k=nothing@3', 'k=letters@4'));
    expect((await driver.read('first')).map(({ value }) => value)).toEqual(['a', 'b']);
    const messages = (await driver.read('t.dead-letters')).map(
      ({ headers }) => headerTexts(headers)[DEAD_LETTER_HEADERS.message],
    );
    const takes = 'flatMap takes an array, or another iterable, of results';
    expect(messages).toEqual(['a number', 'null', 'undefined'].map(kind => `its function returned ${kind}: ${takes}`));
  });

  test('a result that does not encode', async () => {
    await using driver = await drive(
      topology('t', t => {
        t.stream(input).to(first);
        t.stream(input)
          .map(value => (value === 'number' ? (7 as unknown as string) : value))
          .as(string())
          .to(second);
      }),
    );
    await driver.pipeAll(records('in', 'k=a@1', 'k=number@2', 'k=b@3'));
    expect(brief(await driver.read('first'))).toEqual(['k=a@1', 'k=b@3']);
    expect(await deadLetters(driver)).toEqual(['TOPO_ENCODE at second: number']);
  });

  test('a function that returns undefined', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input)
          .map(value => (value === 'nothing' ? (undefined as unknown as string) : value))
          .as(string())
          .to(first),
      ),
    );
    await driver.pipeAll(records('in', 'k=a@1', 'k=nothing@2'));
    expect(brief(await driver.read('first'))).toEqual(['k=a@1']);
    expect(await deadLetters(driver)).toEqual(['TOPO_RESULT_UNDEFINED at map: nothing']);
  });

  test("a record whose batch, holding it alone, exceeds its topic's max.message.bytes: one byte less goes through", async () => {
    const small = topic('small', string(), string(), { config: { 'max.message.bytes': '200' } });
    // a batch has 61 bytes of its own, a record of this length 9, and a key of one byte
    const largest = 'x'.repeat(200 - 61 - 9 - 1);
    await using driver = await drive(
      topology('t', t => {
        t.stream(input).to(first);
        t.stream(input)
          .map(value => value)
          .as(string())
          .to(small);
      }),
    );
    await driver.pipeAll(records('in', 'k=a@1', `k=${largest}@2`, `k=${largest}x@3`, 'k=b@4'));
    expect(brief(await driver.read('small'))).toEqual(['k=a@1', `k=${largest}@2`, 'k=b@4']);
    expect(await driver.read('first')).toHaveLength(3);
    const [letter] = await driver.read<Buffer, Buffer>('t.dead-letters');
    expect(headerTexts(letter!.headers)).toMatchObject({
      'topo.code': 'TOPO_RECORD_TOO_LARGE',
      'topo.step': 'small',
      '__streams.errors.topic': 'in',
      '__streams.errors.offset': '2',
    });
  });

  test("a state that would not fit its changelog's max.message.bytes", async () => {
    await using driver = await drive(
      topology('t', t => {
        t.stream(input).to(first);
        t.stream(input)
          .groupByKey()
          .reduce('joined', (a, b) => a + b);
      }),
    );
    const half = 'x'.repeat(600_000);
    await driver.pipeAll(records('in', `k=${half}@1`, `k=${half}@2`, 'k=b@3'));
    expect(await driver.read('first')).toHaveLength(2);
    expect(await driver.store('joined').get('k')).toBe(`${half}b`);
    expect((await deadLetters(driver)).map(text => text.slice(0, 31))).toEqual(['TOPO_RECORD_TOO_LARGE at joined']);
  });

  test("an extracted timestamp over an hour past the record's own, or none at all", async () => {
    const timed = topic('in', string(), string(), { timestamp: value => Number(value) });
    await using driver = await drive(topology('t', t => t.stream(timed).to(first)));
    const hour = 3_600_000;
    await driver.pipeAll(records('in', `k=${hour + 1}@1`, `k=${hour + 3}@2`, 'k=5@9', 'k=never@10', 'k=-1@11'));
    expect(brief(await driver.read('first'))).toEqual([`k=${hour + 1}@${hour + 1}`, 'k=5@5']);
    expect(await deadLetters(driver)).toEqual([
      `TOPO_TIMESTAMP_INVALID at in: ${hour + 3}`,
      'TOPO_TIMESTAMP_INVALID at in: never',
      'TOPO_TIMESTAMP_INVALID at in: -1',
    ]);
  });

  test("a record without a time of its own, as Kafka's oldest formats have; a topic that takes the time from the value needs none", async () => {
    const timed = topic('timed', string(), string(), { timestamp: value => Number(value) });
    await using driver = await drive(
      topology('t', t => {
        t.stream(timed).to(first);
        t.stream(input).to(first);
        t.stream(input).groupByKey().window(tumbling(10)).count('counted');
      }),
    );
    const timeless = { topic: 'in', key: 'k', value: 'x', timestamp: -1 };
    await driver.pipeAll([timeless, { ...timeless, timestamp: -5000 }, { ...timeless, timestamp: 0 }]);
    await driver.pipeAll([
      { ...timeless, topic: 'timed', value: '1700000000000' },
      { ...timeless, topic: 'timed', value: null },
    ]);
    expect(brief(await driver.read('first'))).toEqual(['k=x@0', 'k=1700000000000@1700000000000']);
    expect(driver.figures().steps.find(({ step }) => step === 'counted')?.in).toBe(1);
    expect(await deadLetters(driver)).toEqual([
      'TOPO_TIMESTAMP_INVALID at in: x',
      'TOPO_TIMESTAMP_INVALID at in: x',
      'TOPO_TIMESTAMP_INVALID at timed: null',
    ]);
  });
});

describe('dead letters', () => {
  test('carry the record as it came, the headers of KIP-1034 and ours', async () => {
    await using world = await TestWorld.open();
    await world.topic('in', 3);
    const failing = topology('t', t => t.stream(input).map(boom).as(string()).to(first));
    const headers = [['trace', 'x'], ['trace', 'y']] as const; // prettier-ignore
    await world.write(
      'in',
      { key: 'k', value: 'good', timestamp: 1, partition: 2 },
      { key: 'k', value: 'bad\u00e9', timestamp: 7, headers, partition: 2 },
    );
    await world.runToIdle(failing);
    const [letter, ...others] = await world.read('t.dead-letters');
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      partition: 2,
      key: 'k',
      timestamp: 7,
      value: Buffer.from('bad\u00e9').toString('latin1'),
    });
    expect(letter!.headers.slice(0, 2)).toEqual(headers);
    const own = Object.fromEntries(letter!.headers.slice(2));
    expect(Object.keys(own)).toEqual([
      '__streams.errors.exception',
      '__streams.errors.message',
      '__streams.errors.stacktrace',
      '__streams.errors.topic',
      '__streams.errors.partition',
      '__streams.errors.offset',
      'topo.step',
      'topo.code',
      'topo.attempt',
      'topo.manifest',
    ]);
    expect(own).toMatchObject({
      '__streams.errors.exception': 'TypeError',
      '__streams.errors.message': "the function of step 'map' threw: not this one",
      '__streams.errors.topic': 'in',
      '__streams.errors.partition': '2',
      '__streams.errors.offset': '1',
      'topo.step': 'map',
      'topo.code': 'TOPO_USER_FUNCTION',
      'topo.attempt': '1',
    });
    expect(own['__streams.errors.stacktrace']).toMatch(/TypeError: not this one\n +at /);
    const [manifest] = await world.read('t-manifest');
    expect(own['topo.manifest']).toBe((JSON.parse(manifest!.value!) as { hash: string }).hash);
  });

  test('have no key and no value where the record had none', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(input, { tombstones: true })
          .map(value => boom(value ?? 'bad'))
          .as(string())
          .to(first),
      ),
    );
    await driver.pipe({ topic: 'in', key: null, value: null, timestamp: 1 });
    expect(await driver.read('t.dead-letters')).toMatchObject([{ key: null, value: null, timestamp: 1 }]);
  });

  test('are as large as they come: over a megabyte', async () => {
    const huge = topic('in', string(), string(), { config: { 'max.message.bytes': '4000000' } });
    await using driver = await drive(topology('t', t => t.stream(huge).map(boom).as(string()).to(first)));
    await driver.pipeAll(records('in', `k=bad${'x'.repeat(2_000_000)}@1`, `k=bad${'y'.repeat(1_500_000)}@2`));
    expect((await driver.read<Buffer, Buffer>('t.dead-letters')).map(({ value }) => value!.length)).toEqual([
      2_000_003, 1_500_003,
    ]);
  });

  test('one too large for a dead-letter topic that somebody gave a limit ends the run: it is not lost', async () => {
    await using world = await TestWorld.open();
    await world.topic('in', 1);
    await world.topic('t.dead-letters', 1, { 'max.message.bytes': '1000' });
    await world.write('in', record('k=good@1'), record(`k=bad${'x'.repeat(1000)}@2`));
    const application = await world.start(topology('t', t => t.stream(input).map(boom).as(string()).to(first)));
    await expect(application.done).rejects.toMatchObject({
      code: 'TOPO_COMMIT_FAILED',
      place: { topic: 'in', offset: 1 },
    });
    expect(await world.broker.groupOffsets('t')).toEqual([]);
  });
});

describe('what is not the record’s fault', () => {
  const fatal = (topologyOf: (fail: (value: string) => string) => Topology) =>
    topologyOf(value => {
      if (value === 'bad') throw new FatalError('TOPO_DISK', 'the disk is gone');
      return value;
    });

  test('a fatal error ends the run, commits nothing of its epoch, and is no dead letter', async () => {
    await using world = await TestWorld.open();
    await world.topic('in', 1);
    const failing = fatal(fail => topology('t', t => t.stream(input).map(fail).as(string()).to(first)));
    await world.write('in', ...['k=a@1', 'k=bad@2', 'k=b@3'].map(record));
    const application = await world.start(failing);
    await expect(application.done).rejects.toMatchObject({ code: 'TOPO_DISK' });
    await expect(application.idle()).rejects.toMatchObject({ code: 'TOPO_DISK' });
    expect(await world.read('first')).toEqual([]);
    expect(await world.read('t.dead-letters')).toEqual([]);
    expect(await world.broker.groupOffsets('t')).toEqual([]);
  });

  test('a state that cannot be written ends the run; what the log has is there at the next start', async () => {
    const sound = memoryState();
    let writes = 0;
    const failing: StateBackend = {
      open: async (task, memoryBytes) => {
        const state = await sound.open(task, memoryBytes);
        const write = async (entries: Iterable<readonly [string, Uint8Array | null]>) => {
          if (++writes === 3) throw new Error('no space left');
          await state.write(entries);
        };
        return {
          get: key => state.get(key),
          entries: (from, to) => state.entries(from, to),
          approximateBytes: (from, to) => state.approximateBytes(from, to),
          close: () => state.close(),
          write,
        };
      },
      setAside: task => sound.setAside(task),
    };
    await using world = await TestWorld.open({ state: failing });
    await world.topic('in', 1);
    const counting = topology('t', t =>
      t
        .stream(input)
        .groupByKey()
        .count('counted')
        .to(topic('counts', string(), json<number>())),
    );
    const application = await world.start(counting);
    for (let n = 1; n <= 2; n++) {
      await world.write('in', record(`k=a@${n}`));
      await application.idle();
    }
    await world.write('in', record('k=a@3'));
    await expect(application.done).rejects.toMatchObject({ code: 'TOPO_DISK' });
    await world.write('in', record('k=a@4'));
    const again = await world.start(counting);
    await again.idle();
    expect(short(await world.read('counts'))).toEqual(['k=1@1', 'k=2@2', 'k=3@3', 'k=4@4']);
    expect(await again.store('counted').get('k')).toBe(4);
    expect(world.warnings).toEqual([]);
  });
});

describe("onError 'stop'", () => {
  test('commits what came before and names the place; the next start meets the record again', async () => {
    await using world = await TestWorld.open();
    await world.topic('in', 1);
    const failing = topology('t', t => {
      const stream = t.stream(input);
      stream
        .groupByKey()
        .count('counted')
        .to(topic('counts', string(), json<number>()));
      stream.map(boom).as(string()).to(first);
    });
    await world.write('in', ...['k=a@1', 'k=b@2', 'k=bad@3', 'k=c@4'].map(record));
    for (let start = 0; start < 2; start++) {
      const application = await world.start(failing, { onError: 'stop' });
      const ended = expect(application.done).rejects;
      await ended.toMatchObject({
        code: 'TOPO_STOPPED_BY_POLICY',
        place: { topology: 't', step: 'map', topic: 'in', partition: 0, offset: 2 },
      });
      await expect(application.done).rejects.toThrow(/step 'map' failed on in-0 at offset 2/);
      expect(short(await world.read('first'))).toEqual(['k=a@1', 'k=b@2']);
      expect(short(await world.read('counts'))).toEqual(['k=1@1', 'k=2@2']);
      expect(await world.read('t.dead-letters')).toEqual([]);
    }
    await world.runToIdle(failing);
    expect(short(await world.read('first'))).toEqual(['k=a@1', 'k=b@2', 'k=c@4']);
    expect(short(await world.read('counts'))).toEqual(['k=1@1', 'k=2@2', 'k=3@4']);
    expect(await world.read('t.dead-letters')).toHaveLength(1);
  });

  test('names the record, not the sink, where the record is too large', async () => {
    const small = topic('small', string(), string(), { config: { 'max.message.bytes': '100' } });
    await using world = await TestWorld.open();
    await world.topic('in', 1);
    await world.write('in', record(`k=${'x'.repeat(100)}@1`));
    const application = await world.start(
      topology('t', t =>
        t
          .stream(input)
          .map(value => value)
          .as(string())
          .to(small),
      ),
      { onError: 'stop' },
    );
    await expect(application.done).rejects.toMatchObject({
      place: { step: 'small', topic: 'in', partition: 0, offset: 0 },
    });
  });
});

test('a unit that is taken back leaves no weight in its store: an epoch ends by what it holds', async () => {
  const undo = new UndoLog();
  const store = new Store('s', await memoryState().open('t', 1_000_000), undo, 1_000_000);
  store.put('k', Buffer.alloc(10), 1);
  undo.endUnit();
  const before = store.dirtyBytes;
  store.put('k', Buffer.alloc(500), 2);
  store.put('l', Buffer.alloc(700), 2);
  store.put('l', Buffer.alloc(900), 2);
  undo.rollback();
  expect(store.dirtyBytes).toBe(before);
  expect([store.get('k')?.length, store.get('l')]).toEqual([10, null]);
});
