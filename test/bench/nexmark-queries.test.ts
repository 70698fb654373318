import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PARTITIONS } from '../../bench/lines/line.ts';
import { writeNexmark } from '../../bench/nexmark/backlog.ts';
import { nexmark, nexmarkEvents } from '../../bench/nexmark/generator.ts';
import { QUERIES } from '../../bench/nexmark/queries/index.ts';
import { linesOf, resultLines } from '../../bench/nexmark/results.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { run } from '../../src/run.ts';
import { seedOf } from '../seed.ts';
import { temporaryFolder, withBroker } from '../recovery/folders.ts';

const EVENTS = 50_000;

test.each(QUERIES)('$name has the results of its reference', async query => {
  await using folder = await temporaryFolder();
  // 50 s of event time
  const options = { seed: seedOf(query.name), eventsPerSecond: 1_000 };
  await writeNexmark(await nodeDisk(join(folder.path, 'log')), nexmarkEvents(EVENTS, options), {
    withClosing: query.needsClosing === true,
  });
  const running = await run(query.topology(), { data: folder.path, partitions: PARTITIONS });
  await running.idle();
  await running.stop();
  const lines = await withBroker(folder.path, broker => resultLines(broker, query));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines).toEqual(linesOf(query.expected(nexmark(EVENTS, options))));
});
