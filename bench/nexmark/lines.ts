import { join } from 'node:path';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { AMPLE_BYTES } from '../lines/line.ts';
import type { Line } from '../lines/line.ts';
import { expectSameLines } from '../same-lines.ts';
import { writeNexmark } from './backlog.ts';
import { nexmark, nexmarkEvents } from './generator.ts';
import { QUERIES } from './queries/index.ts';
import type { Query } from './queries/query.ts';
import { linesOf, resultLines } from './results.ts';

/** 50 s of event time, 200 s of q11's. */
const EVENTS = 500_000;

/** The queries, each on all events: those of topics that it does not read are counted too. */
export const NEXMARK_LINES: readonly Line[] = QUERIES.map(lineOf);

function lineOf(query: Query): Line {
  const { eventsPerSecond } = query;
  const options = eventsPerSecond === undefined ? {} : { eventsPerSecond };
  return {
    name: `nexmark-${query.name}`,
    records: EVENTS,
    memoryBytes: AMPLE_BYTES,
    topology: () => query.topology(),
    ...(query.bare && { bare: (folder: string) => query.bare!(folder) }),

    async write(folder, events) {
      const disk = await nodeDisk(join(folder, 'log'));
      return writeNexmark(disk, nexmarkEvents(events, options), query.closing);
    },

    async outcome(folder, events) {
      const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
      const found = await resultLines(broker, query);
      await broker.close();
      return expectSameLines(found, linesOf(query.expected(nexmark(events, options))));
    },
  };
}
