import { describe, expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import type { Duration } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { CANONICAL, OUT_OF_ORDER } from '../oracle/canonical.ts';
import { answers, input, left, listed, output, pair, right } from './two-sides.ts';

type Mode = 'join' | 'leftJoin';
const joining = (mode: Mode, grace: Duration = 2, fn = pair) =>
  topology('t', t => {
    const table = t.table('rows', right, { versioned: '5 min' });
    const stream = t.stream(left);
    const joined =
      mode === 'join' ? stream.join('joined', table, fn, { grace }) : stream.leftJoin('joined', table, fn, { grace });
    joined.as(string()).to(output);
  });

describe('a stream waits for a versioned table', () => {
  test.each([
    ['join', CANONICAL, '#9 B-a@5'],
    ['leftJoin', CANONICAL, '#5 A-null@3 #9 B-a@5 #15 C-null@9'],
    ['join', OUT_OF_ORDER, '#9 B-a@5 #15 D-b@6 #22 F-a@4'],
    ['leftJoin', OUT_OF_ORDER, '#5 A-null@3 #9 B-a@5 #15 D-b@6 #19 C-null@9 #22 F-a@4'],
  ] as const)('%s, grace 2 ms: %s', async (mode, inputs, expected) => {
    expect(await answers(joining(mode), inputs)).toEqual(listed(expected));
  });

  test('a value that comes within the grace is met', async () => {
    expect(await answers(joining('leftJoin', 5), 'R a@1, L A@3, R b@2, R c@3, L B@7, R d@8, L z=Z@8')).toEqual([
      '#7 A-c@3',
    ]);
  });

  test('records go on in order of their time, those of one time as they came; without a grace at once', async () => {
    await using driver = await drive(joining('leftJoin', 10));
    await driver.pipeAll(records('left', 'z=1@5', 'b=2@7', 'c=3@6', 'a=4@7', 'b=5@7', 'y=6@5', 'x=x@17'));
    expect(brief(await driver.read('out'))).toEqual([
      'z=1-null@5',
      'y=6-null@5',
      'c=3-null@6',
      'b=2-null@7',
      'a=4-null@7',
      'b=5-null@7',
    ]);
    expect(await answers(joining('leftJoin', 0), 'L A@5, L B@4')).toEqual(listed('#1 A-null@5 #2 B-null@4'));
  });

  test('only records that can be joined move the time; one without a key is joined with null at once', async () => {
    const inputs = 'L A@1, R a@100, L ~@100, L ~=B@100, L C@3';
    expect(await answers(joining('leftJoin'), inputs)).toEqual(listed('#4 B-null@100 #5 A-null@1'));
    expect(await answers(joining('join'), inputs)).toEqual([]);
  });

  test('each record keeps its key, headers and timestamp; one that fails is dead-lettered alone', async () => {
    const fn = (l: string, r: string | null) => {
      if (l === 'bad') throw new Error('bad');
      return pair(l, r);
    };
    await using driver = await drive(joining('leftJoin', 2, fn as never));
    const record = (key: string, value: string, timestamp: number) => ({
      topic: 'left',
      key,
      value,
      timestamp,
      headers: [['of', Buffer.from(value)]] as const,
    });
    await driver.pipeAll([record('a', 'A', 1), record('b', 'bad', 2), record('c', 'C', 3), record('d', 'D', 9)]);
    expect(await driver.read('out')).toMatchObject([
      { key: 'a', value: 'A-null', timestamp: 1, headers: [['of', Buffer.from('A')]] },
      { key: 'c', value: 'C-null', timestamp: 3, headers: [['of', Buffer.from('C')]] },
    ]);
    const [letter, ...others] = await driver.read<Uint8Array, Uint8Array>('t.dead-letters');
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ key: Buffer.from('b'), value: Buffer.from('bad'), timestamp: 2 });
    expect(letter!.headers[0]).toEqual(['of', Buffer.from('bad')]);
  });

  test('after a restart what waited is joined as if nothing had happened', async () => {
    const before = 'R a@1, L A@3, L j=J@3, L B@2, R b@2, L C@5';
    const after = 'L j=K@5, L D@5, R c@4, L z=Z@20, L E@4, L y=Y@40';
    await using whole = await drive(joining('leftJoin', 10));
    for (const text of `${before}, ${after}`.split(', ')) await whole.pipe(input(text));
    await using stopped = await drive(joining('leftJoin', 10));
    for (const text of before.split(', ')) await stopped.pipe(input(text));
    await stopped.restart();
    for (const text of after.split(', ')) await stopped.pipe(input(text));
    const expected = brief(await whole.read('out'));
    expect(expected).toEqual([
      'k=B-b@2', 'k=A-b@3', 'j=J-null@3', 'k=C-c@5', 'j=K-null@5', 'k=D-c@5', 'k=E-c@4', 'z=Z-null@20',
    ]); // prettier-ignore
    expect(brief(await stopped.read('out'))).toEqual(expected);
  });
});

describe('refused', () => {
  test('a grace with a table that keeps no versions', () => {
    const build = () =>
      topology('t', t => {
        const options = { grace: '2 s' } as never;
        t.stream(left).join('joined', t.table('rows', right), pair, options);
      });
    expect(build).toThrow(/'joined' has a grace, and its table keeps no versions.*versioned: '5 min'/);
  });

  test('a grace longer than the history', () => {
    expect(() => joining('join', '6 min')).toThrow(
      /grace of 360000 ms, and its table's history of 300000 ms is shorter/,
    );
  });

  test('a grace that is no duration', () => {
    expect(() => joining('join', 'soon' as never)).toThrow(/the grace of join 'joined' is "soon"/);
  });

  test('a stream that nothing says how to write', () => {
    const build = () =>
      topology('t', t => {
        const table = t.table('rows', right, { versioned: '5 min' });
        t.stream(topic('in', string(), json<{ id: string }>()))
          .map(({ id }) => id)
          .join('joined', table, pair, { grace: 2 });
      });
    expect(build).toThrow(/step 'joined' keeps values of 'map'.*\.as\(serde\)/);
  });
});
