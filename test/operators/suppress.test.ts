import { describe, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { SuppressOptions, Topology } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { liveEntries } from '../live-entries.ts';

const input = topic('in', string(), string());
const output = topic('out', string(), string());

/** A table of rows, suppressed. */
const rows = (options: SuppressOptions, fn = (value: string) => value): Topology =>
  topology('t', t => t.table('rows', input).suppress('held', options).map(fn).as(string()).to(output));

/** How many rows have each value, suppressed. */
const counts = (options: SuppressOptions): Topology =>
  topology('t', t =>
    t
      .table('rows', input)
      .groupBy('by-value', value => value, string())
      .count('counts')
      .suppress('held', options)
      .to(topic('out', string(), json<number>())),
  );

/** What each record leads to. */
async function outputs(run: Topology, ...texts: readonly string[]): Promise<string[][]> {
  await using driver = await drive(run);
  const found: string[][] = [];
  for (const record of records('in', ...texts)) {
    await driver.pipe(record);
    found.push(brief(await driver.read('out')));
  }
  return found;
}

describe('a suppressed table', () => {
  test('hands a row’s last change on when the time limit has passed since its first', async () => {
    expect(await outputs(counts({ timeLimit: 2 }), 'k1=v1@0', 'k1=v2@1', 'k2=v1@2', 'tick=tick@3')).toEqual([
      [],
      [],
      ['v1=1@2'],
      ['v2=1@1'],
    ]);
  });

  test('hands the row that waits longest on early where there are too many', async () => {
    const found = await outputs(counts({ timeLimit: '1 d', maxRecords: 1 }), 'k1=v1@0', 'k1=v2@1', 'k2=v1@2', 'x=x@3');
    expect(found).toEqual([[], ['v1=0@1'], ['v2=1@1'], ['v1=1@2']]);
  });

  test('a row that is older than all that wait, where no more can, is handed on at once', async () => {
    expect(await outputs(rows({ timeLimit: '1 d', maxRecords: 2 }), 'a=1@10', 'b=1@20', 'c=1@5', 'd=1@15')).toEqual([
      [],
      [],
      ['c=1@5'],
      ['a=1@10'],
    ]);
  });

  test('the time limit counts from the first change of a row, and again after it was handed on', async () => {
    const found = await outputs(rows({ timeLimit: 10 }), 'a=1@0', 'a=2@9', 'a=3@10', 'a=4@12', 'b=1@21', 'b=2@22');
    expect(found).toEqual([[], [], ['a=3@10'], [], [], ['a=4@12']]);
  });

  test('a change later than the limit when it comes is handed on at once', async () => {
    expect(await outputs(rows({ timeLimit: 5 }), 'a=1@100', 'b=1@3', 'a=null@104')).toEqual([[], ['b=1@3'], []]);
  });

  test('a row that came and went while it waited was never there', async () => {
    const texts = ['a=1@0', 'a=null@1', 'b=1@10', 'b=null@20', 'c=1@30', 'd=1@40', 'c=null@41', 'e=1@50'];
    const found = await outputs(rows({ timeLimit: 5 }), ...texts);
    expect(found).toEqual([[], [], [], [], [], ['c=1@30'], [], ['d=1@40', 'c=null@41']]);
  });

  test('tells those behind it the row that it handed on last', async () => {
    const seen = await outputs(
      topology('t', t =>
        t
          .table('rows', input)
          .suppress('held', { timeLimit: 5 })
          .groupBy('all', () => 'all', string())
          .reduce('texts', (a, b) => `${a}+${b}`, (a, b) => `${a}-${b}`)
          .to(output),
      ),
      'a=1@0', 'a=2@1', 'x=x@5', 'a=3@6', 'a=4@7', 'y=y@20',
    ); // prettier-ignore
    expect(seen.flat()).toEqual(['all=2@1', 'all=2+x@5', 'all=2+x-2+4@7']);
  });

  test('hands on the headers of the last change', async () => {
    await using driver = await drive(rows({ timeLimit: 5 }));
    const record = (value: string, timestamp: number) => ({
      ...{ topic: 'in', key: 'a', value, timestamp },
      headers: [['from', Buffer.from(value)]] as const,
    });
    await driver.pipeAll([record('1', 0), record('2', 1), record('3', 90)]);
    expect((await driver.read('out')).map(({ value, headers }) => [value, headerTexts(headers)])).toEqual([
      ['3', { from: '3' }],
    ]);
  });

  test('goes on after a restart as if there had been none, and keeps nothing that does not wait', async () => {
    const texts = Array.from({ length: 60 }, (_, i) => `k${(i * 7) % 5}=${i}@${i * 2 - (i % 3) * 5 + 10}`);
    const results = async (restartAt: readonly number[]) => {
      await using driver = await drive(rows({ timeLimit: 9, maxRecords: 3 }));
      const live = liveEntries(driver, 't-held-changelog');
      for (const [index, record] of records('in', ...texts, 'z=z@1000', 'y=y@2000').entries()) {
        if (restartAt.includes(index)) await driver.restart();
        await driver.pipe(record);
      }
      return { found: brief(await driver.read('out')), live: await live() };
    };
    const whole = await results([]);
    expect(await results([5, 20, 21, 60])).toEqual(whole);
    expect(whole.found.length).toBeGreaterThan(20);
    // the last row, and how many wait
    expect(whole.live).toBe(2);
  });
});

describe('a row that fails when it is handed on', () => {
  const boom = (value: string): string => {
    if (value === 'bad') throw new TypeError('not this one');
    return value;
  };

  test.each([
    ['at its time', { timeLimit: 5 }, ['a=bad@0', 'b=1@1', 'c=1@2', 'd=1@50', 'e=1@99'], ['b=1@1', 'c=1@2', 'd=1@50']],
    ['early', { timeLimit: 500, maxRecords: 1 }, ['a=bad@0', 'b=1@1', 'c=1@2', 'd=1@3'], ['b=1@1', 'c=1@2']],
  ])('%s, is dead-lettered alone, and the record that made it go is processed', async (_, options, texts, expected) => {
    await using driver = await drive(rows(options, boom));
    await driver.pipeAll(records('in', ...texts));
    expect(brief(await driver.read('out'))).toEqual(expected);
    const letters = await driver.read<Buffer, Buffer>('t.dead-letters');
    expect(letters.map(({ key, value, timestamp }) => `${key!.toString()}=${value!.toString()}@${timestamp}`)).toEqual([
      'a=bad@0',
    ]);
  });

  test.each([
    ['that waits', 'a=3@21', ['all=1+x+y@20', 'all=1+x+y-1+3@21', 'all=1+x+y-1+3+z@60']],
    ['that comes too late to wait', 'a=3@15', ['all=1+x-1+3@15', 'all=1+x-1+3+y@20', 'all=1+x-1+3+y+z@60']],
  ])(
    'was never there for the row’s next change, one %s: that follows what was handed on last',
    async (_, next, expected) => {
      await using driver = await drive(
        topology('t', t =>
          t
            .table('rows', input)
            .suppress('held', { timeLimit: 5 })
            .map(boom)
            .as(string())
            .groupBy('all', () => 'all', string())
            .reduce(
              'texts',
              (a, b) => `${a}+${b}`,
              (a, b) => `${a}-${b}`,
            )
            .to(output),
        ),
      );
      await driver.pipeAll(records('in', 'a=1@0', 'x=x@10', 'a=bad@11', 'y=y@20'));
      expect(await driver.read('t.dead-letters')).toHaveLength(1);
      await driver.read('out');
      await driver.restart();
      await driver.pipeAll(records('in', next, 'z=z@60', 'u=u@90'));
      expect(brief(await driver.read('out'))).toEqual(expected);
      expect(await driver.read('t.dead-letters')).toEqual([]);
    },
  );
});

describe('what cannot be suppressed', () => {
  test('without a serde, with a limit that is none, a versioned table', () => {
    const build = (make: () => Topology) => expect(make);
    build(() =>
      topology(
        't',
        t =>
          void t
            .table('rows', input)
            .map(value => value.length)
            .suppress('held', { timeLimit: 1 }),
      ),
    ).toThrow(/'held' keeps values of 'map'/);
    build(() => rows({ timeLimit: 'soon' as never })).toThrow(/'timeLimit' is "soon"/);
    build(() => rows({ timeLimit: 1, maxRecords: 0 })).toThrow(/'maxRecords' is 0/);
    build(() =>
      topology('t', t => void t.table('rows', input, { versioned: '1 h' }).suppress('held', { timeLimit: 1 })),
    ).toThrow(/is versioned/);
  });
});
