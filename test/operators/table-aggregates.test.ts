import { describe, expect, test } from 'vitest';
import { count, json, string, sum, topic, topology } from '../../src/index.ts';
import type { CustomTableAggregator, TableOptions } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import { brief, drive, records } from '../drive.ts';

const rows = topic('rows', string(), string());
const texts = topic('out', string(), string());
const numbers = topic('out', string(), json<number>());

/** What each record led to, a line each. */
async function answers(build: ReturnType<typeof topology>, inputs: readonly InputRecord[]): Promise<string[]> {
  await using driver = await drive(build);
  const seen: string[] = [];
  for (const input of inputs) {
    await driver.pipe(input);
    seen.push(brief(await driver.read('out')).join(' '));
  }
  return seen;
}

describe('aggregates of tables', () => {
  test('the lengths of names by region, as users come, move and go', async () => {
    const build = topology('t', t =>
      t
        .table('users', rows)
        .map((region, { key }) => ({ region, length: key.length }))
        .as(json<{ region: string; length: number }>())
        .groupBy('by-region', user => user.region, string())
        .sum('lengths', user => user.length)
        .to(numbers),
    );
    const users = records('rows', 'alice=E@1', 'bob=A@2', 'charlie=A@3', 'alice=A@4', 'charlie=null@5', 'bob=E@7');
    users.splice(5, 0, { topic: 'rows', key: null, value: 'E', timestamp: 6 });
    expect(await answers(build, users)).toEqual(['E=5@1', 'A=3@2', 'A=10@3', 'E=0@4 A=15@4', 'A=8@5', '', 'A=5@7 E=3@7']);
  }); // prettier-ignore

  const counting = (options: TableOptions = {}) =>
    topology('t', t =>
      t
        .table('rows', rows, options)
        .groupBy('by-value', value => value, string())
        .aggregate('counted', count())
        .to(numbers),
    );

  test('count by value; a group that a row leaves has the time of that change', async () => {
    const inputs = records('rows', 'A=green@10', 'B=green@9', 'A=blue@12', 'C=yellow@15', 'D=green@11');
    expect(await answers(counting(), inputs)).toEqual([
      'green=1@10',
      'green=2@10',
      'green=1@12 blue=1@12',
      'yellow=1@15',
      'green=2@12',
    ]);
  });

  test('over a plain table, what comes out of order changes its row; over a versioned one it changes nothing', async () => {
    const inputs = records('rows', 'A=green@10', 'A=blue@12', 'A=red@11', 'A=null@9', 'A=red@13');
    const inOrder = ['green=1@10', 'green=0@12 blue=1@12'];
    expect(await answers(counting(), inputs)).toEqual([...inOrder, 'blue=0@12 red=1@11', 'red=0@11', 'red=1@13']);
    expect(await answers(counting({ versioned: '1 h' }), inputs)).toEqual([...inOrder, '', '', 'blue=0@13 red=1@13']);
  });

  test('an update within its group gives one result (KIP-904), also where nothing changed (KAFKA-12508)', async () => {
    expect(await answers(counting(), records('rows', '1=x@8', '1=x@9'))).toEqual(['x=1@8', 'x=1@9']);
  });

  const tracing = (subtract: CustomTableAggregator<string, string>['subtract']) =>
    topology('t', t =>
      t
        .table('rows', rows)
        .groupBy('by-first', value => value[0]!, string())
        .aggregate('traced', { init: () => '0', add: (state, value) => `${state}+${value}`, subtract, serde: string() })
        .to(texts),
    ); // prettier-ignore

  test('a new row is added, a deleted one taken out; within a group the old row is taken out first', async () => {
    const build = tracing((state, value) => `${state}-${value}`);
    const inputs = records('rows', 'k=a1@1', 'k=a2@2', 'j=a3@3', 'k=b1@4', 'j=null@5');
    expect(await answers(build, inputs)).toEqual([
      'a=0+a1@1',
      'a=0+a1-a1+a2@2',
      'a=0+a1-a1+a2+a3@3',
      'a=0+a1-a1+a2+a3-a2@4 b=0+b1@4',
      'a=0+a1-a1+a2+a3-a2-a3@5',
    ]);
  });

  test('a subtractor that returns null deletes the group, which begins anew', async () => {
    const build = tracing((state, value) => (state === `0+${value}` ? null : `${state}-${value}`));
    const inputs = records('rows', 'k=a1@1', 'k=null@2', 'j=a2@3', 'j=a3@4');
    expect(await answers(build, inputs)).toEqual(['a=0+a1@1', 'a=null@2', 'a=0+a2@3', 'a=0+a3@4']);
  });

  test('after a restart rows are taken out as they were put in', async () => {
    const build = topology('t', t =>
      t
        .table('rows', rows)
        .groupBy('by-first', value => value[0]!, string())
        .aggregate('sums', { n: count(), total: sum((value: string) => Number(value.slice(1))) })
        .to(topic('out', string(), json())),
    );
    await using driver = await drive(build);
    await driver.pipeAll(records('rows', 'k=a1@1', 'j=a2@2', 'i=b4@3'));
    await driver.restart();
    await driver.pipeAll(records('rows', 'k=a8@4', 'j=b2@5', 'i=null@6'));
    expect(brief(await driver.read('out')).slice(3)).toEqual([
      'a={"n":2,"total":10}@4',
      'a={"n":1,"total":8}@5',
      'b={"n":2,"total":6}@5',
      'b={"n":1,"total":2}@6',
    ]);
  });
});
