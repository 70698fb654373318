import { expect, test } from 'vitest';
import { LINES } from '../../bench/lines/index.ts';
import { PARTITIONS } from '../../bench/lines/line.ts';
import type { Line } from '../../bench/lines/line.ts';
import { expectSameLines } from '../../bench/same-lines.ts';
import { run } from '../../src/run.ts';
import { temporaryFolder } from '../recovery/folders.ts';

const RECORDS = 20_000;

async function outcomeOf(line: Line, work: 'topology' | 'bare'): Promise<string> {
  await using folder = await temporaryFolder();
  await line.write(folder.path, RECORDS);
  if (work === 'bare') {
    await line.bare!(folder.path);
  } else {
    const running = await run(line.topology(), { data: folder.path, partitions: PARTITIONS });
    await running.idle();
    await running.stop();
  }
  return await line.outcome(folder.path, RECORDS);
}

/** The queries have tests of their own, and lines of a million policies write all of them whatever the count. */
const quick = LINES.filter(({ name }) => !/^nexmark-|-1m/.test(name));

test.each(quick.filter(line => line.bare === undefined))('$name has the results of its reference', async line => {
  expect(await outcomeOf(line, 'topology')).toMatch(/^[1-9]\d* results/);
});

test.each(quick.filter(line => line.bare !== undefined))('$name has the outputs of its bare loop', async line => {
  expect(await outcomeOf(line, 'bare')).toBe(await outcomeOf(line, 'topology'));
});

test('results that are missing, or more than there should be, are shown', () => {
  expect(expectSameLines(['a', 'a', 'b'], ['a', 'a', 'b'])).toBe('3 results');
  expect(() => expectSameLines(['a', 'c'], ['a', 'b', 'c'])).toThrow('c\nb');
  expect(() => expectSameLines(['a', 'a'], ['a'])).toThrow('a\nundefined');
  expect(() => expectSameLines(['a'], ['a', 'b'])).toThrow('undefined\nb');
});
