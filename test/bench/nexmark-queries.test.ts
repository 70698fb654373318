import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PARTITIONS } from '../../bench/lines/line.ts';
import { writeNexmark } from '../../bench/nexmark/backlog.ts';
import { nexmark, nexmarkEvents } from '../../bench/nexmark/generator.ts';
import { QUERIES } from '../../bench/nexmark/queries/index.ts';
import type { Query } from '../../bench/nexmark/queries/query.ts';
import { linesOf, resultLines } from '../../bench/nexmark/results.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { run } from '../../src/run.ts';
import { seedOf } from '../seed.ts';
import { temporaryFolder, withBroker } from '../recovery/folders.ts';

const EVENTS = 50_000;

/** Does `work` on events of their own, and compares what it leaves. */
async function expectResults(query: Query, work: (folder: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  // 20 s of event time: partitions differ in length by less than what q11 waits for
  const options = { seed: seedOf(query.name), eventsPerSecond: 2_500 };
  await writeNexmark(await nodeDisk(join(folder.path, 'log')), nexmarkEvents(EVENTS, options), query.closing);
  await work(folder.path);
  const lines = await withBroker(folder.path, broker => resultLines(broker, query));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines).toEqual(linesOf(query.expected(nexmark(EVENTS, options))));
}

test.each(QUERIES)('$name has the results of its reference', async query => {
  await expectResults(query, async data => {
    const running = await run(query.topology(), { data, partitions: PARTITIONS });
    await running.idle();
    await running.stop();
  });
});

test.each(QUERIES.filter(query => query.bare !== undefined))('the bare loop of $name has them too', async query => {
  await expectResults(query, folder => query.bare!(folder));
});
