import { describe, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { Stream } from '../../src/index.ts';
import { keptKeys } from '../changelog.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { lives } from './interrupted.ts';

const input = topic('in', string(), string());

const built = (steps: (stream: Stream<string, string>) => unknown) =>
  topology('t', t => {
    const stream = t.stream(input, { tombstones: true }) as Stream<string, string>;
    (steps(stream) as Stream<string, unknown>).to(topic('out', string(), json()));
  });

/** What comes out, as `key=value@timestamp`, however the run is interrupted. */
async function outcome(steps: (stream: Stream<string, string>) => unknown, ...fed: string[]) {
  const [whole, ...others] = await lives(built(steps), records('in', ...fed));
  for (const other of others) expect(other).toEqual(whole);
  return whole;
}

describe('scan', () => {
  const concatenated = (stream: Stream<string, string>) =>
    stream.scan(
      'step',
      (values, value) => {
        values.push(value);
        return values;
      },
      [] as string[],
      json<string[]>(),
    );

  test('hands on the folded state of each key, and each begins with the seed', async () => {
    expect(await outcome(concatenated, 'a=x@1', 'b=y@2', 'a=z@3')).toEqual(['a=["x"]@1', 'b=["y"]@2', 'a=["x","z"]@3']);
  });

  test('shows its function the record, and its state to who asks', async () => {
    const seen = built(stream =>
      stream.scan('step', (sum, value, { key, timestamp }) => `${sum}${key}${value}${timestamp} `, '', string()),
    );
    await using driver = await drive(seen);
    await driver.pipeAll(records('in', 'a=x@1', 'a=y@2'));
    expect(await driver.store('step').get('a')).toBe('ax1 ay2 ');
  });

  test('is told that its function returned undefined, not that its store was given that', async () => {
    const forgetful = built(stream => stream.scan('step', () => undefined as unknown as string, '', string()));
    await using driver = await drive(forgetful);
    await driver.pipeAll(records('in', 'a=x@1'));
    const [letter] = await driver.read('t.dead-letters');
    expect(headerTexts(letter!.headers)).toMatchObject({
      'topo.code': 'TOPO_RESULT_UNDEFINED',
      '__streams.errors.message': 'its function returned undefined, and no state',
    });
  });

  test('keeps no trace of a value whose function throws', async () => {
    const throwing = built(stream =>
      stream.scan(
        'step',
        (values, value) => {
          values.push(value);
          if (value === 'bad') throw new Error('no');
          return values;
        },
        [] as string[],
        json<string[]>(),
      ),
    );
    await using driver = await drive(throwing);
    await driver.pipeAll(records('in', 'a=bad@1', 'a=x@2', 'a=bad@3', 'a=y@4'));
    expect(brief(await driver.read('out'))).toEqual(['a=["x"]@2', 'a=["x","y"]@4']);
  });

  test('with a seed that its serde does not write is refused', () => {
    expect(() => built(stream => stream.scan('step', () => '', 5 as never, string()))).toThrow(
      /the seed of 'step' does not encode as string/,
    );
  });
});

describe('distinctUntilChanged', () => {
  const fed = ['a=x@1', 'a=x@2', 'b=x@3', 'a=X@4', 'a=x@5', 'b=x@6'];

  test("drops a value equal to its key's last one", async () => {
    expect(await outcome(stream => stream.distinctUntilChanged('step'), ...fed)).toEqual([
      'a=x@1',
      'b=x@3',
      'a=X@4',
      'a=x@5',
    ]);
  });

  test('compares with a function of both, the last one handed on first', async () => {
    const near = (stream: Stream<string, string>) =>
      stream.distinctUntilChanged('step', (previous, current) => Number(current) - Number(previous) < 3);
    expect(await outcome(near, 'a=1@1', 'a=2@2', 'a=3@3', 'a=4@4', 'a=6@5', 'a=7@6')).toEqual([
      'a=1@1',
      'a=4@4',
      'a=7@6',
    ]);
  });

  test('compares what `by` selects, and needs no serde for that', async () => {
    const selected = (stream: Stream<string, string>) =>
      stream.map(value => ({ value })).distinctUntilChanged('step', { by: ({ value }) => value.toLowerCase() });
    expect(await outcome(selected, ...fed)).toEqual(['a={"value":"x"}@1', 'b={"value":"x"}@3']);
  });
});

describe('pairwise', () => {
  test('hands on the value before and the current one, for each key', async () => {
    const pairs = await outcome(stream => stream.pairwise('step'), 'a=1@1', 'b=2@2', 'a=3@3', 'a=4@4', 'b=5@5');
    expect(pairs).toEqual(['a=["1","3"]@3', 'a=["3","4"]@4', 'b=["2","5"]@5']);
  });
});

describe('bufferCount', () => {
  test('hands on every so many values of a key, with the largest timestamp', async () => {
    const buffers = await outcome(
      stream => stream.bufferCount('step', 3),
      ...['a=1@1', 'a=2@9', 'b=3@3', 'a=4@4', 'a=5@5', 'b=6@6', 'b=7@7', 'a=8@8'],
    );
    expect(buffers).toEqual(['a=["1","2","4"]@9', 'b=["3","6","7"]@7']);
  });

  test('keeps what waits in pages, and nothing of what is out', async () => {
    const long = 'x'.repeat(500);
    const fed = Array.from({ length: 19 }, (_, n) => `k=${n}${long}@${n + 1}`);
    await using driver = await drive(built(stream => stream.bufferCount('step', 20)));
    await driver.pipeAll(records('in', ...fed));
    const pages = await driver.read<Uint8Array, Uint8Array>('t-step-changelog');
    expect(pages.length).toBeGreaterThan(4);
    for (const { value } of pages) expect(value!.length).toBeLessThan(2100);
    await driver.pipeAll(records('in', 'k=last@20', 'l=first@21'));
    const [buffer, ...others] = await driver.read<string, string[]>('out');
    expect(buffer!.value).toEqual([...fed.map((_, n) => `${n}${long}`), 'last']);
    expect(others).toEqual([]);
    expect((await driver.read('t-step-changelog')).filter(({ value }) => value === null)).toHaveLength(pages.length);
  });

  test('takes values larger than a page, and none', async () => {
    const large = 'x'.repeat(10_000);
    await using driver = await drive(built(stream => stream.bufferCount('step', 3)));
    await driver.pipeAll(records('in', `k=${large}@1`, 'k=@2', `k=${large}@3`));
    expect((await driver.read<string, string[]>('out'))[0]!.value).toEqual([large, '', large]);
    expect(await keptKeys(driver, 't-step-changelog')).toEqual([]);
  });
});

describe('bufferTime', () => {
  const buffered = (stream: Stream<string, string>) => stream.bufferTime('step', 10);

  test('hands on what came from the first value of a key on, when stream time passes its span', async () => {
    expect(
      await outcome(buffered, 'a=1@1', 'b=2@4', 'a=3@10', 'a=4@11', 'b=5@13', 'a=late@5', 'c=6@30', 'c=7@50'),
    ).toEqual(['a=["1","3"]@10', 'b=["2","5"]@13', 'a=["4","late"]@11', 'c=["6"]@30']);
  });

  test('keeps nothing of what is out', async () => {
    await using driver = await drive(built(buffered));
    await driver.pipeAll(records('in', 'a=1@1', 'a=2@2', 'b=1@3', 'c=1@100'));
    expect((await keptKeys(driver, 't-step-changelog')).every(key => key.startsWith('c'))).toBe(true);
  });

  test('begins another buffer behind one that failed, whose values are dead-lettered each', async () => {
    const failing = built(stream =>
      buffered(stream).map(values => {
        if (values.includes('bad')) throw new Error('no');
        return values;
      }),
    );
    await using driver = await drive(failing);
    await driver.pipeAll(records('in', 'a=1@1', 'a=bad@2', 'a=3@20', 'b=x@40'));
    expect(brief(await driver.read('out'))).toEqual(['a=["3"]@20']);
    const letters = await driver.read<Uint8Array, Uint8Array>('t.dead-letters');
    expect(letters.map(({ key, value }) => [String(key), String(value)])).toEqual([
      ['a', '1'],
      ['a', 'bad'],
    ]);
  });
});

describe('debounceTime', () => {
  const debounced = (stream: Stream<string, string>) => stream.debounceTime('step', 10);

  test('hands a value on when its key was quiet for so long', async () => {
    expect(
      await outcome(debounced, 'a=1@1', 'a=2@5', 'b=3@6', 'a=4@14', 'c=5@16', 'a=early@9', 'c=6@24', 'd=7@60'),
    ).toEqual(['b=3@6', 'a=4@14', 'c=6@24']);
  });

  test('keeps the headers of the value, and nothing of what is out', async () => {
    await using driver = await drive(built(debounced));
    const header = (value: string) => [['h', Buffer.from(value)]] as const;
    await driver.pipe({ topic: 'in', key: 'a', value: '1', timestamp: 1, headers: header('first') });
    await driver.pipe({ topic: 'in', key: 'a', value: '2', timestamp: 2, headers: header('second') });
    await driver.pipe({ topic: 'in', key: 'b', value: '3', timestamp: 50 });
    const [found] = await driver.read('out');
    expect(found!.headers.map(([name, value]) => [name, String(value)])).toEqual([['h', 'second']]);
    expect(await keptKeys(driver, 't-step-changelog')).toEqual(['b']);
    expect(await keptKeys(driver, 't-step-timers-changelog')).toEqual(['quiet\0b']);
  });

  test('dead-letters the value whose time came, where it fails behind it', async () => {
    const failing = built(stream =>
      debounced(stream).map(value => {
        if (value === 'bad') throw new Error('no');
        return value;
      }),
    );
    await using driver = await drive(failing);
    await driver.pipeAll(records('in', 'a=bad@1', 'b=x@20', 'a=good@40', 'b=y@60'));
    expect(brief(await driver.read('out'))).toEqual(['b=x@20', 'a=good@40']);
    const [letter] = await driver.read<Uint8Array, Uint8Array>('t.dead-letters');
    expect([letter!.key, letter!.value].map(String)).toEqual(['a', 'bad']);
  });
});

describe('throttleTime', () => {
  const throttled = (stream: Stream<string, string>) => stream.throttleTime('step', 10);

  test('hands a value on, then none of its key for so long', async () => {
    expect(
      await outcome(
        throttled,
        'a=1@1',
        'a=2@5',
        'b=3@6',
        'a=4@10',
        'a=5@11',
        'b=6@12',
        'a=7@22',
        'c=8@100',
        'a=9@20',
        'a=10@30',
      ),
    ).toEqual(['a=1@1', 'b=3@6', 'a=5@11', 'a=7@22', 'c=8@100', 'a=9@20', 'a=10@30']);
  });

  test('keeps nothing of pauses that are over', async () => {
    await using driver = await drive(built(throttled));
    await driver.pipeAll(records('in', 'a=1@1', 'b=2@2', 'c=3@100'));
    expect(await keptKeys(driver, 't-step-timers-changelog')).toEqual(['pause\0c']);
  });
});

describe('the durable twins', () => {
  const twins: Readonly<Record<string, (stream: Stream<string, string>) => unknown>> = {
    scan: stream => stream.scan('step', (_, value) => value, '', string()),
    distinctUntilChanged: stream => stream.distinctUntilChanged('step'),
    pairwise: stream => stream.pairwise('step'),
    bufferCount: stream => stream.bufferCount('step', 1),
    bufferTime: stream => stream.bufferTime('step', '1 s'),
    debounceTime: stream => stream.debounceTime('step', '1 s'),
    throttleTime: stream => stream.throttleTime('step', '1 s'),
  };

  test.each(Object.entries(twins))('%s drops records without key or value, and counts them', async (_, steps) => {
    await using driver = await drive(built(steps));
    await driver.pipeAll([...records('in', 'k=null@1'), { topic: 'in', key: null, value: 'x', timestamp: 2 }]);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test.each(['distinctUntilChanged', 'pairwise', 'bufferCount', 'bufferTime', 'debounceTime'])(
    '%s of values that nobody says how to write is refused, with the fix',
    operator => {
      expect(() => built(stream => twins[operator]!(stream.map(value => value)))).toThrow(
        new RegExp(`Declare it: \\.as\\(serde\\)\\.${operator}\\('step'`),
      );
    },
  );

  test('refuse what is no duration, and a count of nothing', () => {
    expect(() => built(stream => stream.bufferTime('step', 0))).toThrow(/bufferTime 'step' is 0/);
    expect(() => built(stream => stream.throttleTime('step', '5 minutes' as never))).toThrow(/it takes milliseconds/);
    expect(() => built(stream => stream.bufferCount('step', 0.5))).toThrow(/a whole number from 1/);
  });
});
