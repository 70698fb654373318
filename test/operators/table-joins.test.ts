import { describe, expect, test } from 'vitest';
import { hopping, json, string, topic, topology } from '../../src/index.ts';
import type { Stream, Table, Topology, TopologyBuilder } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { CANONICAL, OUT_OF_ORDER } from '../oracle/canonical.ts';
import { readWindows, windowRows } from '../windowed-records.ts';
import { answers, left, listed, output, pair, right } from './two-sides.ts';

const MODES = ['join', 'leftJoin', 'outerJoin'] as const;
type Mode = (typeof MODES)[number];
type Rows = Table<string, string>;

function joined(mode: Mode, l: Rows, r: Rows, name = 'joined'): Rows {
  if (mode === 'join') return l.join(name, r, pair).as(string());
  return (mode === 'leftJoin' ? l.leftJoin(name, r, pair) : l.outerJoin(name, r, pair)).as(string());
}

const writing = (build: (t: TopologyBuilder) => Rows): Topology => topology('t', t => build(t).to(output));

const tables = (mode: Mode, versioned: { readonly left?: '5 min'; readonly right?: '5 min' } = {}) =>
  writing(t => {
    const { left: l, right: r } = versioned;
    return joined(
      mode,
      t.table('lefts', left, { ...(l && { versioned: l }) }),
      t.table('rights', right, { ...(r && { versioned: r }) }),
    );
  });

describe('two tables', () => {
  test.each([
    ['join', '#4 A-a@4 #5 B-a@5 #6 B-b@6 #7 null@7 #10 C-c@10 #11 null@11 #15 D-d@15'],
    ['leftJoin', '#3 A-null@3 #4 A-a@4 #5 B-a@5 #6 B-b@6 #7 null@7 #9 C-null@9 #10 C-c@10 #11 C-null@11 #12 null@12 #15 D-d@15'],
    ['outerJoin', '#3 A-null@3 #4 A-a@4 #5 B-a@5 #6 B-b@6 #7 null-b@7 #8 null@8 #9 C-null@9 #10 C-c@10 #11 C-null@11 #12 null@12 #14 null-d@14 #15 D-d@15'],
  ] as const)('%s: the canonical input, each change of either side changes the result', async (mode, expected) => {
    expect(await answers(tables(mode), CANONICAL)).toEqual(listed(expected));
  }); // prettier-ignore

  const inOrder = '#3 A-null@3 #4 A-a@4 #5 B-a@5 #6 B-b@6 #7 null@7 #9 C-null@9 #10 C-c@10 #11 C-null@11 #12 null@12';
  const inner = '#4 A-a@4 #5 B-a@5 #6 B-b@6 #7 null@7 #10 C-c@10 #11 null@11';
  const outer =
    '#3 A-null@3 #4 A-a@4 #5 B-a@5 #6 B-b@6 #7 null-b@7 #8 null@8 #9 C-null@9 #10 C-c@10 #11 C-null@11 #12 null@12';
  const both = { left: '5 min', right: '5 min' } as const;
  test.each([
    ['join', 'none', {}, `${inner} #15 D-d@7 #16 null@7 #19 E-e@15 #20 null@14 #23 F-f@4`],
    ['leftJoin', 'none', {}, `${inOrder} #15 D-d@7 #16 null@7 #19 E-e@15 #20 null@14 #22 F-null@4 #23 F-f@4`],
    ['outerJoin', 'none', {}, `${outer} #14 null-d@7 #15 D-d@7 #16 null-d@7 #17 null@3 #18 null-e@14 #19 E-e@15 #20 null-e@14 #21 null@9 #22 F-null@4 #23 F-f@4`],
    ['join', 'both', both, `${inner} #19 E-e@15`],
    ['leftJoin', 'both', both, `${inOrder} #19 E-e@15`],
    ['outerJoin', 'both', both, `${outer} #18 null-e@14 #19 E-e@15`],
    ['join', 'left', { left: '5 min' }, `${inner} #19 E-e@15 #21 null@15 #23 E-f@15`],
    ['leftJoin', 'left', { left: '5 min' }, `${inOrder} #19 E-e@15 #21 E-null@15 #23 E-f@15`],
    ['outerJoin', 'left', { left: '5 min' }, `${outer} #14 null-d@7 #17 null@3 #18 null-e@14 #19 E-e@15 #21 E-null@15 #23 E-f@15`],
    ['join', 'right', { right: '5 min' }, `${inner} #19 E-e@15 #20 null@14 #22 F-e@14`],
    ['leftJoin', 'right', { right: '5 min' }, `${inOrder} #15 D-null@6 #16 null@2 #19 E-e@15 #20 null@14 #22 F-e@14`],
    ['outerJoin', 'right', { right: '5 min' }, `${outer} #15 D-null@6 #16 null@2 #18 null-e@14 #19 E-e@15 #20 null-e@14 #22 F-e@14`],
  ] as const)('%s out of order, versioned: %s', async (mode, _, versioned, expected) => {
    expect(await answers(tables(mode, versioned), OUT_OF_ORDER)).toEqual(listed(expected));
  }); // prettier-ignore

  test('a result has the headers of the record under way', async () => {
    await using driver = await drive(tables('join'));
    await driver.pipe({ topic: 'left', key: 'k', value: 'A', timestamp: 9, headers: [['by', Buffer.from('left')]] });
    await driver.pipe({ topic: 'right', key: 'k', value: 'a', timestamp: 3, headers: [['by', Buffer.from('right')]] });
    expect(await driver.read('out')).toMatchObject([{ timestamp: 9, headers: [['by', Buffer.from('right')]] }]);
  });

  test('a function that fails dead-letters the record, and neither table takes it', async () => {
    const build = writing(t =>
      t
        .table('lefts', left)
        .join('joined', t.table('rights', right), (l, r) => {
          if (r === 'bad') throw new Error('bad');
          return l + r;
        })
        .as(string()),
    );
    await using driver = await drive(build);
    await driver.pipeAll(records('left', 'k=A@1'));
    await driver.pipeAll(records('right', 'k=a@2', 'k=bad@3', 'k=b@4'));
    expect(brief(await driver.read('out'))).toEqual(['k=Aa@2', 'k=Ab@4']);
    expect(await driver.store('rights').get('k')).toBe('b');
    expect(driver.figures().deadLettered).toBe(1);
  });

  test('a null result is no row', async () => {
    const build = writing(t =>
      t
        .table('lefts', left)
        .join('joined', t.table('rights', right), (l, r) => (r === 'none' ? null : l + r))
        .filter(row => row !== null)
        .as(string()),
    );
    expect(await answers(build, 'L A@1, R none@2, R a@3, R b@4, R none@5, R ~@6')).toEqual([
      '#3 Aa@3',
      '#4 Ab@4',
      '#5 null@5',
    ]);
  });
});

describe('joins of what is joined or derived', () => {
  test('rows of a filtered and of a mapped table are joined as they are there', async () => {
    const build = writing(t => {
      const upper = t.table('rights', right).map(value => value.toUpperCase());
      return joined('leftJoin', t.table('lefts', left).filter(value => value !== 'x').as(string()), upper.as(string()));
    });
    expect(await answers(build, 'L A@1, R a@2, L x@3, L B@4, R ~@5')).toEqual([
      '#1 A-null@1',
      '#2 A-A@2',
      '#3 null@3',
      '#4 B-A@4',
      '#5 B-null@5',
    ]);
  }); // prettier-ignore

  test('a stream looks up the rows of a join', async () => {
    const build = topology('t', t => {
      const [l, r] = [t.table('lefts', left), t.table('rights', right)];
      t.stream(topic('in', string(), string()))
        .leftJoin('looked-up', joined('outerJoin', l, r), pair)
        .as(string())
        .to(output);
    });
    await using driver = await drive(build);
    await driver.pipeAll(records('left', 'a=A@1', 'b=B@2'));
    await driver.pipeAll(records('right', 'b=b@3', 'c=c@4'));
    await driver.pipeAll(records('in', 'a=1@5', 'b=2@6', 'c=3@7', 'd=4@8'));
    expect(brief(await driver.read('out'))).toEqual(['a=1-A-null@5', 'b=2-B-b@6', 'c=3-null-c@7', 'd=4-null@8']);
  });

  test('an aggregate over a join takes each result out as it was put in', async () => {
    const build = topology('t', t => {
      joined('outerJoin', t.table('lefts', left), t.table('rights', right))
        .groupBy('by-result', row => row, string())
        .count('counted');
    });
    await using driver = await drive(build);
    await driver.pipeAll([...records('left', 'a=A@1', 'b=A@2'), ...records('right', 'a=x@3', 'b=x@4', 'c=x@5')]);
    await driver.pipeAll([...records('left', 'a=B@6'), ...records('right', 'b=null@7')]);
    const counts = [];
    for await (const entry of driver.store<string, number>('counted').entries()) counts.push(entry);
    expect(Object.fromEntries(counts)).toEqual({ 'A-null': 1, 'A-x': 0, 'B-x': 1, 'null-x': 1 });
  });
});

describe('one change that comes by both inputs', () => {
  const changes = 'L A@1, L B@2, L ~@3, L C@4';

  test.each(MODES)('%s of a table with itself gives one result', async mode => {
    const build = writing(t => {
      const table = t.table('rows', left);
      return joined(mode, table, table);
    });
    expect(await answers(build, changes)).toEqual(['#1 A-A@1', '#2 B-B@2', '#3 null@3', '#4 C-C@4']);
  });

  test('T join R join R: no result with R as it was', async () => {
    const build = writing(t => {
      const [l, r] = [t.table('lefts', left), t.table('rights', right)];
      return joined('leftJoin', joined('leftJoin', l, r, 'once'), r, 'twice');
    });
    expect(await answers(build, 'L A@1, R a@2, R b@3, L B@4, R ~@5, L ~@6')).toEqual([
      '#1 A-null-null@1',
      '#2 A-a-a@2',
      '#3 A-b-b@3',
      '#4 B-b-b@4',
      '#5 B-null-null@5',
      '#6 null@6',
    ]);
  });

  test('a row that one way loses and the other one keeps', async () => {
    const build = writing(t => {
      const table = t.table('rows', left);
      const even = table.filter(value => Number(value) % 2 === 0).as(string());
      return joined('leftJoin', table, even);
    });
    expect(await answers(build, 'L 2@1, L 3@2, L 4@3, L 5@4, L 7@5, L ~@6')).toEqual([
      '#1 2-2@1',
      '#2 3-null@2',
      '#3 4-4@3',
      '#4 5-null@4',
      '#5 7-null@5',
      '#6 null@6',
    ]);
  });

  test('two tables of one topic, and joins of joins of them, change together', async () => {
    const build = writing(t => {
      const [a, b] = [t.table('a', left), t.table('b', left)];
      const ab = joined('join', a, b, 'ab');
      return joined('outerJoin', joined('join', ab, a, 'aba'), joined('leftJoin', b, ab, 'bab'), 'all');
    });
    expect(await answers(build, changes)).toEqual([
      '#1 A-A-A-A-A-A@1',
      '#2 B-B-B-B-B-B@2',
      '#3 null@3',
      '#4 C-C-C-C-C-C@4',
    ]);
  });

  test('of several rows at once: one result each', async () => {
    const build = topology('t', t => {
      const counted = (name: string, stream: Stream<string, string>) =>
        stream
          .groupByKey()
          .window(hopping(4, { every: 2 }))
          .count(name)
          .toStream()
          .toTable(`${name}-rows`);
      const stream = t.stream(left);
      counted('all', stream)
        .leftJoin(
          'share',
          counted(
            'large',
            stream.filter(value => value > 'M'),
          ),
          (all, large) => `${large ?? 0}/${all}`,
        )
        .as(string())
        .to(windowRows);
    });
    await using driver = await drive(build);
    await driver.pipeAll(records('left', 'k=A@2', 'k=Z@3'));
    expect(await readWindows(driver)).toEqual(['k[0,4]=0/1@2', 'k[2,6]=0/1@2', 'k[0,4]=1/2@3', 'k[2,6]=1/2@3']);
  });

  test('among others that come by one: an aggregate behind takes each result out as it was put in', async () => {
    const build = topology('t', t => {
      const table = t.table('rows', left);
      const shown = table.suppress('held', { timeLimit: 5 }).toStream().toTable('shown');
      joined('outerJoin', shown, table)
        .groupBy('by-result', row => row, string())
        .count('counted');
    });
    await using driver = await drive(build);
    // the last one makes both rows go on, and changes one of them
    await driver.pipeAll(records('left', 'a=1@0', 'b=1@1', 'a=2@20'));
    const counts = [];
    for await (const entry of driver.store<string, number>('counted').entries()) counts.push(entry);
    expect(Object.fromEntries(counts)).toEqual({ 'null-1': 0, '2-2': 1, '1-1': 1 });
  });

  test('after a record that failed half way, the next one is whole', async () => {
    const build = writing(t => {
      const table = t.table('rows', left);
      const checked = table.map(value => {
        if (value === 'bad') throw new Error('bad');
        return value;
      });
      return joined('join', table, checked.as(string()));
    });
    await using driver = await drive(build);
    await driver.pipeAll(records('left', 'k=A@1', 'k=bad@2', 'j=B@3', 'k=C@4'));
    expect(brief(await driver.read('out'))).toEqual(['k=A-A@1', 'j=B-B@3', 'k=C-C@4']);
  });
});

describe('refused', () => {
  test('a join of tables whose keys are written differently', () => {
    const build = () =>
      topology('t', t => {
        t.table('lefts', left).join('joined', t.table('rows', topic('other', json<string>(), json<string>())), pair);
      });
    expect(build).toThrow(/keys written as/);
  });

  test('something else than a function', () => {
    const build = () => writing(t => t.table('lefts', left).join('joined', t.table('rights', right), 'no' as never));
    expect(build).toThrow(/takes a function/);
  });
});
