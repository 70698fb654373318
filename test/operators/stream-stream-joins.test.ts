import { describe, expect, test } from 'vitest';
import { string, topic, topology, within } from '../../src/index.ts';
import type { JoinWindow } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import { brief, drive } from '../drive.ts';
import { METHODS, both, joinStreams } from './join-streams.ts';
import type { JoinMethod } from './join-streams.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());
const output = topic('out', string(), string());

const joining = (method: JoinMethod, window: JoinWindow, options: Parameters<typeof joinStreams>[4] = {}) =>
  topology('t', t => {
    const [l, r] = [t.stream(left, { tombstones: true }), t.stream(right, { tombstones: true })];
    joinStreams(method, l, r, window, options).as(string()).to(output);
  });

/** `L k=A@3`: value A under key k at 3 ms on the left; a key of `~` is null, and so is a value of `null`. */
function input(text: string): InputRecord {
  const [, side, key, value, timestamp] = /^([LR]) (.*?)=(.*)@(\d+)$/.exec(text)!;
  return {
    topic: side === 'L' ? 'left' : 'right',
    key: key === '~' ? null : key!,
    value: value === 'null' ? null : value!,
    timestamp: Number(timestamp),
  };
}

/** What each input led to, without those that led to nothing: `input: outputs`. */
async function results(method: JoinMethod, window: JoinWindow, inputs: string): Promise<string[]> {
  await using driver = await drive(joining(method, window));
  const seen: string[] = [];
  for (const text of inputs.split(', ')) {
    await driver.pipe(input(text));
    const row = brief(await driver.read('out'));
    if (row.length > 0) seen.push(`${text}: ${row.join(' ')}`);
  }
  return seen;
}

const CANONICAL =
  'L k=null@1, R k=null@2, L k=A@3, R k=a@4, L k=B@5, R k=b@6, L k=null@7, R k=null@8, L k=C@9, R k=c@10, R k=null@11, ' +
  'L k=null@12, R k=null@13, R k=d@14, L k=D@15';
const CANONICAL_PAIRS = [
  'R k=a@4: k=A-a@4',
  'L k=B@5: k=B-a@5',
  'R k=b@6: k=A-b@6 k=B-b@6',
  'L k=C@9: k=C-a@9 k=C-b@9',
  'R k=c@10: k=A-c@10 k=B-c@10 k=C-c@10',
  'R k=d@14: k=A-d@14 k=B-d@14 k=C-d@14',
  'L k=D@15: k=D-a@15 k=D-b@15 k=D-c@15 k=D-d@15',
];

describe('the canonical input', () => {
  test.each(METHODS)('%s: joins every pair within the window, in order of time', async method => {
    expect(await results(method, within(15, { grace: 5 }), CANONICAL)).toEqual(CANONICAL_PAIRS);
  });

  // the documentation closes a window at its end and grace; the code, one tick later (E@40 + 15 + 5 is not before 60)
  test.each([
    ['join', []],
    ['leftJoin', ['L k=F@61: k=E-null@40', 'R k=f@82: k=F-null@61']],
    ['outerJoin', ['L k=F@61: k=E-null@40', 'R k=f@82: k=F-null@61', 'L k=G@103: k=null-f@82']],
  ] as const)('%s: a record without a partner is reported when its window closes', async (method, closed) => {
    const inputs = `${CANONICAL}, L k=E@40, R k=null@60, L k=F@61, R k=f@82, L k=G@103`;
    expect(await results(method, within(15, { grace: 5 }), inputs)).toEqual([...CANONICAL_PAIRS, ...closed]);
  });

  test.each([
    ['join', []],
    ['leftJoin', ['L ~=E@16: null=E-null@16']],
    ['outerJoin', ['L ~=E@16: null=E-null@16', 'R ~=e@17: null=null-e@17']],
  ] as const)('%s: a record without a key has no partner to wait for (KIP-962)', async (method, reported) => {
    const seen = await results(method, within('10 s', { grace: '24 h' }), `${CANONICAL}, L ~=E@16, R ~=e@17`);
    expect(seen).toEqual([...CANONICAL_PAIRS, ...reported]);
  });
});

describe('closing', () => {
  const sequence = (
    name: string,
    method: JoinMethod,
    window: JoinWindow,
    inputs: string,
    expected: readonly string[],
  ) => test(`${method}: ${name}`, async () => expect(await results(method, window, inputs)).toEqual(expected));

  sequence(
    'two records of one key and time are both reported, and both joined',
    'leftJoin',
    within(100, { grace: 10 }),
    'L 0=A0@0, L 0=A0-0@0, R 1=a0@111, R 2=x@500, L 2=A2@1000, L 2=A2-0@1000, R 2=a2@1001, R 3=a3@315',
    ['R 1=a0@111: 0=A0-null@0 0=A0-0-null@0', 'R 2=a2@1001: 2=A2-a2@1001 2=A2-0-a2@1001'],
  );
  sequence(
    'a window that has ended is not closed while its grace lasts',
    'leftJoin',
    within(100, { grace: 10 }),
    'L 0=A0@0, L 1=A1@0, R 0=a@101, R 1=a@110, R d=dummy@1201',
    ['R d=dummy@1201: 0=A0-null@0 1=A1-null@0'],
  );
  for (const closer of ['L', 'R'])
    sequence(
      `a record on either side closes windows (${closer})`,
      'leftJoin',
      within(100),
      `L 0=A0@1, L 1=A1@2, L 0=A0-0@3, R 1=a1@3, ${closer} 2=dummy@401`,
      ['R 1=a1@3: 1=A1-a1@3', `${closer} 2=dummy@401: 0=A0-null@1 0=A0-0-null@3`],
    );
  sequence(
    'what has closed comes before what the record joins',
    'leftJoin',
    within(100),
    'L 0=A0@0, L 1=A1@100, R 1=a1@110',
    ['R 1=a1@110: 0=A0-null@0 1=A1-a1@110'],
  );
  sequence(
    'a window may reach to one side only',
    'leftJoin',
    within({ before: 0, after: 100 }),
    'L 0=A0@0, L 1=A1@1, R 0=a0@100, R 1=a1@102',
    ['R 0=a0@100: 0=A0-a0@100', 'R 1=a1@102: 1=A1-null@1'],
  );
  sequence(
    'both sides are reported, by the time they close, the right one first',
    'outerJoin',
    within(100, { grace: 10 }),
    'L 0=A0@0, L 0=A0-0@0, R 1=11@0, R 1=12@0, R 1=10@111, R 3=100@211',
    ['R 1=10@111: 1=null-11@0 1=null-12@0 0=A0-null@0 0=A0-0-null@0'],
  );
  sequence(
    'the boundary of a right record is before + grace, and strict',
    'outerJoin',
    within({ before: 5, after: 20 }),
    'R k=12@31, R z=x@36, R z=x@37',
    ['R z=x@37: k=null-12@31'],
  );
  sequence(
    'the boundary of a left record is after + grace, and strict',
    'outerJoin',
    within({ before: 5, after: 20 }),
    'L k=12@31, L z=x@51, L z=x@52',
    ['L z=x@52: k=12-null@31'],
  );
});

describe('late records, which Kafka Streams would join', () => {
  test.each([
    ['join', ['R 0=a0@999: 0=A1-a0@1001']],
    // Kafka Streams also gives A0-a0 here, after A0-null
    ['leftJoin', ['L 0=A1@1001: 0=A0-null@1000', 'R 0=a0@999: 0=A1-a0@1001']],
    ['outerJoin', ['L 0=A1@1001: 0=A0-null@1000', 'R 0=a0@999: 0=A1-a0@1001']],
  ] as const)('%s: a record joins only those that are still open', async (method, expected) => {
    const window = within({ before: 100, after: 0 });
    expect(await results(method, window, 'L 0=A0@1000, L 0=A1@1001, R 0=a0@999')).toEqual(expected);
  });

  test.each(METHODS)('%s: one that comes after its own close is dropped and counted', async method => {
    await using driver = await drive(joining(method, within(10, { grace: 5 })));
    for (const text of ['L k=A@0', 'R z=z@100', 'L k=B@84', 'R k=b@84', 'L k=C@85']) await driver.pipe(input(text));
    expect(brief(await driver.read('out')).filter(row => /[Bb]/.test(row))).toEqual([]);
    expect(driver.figures().dropped).toEqual({ late: 2 });
  });

  test('they can be kept as dead letters', async () => {
    await using driver = await drive(joining('join', within(10), { onDrop: 'dead-letter' }));
    for (const text of ['R z=z@100', 'L k=B@84']) await driver.pipe(input(text));
    expect(await driver.read('t.dead-letters')).toMatchObject([{ value: Buffer.from('B'), timestamp: 84 }]);
  });
});

describe('drops', () => {
  test('null keys and null values of an inner join', async () => {
    await using driver = await drive(joining('join', within(10)));
    for (const text of ['L ~=A@1', 'R ~=a@1', 'L k=null@1', 'R ~=null@1']) await driver.pipe(input(text));
    expect(driver.figures().dropped).toEqual({ 'null-key': 2, 'null-value': 2 });
  });

  test('what is dropped still moves the time on', async () => {
    expect(await results('leftJoin', within(10), 'L k=A@0, R ~=a@11')).toEqual(['R ~=a@11: k=A-null@0']);
    expect(await results('leftJoin', within(10), 'L k=A@0, L k=null@11')).toEqual(['L k=null@11: k=A-null@0']);
  });
});

describe('a stream joined with itself', () => {
  const selfJoin = (method: JoinMethod, window: JoinWindow) =>
    topology('t', t => {
      const stream = t.stream(left, { tombstones: true });
      joinStreams(method, stream, stream, window).as(string()).to(output);
    });

  test.each(METHODS)('%s: each record meets those before it, from both sides, then itself', async method => {
    await using driver = await drive(selfJoin(method, within('10 s', { grace: '24 h' })));
    const rows: string[] = [];
    for (const text of ['null@1', 'A@2', 'B@3', 'null@4', 'C@5', 'null@6', 'D@7']) {
      await driver.pipe(input(`L k=${text}`));
      rows.push((await driver.read('out')).map(({ value }) => value).join(' '));
    }
    expect(rows).toEqual(['', 'A-A', 'B-A A-B B-B', '', 'C-A C-B A-C B-C C-C', '', 'D-A D-B D-C A-D B-D C-D D-D']);
    expect(driver.figures().dropped).toEqual({ 'null-value': 3 });
  });

  test('a record is late where both of its sides are closed', async () => {
    await using driver = await drive(selfJoin('join', within({ before: 0, after: 10 })));
    for (const text of ['L k=A@100', 'L k=B@95', 'L k=C@89']) await driver.pipe(input(text));
    expect(brief(await driver.read('out'))).toEqual(['k=A-A@100', 'k=B-A@100']);
    expect(driver.figures().dropped).toEqual({ late: 1 });
  });
});

describe('results', () => {
  const withHeader = (text: string): InputRecord => {
    const record = input(text);
    return { ...record, headers: [['from', Buffer.from(record.value as string)]] };
  };

  test("have the later timestamp and the left record's headers, and show both to the joiner", async () => {
    const seen: string[] = [];
    const fn: typeof both = (l, r, record) => {
      seen.push(`${record.key}@${record.timestamp} ${record.headers.length}`);
      return both(l, r, record);
    };
    await using driver = await drive(joining('outerJoin', within(10), { fn }));
    for (const text of ['L k=A@5', 'R k=a@3', 'L k=B@4', 'R j=b@7']) await driver.pipe(withHeader(text));
    await driver.pipe(input('R z=z@50'));
    const rows = await driver.read('out');
    const from = rows.map(({ headers }) => headers.map(([, value]) => Buffer.from(value!).toString()).join());
    expect(brief(rows)).toEqual(['k=A-a@5', 'k=B-a@4', 'j=null-b@7']);
    expect(from).toEqual(['A', 'B', 'b']);
    expect(seen).toEqual(['k@5 1', 'k@4 1', 'j@7 1']);
  });

  test('of many records of one key come in order of time, whatever the order they came in', async () => {
    const times = Array.from({ length: 500 }, (_, index) => (index * 37) % 500);
    await using driver = await drive(joining('join', within(1_000)));
    await driver.pipeAll(times.map(time => input(`L k=${String(time).padStart(40, '0')}@${time}`)));
    await driver.pipe(input('R k=r@500'));
    const rows = await driver.read<string, string>('out');
    expect(rows.map(({ value }) => Number(value!.split('-')[0]))).toEqual(times.toSorted((a, b) => a - b));
  });

  test('meet behind a new key, in the partition of that key', async () => {
    await using driver = await drive(
      topology('t', t => {
        const orders = t.stream(left).keyBy('by-customer', value => value.slice(0, 1));
        joinStreams('join', orders, t.stream(right), within(10)).as(string()).to(output);
      }),
      { partitions: 3 },
    );
    for (const text of ['L 1=A1@1', 'L 2=B2@2', 'R A=a@3', 'R B=b@4']) await driver.pipe(input(text));
    expect(brief(await driver.read('out')).sort()).toEqual(['A=A1-a@3', 'B=B2-b@4']);
  });
});
