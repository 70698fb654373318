import { describe, expect, test } from 'vitest';
import { count, json, string, sum, topic, topology } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());
const output = topic('out', string(), string());

// the canonical input of the dsl-api documentation: L is the stream, R the table
const CANONICAL = [
  ['left', 'null'], ['right', 'null'], ['left', 'A'], ['right', 'a'], ['left', 'B'], ['right', 'b'], ['left', 'null'], ['right', 'null'],
  ['left', 'C'], ['right', 'c'], ['right', 'null'], ['left', 'null'], ['right', 'null'], ['right', 'd'], ['left', 'D'],
].flatMap(([name, value], index) => records(name!, `k=${value}@${index + 1}`)); // prettier-ignore

describe('stream-table joins', () => {
  test('inner: the canonical input gives [B,a] and [D,d]', async () => {
    await using driver = await drive(
      topology('t', t => {
        const table = t.table('rows', right);
        t.stream(left)
          .join('joined', table, (l, r) => `${l}-${r}`)
          .as(string())
          .to(output);
      }),
    );
    for (const record of CANONICAL) await driver.pipe(record);
    expect(brief(await driver.read('out'))).toEqual(['k=B-a@5', 'k=D-d@15']);
  });

  test('left: the canonical input gives null where the table has no row', async () => {
    await using driver = await drive(
      topology('t', t => {
        const table = t.table('rows', right);
        t.stream(left)
          .leftJoin('joined', table, (l, r) => `${l}-${r}`)
          .as(string())
          .to(output);
      }),
    );
    for (const record of CANONICAL) await driver.pipe(record);
    expect(brief(await driver.read('out'))).toEqual(['k=A-null@3', 'k=B-a@5', 'k=C-null@9', 'k=D-d@15']);
  });

  test('fed at once, by rule G2, the results are the same; at equal timestamps the table comes first', async () => {
    await using driver = await drive(
      topology('t', t => {
        const table = t.table('rows', right);
        t.stream(left)
          .leftJoin('joined', table, (l, r) => `${l}-${r}`)
          .as(string())
          .to(output);
      }),
    );
    await driver.pipeAll([...CANONICAL, ...records('left', 'k=E@20'), ...records('right', 'k=e@20')]);
    expect(brief(await driver.read('out'))).toEqual(['k=A-null@3', 'k=B-a@5', 'k=C-null@9', 'k=D-d@15', 'k=E-e@20']);
  });

  test('a record without a key: left joins null, inner drops it and counts it (KIP-962)', async () => {
    await using driver = await drive(
      topology('t', t => {
        const table = t.table('rows', right);
        t.stream(left)
          .leftJoin('l', table, (l, r) => `${l}-${r}`)
          .as(string())
          .to(output);
        t.stream(left)
          .join('i', table, (l, r) => `${l}-${r}`)
          .as(string())
          .to(topic('inner', string(), string()));
      }),
    );
    await driver.pipe({ topic: 'left', key: null, value: 'A', timestamp: 1 });
    expect(brief(await driver.read('out'))).toEqual(['null=A-null@1']);
    expect(await driver.read('inner')).toEqual([]);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1 });
  });

  test('a stream under a new key meets the rows of that key', async () => {
    const claims = topic('claims', string(), json<{ policy: string }>());
    await using driver = await drive(
      topology('t', t => {
        const table = t.table('policies', right);
        t.stream(claims)
          .keyBy('by-policy', claim => claim.policy)
          .leftJoin('with-policy', table, ({ policy }, row) => `${policy}:${row}`)
          .as(string())
          .to(output);
      }),
      { partitions: 3 },
    );
    await driver.pipeAll(records('right', 'P1=one@1', 'P2=two@2'));
    await driver.pipe({ topic: 'claims', key: 'C1', value: { policy: 'P2' }, timestamp: 3 });
    await driver.pipe({ topic: 'claims', key: 'C2', value: { policy: 'P9' }, timestamp: 4 });
    expect(brief(await driver.read('out')).sort()).toEqual(['P2=P2:two@3', 'P9=P9:null@4']);
  });
});

describe('tables', () => {
  test('the last offset wins, whatever its timestamp; a null key is dropped', async () => {
    await using driver = await drive(topology('t', t => t.table('rows', right).toStream().to(output)));
    await driver.pipeAll([
      ...records('right', 'k=a@5', 'k=b@3', 'k=null@4', 'k=null@6'),
      { topic: 'right', key: null, value: 'x', timestamp: 7 },
    ]);
    expect(brief(await driver.read('out'))).toEqual(['k=a@5', 'k=b@3', 'k=null@4']);
    expect(driver.figures().dropped).toEqual({ tombstone: 1, 'null-key': 1 });
  });

  test('a filtered table sends a tombstone only for a row that had passed', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .table('rows', right)
          .filter(value => Number(value) % 2 === 0)
          .to(output),
      ),
    );
    await driver.pipeAll(
      records('right', 'A=1@10', 'B=2@5', 'C=3@8', 'D=4@14', 'A=null@18', 'B=null@15', 'D=5@16', 'D=6@17'),
    );
    expect(brief(await driver.read('out'))).toEqual(['B=2@5', 'D=4@14', 'B=null@15', 'D=null@16', 'D=6@17']);
  });

  test('map works on rows; a deleted row stays deleted', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .table('rows', right)
          .map(value => `<${value}>`)
          .as(string())
          .to(output),
      ),
    );
    await driver.pipeAll(records('right', 'k=a@1', 'k=null@2'));
    expect(brief(await driver.read('out'))).toEqual(['k=<a>@1', 'k=null@2']);
  });

  test('toTable makes a table of a stream, which others can look up', async () => {
    await using driver = await drive(
      topology('t', t => {
        const table = t
          .stream(right)
          .map(value => value.toUpperCase())
          .as(string())
          .toTable('upper');
        t.stream(left)
          .join('joined', table, (l, r) => l + r)
          .as(string())
          .to(output);
      }),
    );
    await driver.pipeAll([...records('right', 'k=a@1'), ...records('left', 'k=x@2')]);
    expect(brief(await driver.read('out'))).toEqual(['k=xA@2']);
    expect(await driver.store('upper').get('k')).toBe('A');
  });

  test('readFirst: what the table holds at the first start is read before any stream record, whatever the timestamps', async () => {
    const build = topology('t', t => {
      const table = t.table('rows', right, { readFirst: true });
      t.stream(left)
        .leftJoin('joined', table, (l, r) => `${l}-${r}`)
        .as(string())
        .to(output);
    });
    await using driver = await drive(build, {
      before: [...records('left', 'k=A@1'), ...records('right', 'k=a@100', 'k=b@200')],
    });
    await driver.pipeAll([...records('left', 'k=B@210', 'k=C@400'), ...records('right', 'k=c@300')]);
    expect(brief(await driver.read('out'))).toEqual(['k=A-b@1', 'k=B-b@210', 'k=C-c@400']);
  });
});

describe('aggregates of streams', () => {
  test('count: the word count of the documentation', async () => {
    const counts = topic('counts', string(), json<number>());
    await using driver = await drive(topology('t', t => t.stream(left).groupByKey().count('counted').to(counts)));
    await driver.pipeAll(
      records('left', 'hello=x@1', 'kafka=x@2', 'streams=x@3', 'kafka=x@4', 'kafka=x@5', 'streams=x@6'),
    );
    expect(brief(await driver.read('counts'))).toEqual([
      'hello=1@1',
      'kafka=1@2',
      'streams=1@3',
      'kafka=2@4',
      'kafka=3@5',
      'streams=2@6',
    ]);
  });

  test('a result carries the largest timestamp that went into it; null keys and values are dropped', async () => {
    const sums = topic('sums', string(), json<number>());
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(left, { tombstones: true })
          .groupByKey()
          .sum('summed', value => Number(value))
          .to(sums),
      ),
    );
    await driver.pipeAll([
      ...records('left', 'k=1@10', 'k=2@5', 'k=null@20', 'k=3@12'),
      { topic: 'left', key: null, value: '9', timestamp: 30 },
    ]);
    expect(brief(await driver.read('sums'))).toEqual(['k=1@10', 'k=3@10', 'k=6@12']);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test('reduce combines values of one type', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(left)
          .groupByKey()
          .reduce('joined', (a, b) => a + b)
          .to(output),
      ),
    );
    await driver.pipeAll(records('left', 'k=a@1', 'k=b@2', 'l=c@3', 'k=d@4'));
    expect(brief(await driver.read('out'))).toEqual(['k=a@1', 'k=ab@2', 'l=c@3', 'k=abd@4']);
  });

  test('groupBy with a new key goes through a repartition', async () => {
    const counts = topic('counts', string(), json<number>());
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(left)
          .groupBy('by-value', value => value, string())
          .count('n')
          .to(counts),
      ),
      { partitions: 3 },
    );
    await driver.pipeAll(records('left', 'a=x@1', 'b=y@2', 'c=x@3', 'd=x@4'));
    expect(brief(await driver.read('counts')).sort()).toEqual(['x=1@1', 'x=2@3', 'x=3@4', 'y=1@2']);
  });
});

describe('aggregates of tables', () => {
  const sums = topic('sums', string(), json<object>());
  type Row = { region: string; n: number };
  const rows = topic('rows', string(), json<Row>());
  const byRegion = topology('t', t =>
    t
      .table('users', rows)
      .groupBy('by-region', row => row.region, string())
      .aggregate('totals', { users: count(), n: sum((row: Row) => row.n) })
      .to(sums),
  );
  const row = (key: string, region: string | null, n: number, timestamp: number) => ({
    topic: 'rows',
    key,
    value: region === null ? null : { region, n },
    timestamp,
  });

  test('an update within a group gives one result (KIP-904)', async () => {
    await using driver = await drive(byRegion);
    await driver.pipeAll([row('1', 'E', 8, 8), row('1', 'E', 9, 9)]);
    expect(brief(await driver.read('sums'))).toEqual(['E={"users":1,"n":8}@8', 'E={"users":1,"n":9}@9']);
  });

  test('a row that moves is subtracted from its old group; a deleted one leaves zeros', async () => {
    await using driver = await drive(byRegion);
    await driver.pipeAll([
      row('alice', 'E', 5, 1),
      row('bob', 'A', 3, 2),
      row('alice', 'A', 5, 3),
      row('alice', null, 0, 4),
      row('bob', null, 0, 5),
    ]);
    expect(brief(await driver.read('sums'))).toEqual([
      'E={"users":1,"n":5}@1',
      'A={"users":1,"n":3}@2',
      'E={"users":0,"n":0}@3',
      'A={"users":2,"n":8}@3',
      'A={"users":1,"n":3}@4',
      'A={"users":0,"n":0}@5',
    ]);
    expect(await driver.store('totals').get('A')).toEqual({ users: 0, n: 0 });
  });

  test('the documented sequence with a string adder and subtractor: timestamps are the maximum', async () => {
    const table = topic('table', string(), string());
    await using driver = await drive(
      topology('t', t =>
        t
          .table('rows', table)
          .groupBy('same', (_, { key }) => key, string())
          .aggregate('text', {
            init: () => '0',
            add: (state: string, value: string) => `${state}+${value}`,
            subtract: (state: string, value: string) => `${state}-${value}`,
            serde: string(),
          })
          .to(output),
      ),
    );
    await driver.pipeAll(
      records('table', 'A=1@10', 'B=2@15', 'A=3@20', 'B=4@18', 'C=5@5', 'D=6@25', 'B=7@15', 'C=8@10'),
    );
    expect(brief(await driver.read('out'))).toEqual([
      'A=0+1@10', 'B=0+2@15', 'A=0+1-1+3@20', 'B=0+2-2+4@18', 'C=0+5@5', 'D=0+6@25', 'B=0+2-2+4-4+7@18', 'C=0+5-5+8@10',
    ]); // prettier-ignore
  });
});

test('a row that an aggregate cannot take is dead-lettered with its table, and the totals stay those of the rows before', async () => {
  const amounts = topic('amounts', string(), json<{ group: string; amount: number | null }>());
  await using driver = await drive(
    topology('t', t => {
      t.table('amounts', amounts)
        .groupBy('by-group', row => row.group, string())
        .aggregate('total', { n: count(), sum: sum(row => row.amount!.valueOf()) });
    }),
  );
  const row = (amount: number | null, timestamp: number) => ({
    topic: 'amounts',
    key: 'k',
    value: { group: 'g', amount },
    timestamp,
  });
  await driver.pipeAll([row(10, 1), row(null, 2), row(50, 3)]);
  expect(await driver.store('total').get('g')).toEqual({ n: 1, sum: 50 });
  expect(driver.figures().deadLettered).toBe(1);
});

test('a function that returns a promise is refused: nobody would wait for it', async () => {
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(left)
        .map(async value => value)
        .to(topic('promises', string(), json())),
    ),
  );
  await driver.pipeAll(records('left', 'k=a@1'));
  expect(await driver.read('promises')).toEqual([]);
  expect(driver.figures().deadLettered).toBe(1);
});
