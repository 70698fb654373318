import { describe, expect, test } from 'vitest';
import { bytes, debezium, json, row, string, topic, topology } from '../../src/index.ts';
import type { Duration } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { liveEntries } from '../live-entries.ts';
import { CANONICAL, OUT_OF_ORDER } from '../oracle/canonical.ts';
import { answers, input, left, listed, output, pair, right } from './two-sides.ts';

const lookups = (mode: 'join' | 'leftJoin', versioned: Duration = '5 min') =>
  topology('t', t => {
    const [stream, table] = [t.stream(left), t.table('rows', right, { versioned })];
    const joined = mode === 'join' ? stream.join('joined', table, pair) : stream.leftJoin('joined', table, pair);
    joined.as(string()).to(output);
  });

describe('a stream joins a versioned table as of its own time', () => {
  test.each([
    ['join', CANONICAL, '#5 B-a@5 #15 D-d@15'],
    ['leftJoin', CANONICAL, '#3 A-null@3 #5 B-a@5 #9 C-null@9 #15 D-d@15'],
    ['join', OUT_OF_ORDER, '#5 B-a@5 #15 D-b@6 #19 E-e@15 #22 F-a@4'],
    ['leftJoin', OUT_OF_ORDER, '#3 A-null@3 #5 B-a@5 #9 C-null@9 #15 D-b@6 #19 E-e@15 #22 F-a@4'],
  ] as const)('%s: %s', async (mode, inputs, expected) => {
    expect(await answers(lookups(mode), inputs)).toEqual(listed(expected));
  });

  test('what is older than the history meets the row only where that is older still', async () => {
    const inputs = 'R old=o@1, R a@5, R b@20, L A@9, L B@10, L C@19, L D@20, L old=E@9, L old=F@0';
    expect(await answers(lookups('leftJoin', 10), inputs)).toEqual(
      listed('#4 A-null@9 #5 B-a@10 #6 C-a@19 #7 D-b@20 #8 E-o@9 #9 F-null@0'),
    );
  });

  test('rows behind map and filter have the same history', async () => {
    const build = topology('t', t => {
      const table = t.table('rows', right, { versioned: '1 s' }).filter(value => value !== 'x');
      const upper = table.map(value => value.toUpperCase());
      t.stream(left).leftJoin('joined', upper, pair).as(string()).to(output);
    });
    expect(await answers(build, 'R a@1, R x@5, R b@9, L A@4, L B@5, L C@9')).toEqual(
      listed('#4 A-A@4 #5 B-null@5 #6 C-B@9'),
    );
  });
});

describe('a versioned table', () => {
  const changes = topology('t', t => t.table('rows', right, { versioned: 10 }).to(output));

  test('the last timestamp wins, and what comes out of order changes the history alone', async () => {
    await using driver = await drive(changes);
    await driver.pipeAll(records('right', 'k=a@5', 'k=b@3', 'k=c@5', 'k=d@8', 'k=null@7', 'k=e@8'));
    expect(brief(await driver.read('out'))).toEqual(['k=a@5', 'k=c@5', 'k=d@8', 'k=e@8']);
    expect(await driver.store('rows').get('k')).toBe('e');
  });

  test('a deletion is a version: what was before it stays before it', async () => {
    await using driver = await drive(changes);
    await driver.pipeAll(records('right', 'k=null@5', 'k=a@4', 'k=b@6', 'k=null@6', 'k=c@5', 'j=x@1', 'k=d@7'));
    expect(brief(await driver.read('out'))).toEqual(['k=b@6', 'k=null@6', 'j=x@1', 'k=d@7']);
    expect(driver.figures().dropped).toEqual({ tombstone: 1 });
  });

  test('what is older than the history by stream time is late; a null key is dropped and moves no time', async () => {
    await using driver = await drive(changes);
    await driver.pipe({ topic: 'right', key: null, value: 'x', timestamp: 1000 });
    await driver.pipeAll(records('right', 'k=a@20', 'j=b@9', 'i=c@10'));
    expect(brief(await driver.read('out'))).toEqual(['k=a@20', 'i=c@10']);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1, late: 1 });
  });

  test('the empty key is a key like another', async () => {
    const inputs = 'R =a@1, R =b@3, L =A@2, L =B@3';
    expect(await answers(lookups('join'), inputs)).toEqual(listed('#3 A-a@2 #4 B-b@3'));
  });

  test('the history is forgotten as time goes on', async () => {
    const build = topology('t', t => t.table('rows', topic('right', bytes(), bytes()), { versioned: '1 s' }));
    await using driver = await drive(build);
    const entries = liveEntries(driver, 't-rows-history-changelog');
    const many = Array.from({ length: 4000 }, (_, index) => ({
      topic: 'right',
      key: Buffer.from(`k${index % 5}`),
      value: Buffer.alloc(200, index),
      timestamp: index,
    }));
    await driver.pipeAll(many);
    const full = await entries();
    expect(full).toBeGreaterThan(5);
    await driver.pipeAll(many.map(record => ({ ...record, timestamp: record.timestamp + 4000 })));
    expect(await entries()).toBeLessThan(full * 1.5);
    await driver.pipe({ ...many[0]!, timestamp: 100_000 });
    expect(await entries()).toBe(1);
  });

  test('a change that leaves columns out takes them from the row as it was at its time', async () => {
    type Policy = { id: string; product: string; text: string | null };
    const policies = debezium('db.policies', row<Policy>(), { key: 'id' });
    const build = topology('t', t => {
      const table = t.table('policies', policies, { versioned: '1 h' });
      t.stream(topic('in', json<{ id: string }>(), string()));
      table
        .map(({ text }) => text ?? 'none')
        .as(string())
        .to(topic('texts', policies.key, string()));
    });
    await using driver = await drive(build);
    const change = (text: string, ts_ms: number) => ({
      topic: 'db.policies',
      key: 'p',
      value: { before: null, after: { id: 'p', product: 'x', text }, op: 'u', ts_ms, source: { ts_ms } },
      timestamp: ts_ms,
    });
    const leftOut = '__debezium_unavailable_value';
    await driver.pipeAll([
      change('one', 1),
      change('two', 1),
      change(leftOut, 1),
      change('five', 5),
      change(leftOut, 6),
    ]);
    expect(brief(await driver.read('texts'))).toEqual(['p=one@1', 'p=two@1', 'p=two@1', 'p=five@5', 'p=five@6']);
  });

  test('after a restart the history, its horizon and its end are what they were', async () => {
    const before = 'R a@5, R b@8, R ~@9, R c@30, R d@34, R x=y@40';
    const after = 'R late@29, R e@31, L A@5, L B@32, L C@33, L D@34, L E@30, R z=z@300, L F@34, L G@200';
    await using whole = await drive(lookups('leftJoin', 10));
    for (const text of `${before}, ${after}`.split(', ')) await whole.pipe(input(text));
    await using stopped = await drive(lookups('leftJoin', 10));
    for (const text of before.split(', ')) await stopped.pipe(input(text));
    await stopped.restart();
    for (const text of after.split(', ')) await stopped.pipe(input(text));
    const expected = brief(await whole.read('out'));
    expect(expected).toEqual([
      'k=A-null@5', 'k=B-e@32', 'k=C-e@33', 'k=D-d@34', 'k=E-c@30', 'k=F-d@34', 'k=G-d@200',
    ]); // prettier-ignore
    expect(brief(await stopped.read('out'))).toEqual(expected);
    expect(stopped.figures().dropped).toEqual({ late: 1 });
  });

  test('another length of the history finds what was stored while its slices are the same; else the start is refused', async () => {
    expect(historyKey('5 min')).toEqual(historyKey('6 min'));
    expect(historyKey('5 min')).not.toEqual(historyKey('1 h'));
  });

  test('a history that is no duration is refused', () => {
    const build = () => topology('t', t => t.table('rows', right, { versioned: '5 minutes' as never }));
    expect(build).toThrow(/the history of table 'rows' is "5 minutes"/);
  });
});

function historyKey(versioned: Duration): unknown {
  const { nodes } = topology('t', t => t.table('rows', right, { versioned }));
  return nodes.flatMap(node => (node.kind === 'processor' ? node.stores : []))[1]!.key;
}
