import { describe, expect, test } from 'vitest';
import { string, topic, topology } from '../../src/index.ts';
import { keptKeys } from '../changelog.ts';
import { brief, drive, records } from '../drive.ts';
import { lives } from './interrupted.ts';

const input = topic('in', string(), string());
const out = topic('out', string(), string());

const by = (id: (value: string) => string | number | bigint) =>
  topology('t', t => {
    t.stream(input).dedupe('once', { by: id, within: 10 }).to(out);
  });

/** The id is what stands in front of the colon. */
const once = by(value => value.split(':')[0]!);

describe('a dedupe', () => {
  test('drops what its key has had before, and counts it', async () => {
    await using driver = await drive(once);
    await driver.pipeAll(records('in', 'a=1:x@1', 'a=1:y@2', 'b=1:x@3', 'a=2:x@4', 'b=1:z@5'));
    expect(brief(await driver.read('out'))).toEqual(['a=1:x@1', 'b=1:x@3', 'a=2:x@4']);
    expect(driver.figures().dropped).toEqual({ duplicate: 2 });
  });

  test('forgets an id when stream time reaches its first record plus the time; a duplicate does not prolong that', async () => {
    await using driver = await drive(once);
    await driver.pipeAll(records('in', 'a=1:x@1', 'a=1:y@10', 'a=1:z@11', 'a=1:u@20', 'a=1:v@21'));
    expect(brief(await driver.read('out'))).toEqual(['a=1:x@1', 'a=1:z@11', 'a=1:v@21']);
  });

  test('drops a late duplicate for as long as the id is remembered', async () => {
    await using driver = await drive(once);
    await driver.pipeAll(
      records('in', 'a=1:x@50', 'a=1:y@3', 'b=9:x@59', 'a=1:z@59', 'b=9:y@60', 'a=1:u@55', 'a=1:v@56'),
    );
    expect(brief(await driver.read('out'))).toEqual(['a=1:x@50', 'b=9:x@59', 'a=1:u@55']);
  });

  test('keeps nothing of what is over', async () => {
    await using driver = await drive(once);
    await driver.pipeAll(records('in', 'a=1:x@1', 'b=2:x@2', 'a=1:y@3', 'c=3:x@5', 'd=4:x@500'));
    const [kept, ...others] = await keptKeys(driver, 't-once-changelog');
    expect(kept).toMatch(/d/);
    expect(others).toEqual([]);
  });

  test('tells ids of different types apart, and keys from ids', async () => {
    const ids: Record<string, string | number | bigint> = { text: '1', number: 1, bigint: 1n, zero: 0, minus: -0 };
    await using driver = await drive(by(value => ids[value] ?? value));
    const fed = [
      'k=text@1',
      'k=number@1',
      'k=bigint@1',
      'k=text@1',
      'k=number@1',
      'k=bigint@1',
      'k=zero@1',
      'k=minus@1',
    ];
    await driver.pipeAll(records('in', ...fed, 'ab=c@1', 'a=bc@1', 'é=€@1', 'é=€@1', '=x@1', '=x@1'));
    expect(brief(await driver.read('out'))).toEqual([
      'k=text@1',
      'k=number@1',
      'k=bigint@1',
      'k=zero@1',
      'ab=c@1',
      'a=bc@1',
      'é=€@1',
      '=x@1',
    ]);
  });

  test('dead-letters a record whose id is none, and drops null keys and values', async () => {
    const nulls = topology('t', t => {
      const stream = t.stream(input, { tombstones: true });
      stream.dedupe('once', { by: value => (value === 'bad' ? (undefined as never) : value), within: 10 }).to(out);
    });
    await using driver = await drive(nulls);
    await driver.pipeAll([
      ...records('in', 'k=null@1', 'k=bad@2'),
      { topic: 'in', key: null, value: 'x', timestamp: 3 },
    ]);
    expect(await driver.read('out')).toEqual([]);
    expect(await driver.read('t.dead-letters')).toHaveLength(1);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1, 'null-value': 1 });
  });

  test('remembers across crashes and restarts', async () => {
    const fed = records(
      'in',
      'a=1:x@1',
      'b=1:x@2',
      'a=1:y@4',
      'a=2:x@8',
      'a=1:z@11',
      'b=1:y@11',
      'a=2:y@17',
      'b=1:z@12',
    );
    const [whole, ...others] = await lives(once, fed);
    expect(whole).toEqual(['a=1:x@1', 'b=1:x@2', 'a=2:x@8', 'a=1:z@11', 'b=1:z@12']);
    for (const other of others) expect(other).toEqual(whole);
  });

  test('within no time at all is refused', () => {
    expect(() =>
      topology('t', t =>
        t
          .stream(input)
          .dedupe('once', { by: value => value, within: 0 })
          .to(out),
      ),
    ).toThrow(/'within' of 'once' is 0/);
  });
});
