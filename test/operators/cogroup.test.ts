import { describe, expect, test } from 'vitest';
import { collect, count, first, json, session, string, sum, topic, topology, tumbling } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { readWindows, windowRows } from '../windowed-records.ts';

const opened = topic('opened', string(), string());
const paid = topic('paid', string(), json<{ cents: number }>());
const closed = topic('closed', string(), string());
const files = topic('out', string(), json<unknown>());
const payment = (key: string, cents: number, timestamp: number) => ({
  topic: 'paid',
  key,
  value: { cents },
  timestamp,
});

describe('streams aggregated together', () => {
  const claimFile = topology('t', t =>
    t
      .stream(opened)
      .groupByKey()
      .cogroup({ opened: count() })
      .and(t.stream(paid).groupByKey(), { paidCents: sum(p => p.cents), largest: first(p => p.cents) })
      .and(t.stream(closed).groupByKey(), { reasons: collect() })
      .aggregate('claim-file')
      .to(files),
  );

  test('are one row a key; fields of streams that said nothing yet begin at nothing', async () => {
    await using driver = await drive(claimFile);
    await driver.pipe(records('opened', 'C1=x@1')[0]!);
    await driver.pipe(payment('C1', 500, 2));
    await driver.pipe(records('closed', 'C1=withdrawn@3')[0]!);
    await driver.pipe(payment('C2', 7, 1));
    expect(brief(await driver.read('out'))).toEqual([
      'C1={"opened":1,"paidCents":0,"largest":null,"reasons":[]}@1',
      'C1={"opened":1,"paidCents":500,"largest":500,"reasons":[]}@2',
      'C1={"opened":1,"paidCents":500,"largest":500,"reasons":["withdrawn"]}@3',
      'C2={"opened":0,"paidCents":7,"largest":7,"reasons":[]}@1',
    ]);
    expect(await driver.store('claim-file').get('C2')).toMatchObject({ paidCents: 7, opened: 0 });
  });

  test('take their records by time where several wait, and the result the largest timestamp', async () => {
    await using driver = await drive(claimFile, { partitions: 2 });
    await driver.pipeAll([payment('C1', 500, 9), ...records('opened', 'C1=x@4', 'C1=x@6')]);
    expect((await driver.read('out')).map(({ timestamp }) => timestamp)).toEqual([4, 6, 9]);
  });

  test('null keys and null values are counted', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(opened, { tombstones: true })
          .groupByKey()
          .cogroup({ opened: count() })
          .and(t.stream(closed).groupByKey(), { closed: count() })
          .aggregate('counts')
          .to(files),
      ),
    );
    await driver.pipeAll([
      ...records('opened', 'k=null@1'),
      { topic: 'closed', key: null, value: 'x', timestamp: 2 },
      ...records('closed', 'k=x@3'),
    ]);
    expect(brief(await driver.read('out'))).toEqual(['k={"opened":0,"closed":1}@3']);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test('with a state of one’s own, to which each stream’s function adds', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(opened)
          .groupByKey()
          .cogroup((state: string, value: string) => `${state}+o:${value}`)
          .and(t.stream(paid).groupByKey(), (state, { cents }) => `${state}+p:${cents}`)
          .aggregate('texts', { init: () => '0', serde: string(), result: text => text.length })
          .to(files),
      ),
    );
    await driver.pipeAll([...records('opened', 'k=a@1'), payment('k', 3, 2)]);
    expect(brief(await driver.read('out'))).toEqual(['k=5@1', 'k=9@2']);
  });
});

describe('in windows', () => {
  test('one time goes for all streams: a window that is closed is closed for each', async () => {
    await using driver = await drive(
      topology('t', t =>
        t
          .stream(opened)
          .groupByKey()
          .cogroup({ opened: count() })
          .and(t.stream(closed).groupByKey(), { closed: count() })
          .window(tumbling(10, { emit: 'final' }))
          .aggregate('counts')
          .to(windowRows),
      ),
    );
    for (const record of [
      ...records('opened', 'k=x@1'),
      ...records('closed', 'k=x@2', 'k=x@11'),
      ...records('opened', 'k=x@9', 'k=x@30'),
    ])
      await driver.pipe(record);
    expect(await readWindows(driver)).toEqual([
      'k[0,10]={"opened":1,"closed":1}@2',
      'k[10,20]={"opened":0,"closed":1}@11',
    ]);
    expect(driver.figures().dropped).toEqual({ late: 1 });
  });

  test('sessions of all streams together', async () => {
    await using driver = await drive(
      topology('t', t => {
        t.stream(opened)
          .groupByKey()
          .cogroup({ opened: count() })
          .and(t.stream(paid).groupByKey(), { paidCents: sum(p => p.cents) })
          .window(session(5, { grace: 50, emit: 'final' }))
          .aggregate('fields')
          .to(windowRows);
        t.stream(opened)
          .groupByKey()
          .cogroup((state: string, value: string) => state + value)
          .and(t.stream(paid).groupByKey(), (state, { cents }) => state + String(cents))
          .window(session(5, { grace: 50, emit: 'final' }))
          .aggregate('texts', { init: () => '', serde: string(), merge: (a, b) => `${a}|${b}` })
          .to(windowRows);
      }),
    );
    for (const record of [...records('opened', 'k=a@0'), payment('k', 1, 8), ...records('opened', 'k=b@4', 'z=z@900')])
      await driver.pipe(record);
    expect((await readWindows(driver)).sort()).toEqual(['k[0,8]=a|1b@8', 'k[0,8]={"opened":2,"paidCents":1}@8']);
  });
});

describe('what cannot be aggregated together', () => {
  test('two streams with a field of one name', () => {
    expect(() =>
      topology('t', t => {
        const both = t.stream(opened).groupByKey().cogroup({ n: count() });
        both.and(t.stream(closed).groupByKey(), { n: count() } as never).aggregate('counts');
      }),
    ).toThrow(/'counts' has two fields 'n'/);
  });

  test('a state without a serde', () => {
    expect(() =>
      topology('t', t => {
        const both = t
          .stream(opened)
          .groupByKey()
          .cogroup((state: string) => state);
        both.aggregate('texts', { init: () => '' } as never);
      }),
    ).toThrow(expect.objectContaining({ code: 'TOPO_SERDE_MISSING' }));
  });

  test('streams whose keys are written differently', () => {
    expect(() =>
      topology('t', t => {
        const other = t.stream(topic('other', json<string>(), string())).groupByKey();
        t.stream(opened).groupByKey().cogroup({ opened: count() }).and(other, { others: count() }).aggregate('counts');
      }),
    ).toThrow(expect.objectContaining({ code: 'TOPO_SERDE_CONFLICT' }));
  });
});
