import { protobuf, string, topic, topology, within } from '../../../src/index.ts';
import { NewSeller } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { newSellers, windowStart } from '../naive.ts';
import { auctions, persons } from '../topics.ts';
import { AUCTIONS_DISORDER_MS, WINDOW_MS } from '../windows.ts';
import type { Query } from './query.ts';

const results = protobuf(NewSeller);
const oneWindow = within(WINDOW_MS, { grace: AUCTIONS_DISORDER_MS });

/** Who joins and opens an auction in the same tumbling window: a join within that time, and only the first of its results. */
export const q8: Query = {
  name: 'q8',
  results,
  isTable: false,
  closing: 'auctions',
  topology: () =>
    topology('q8', t => {
      const opened = t.stream(auctions).keyBy('by-seller', ({ seller }) => String(seller), string());
      t.stream(persons)
        .join('opened', opened, oneWindow, (person, auction) => ({ person, auction }))
        .filter(({ person, auction }) => windowStart(person.dateTimeMs) === windowStart(auction.dateTimeMs))
        .map(({ person: { id, name, dateTimeMs } }) => ({ windowStartMs: windowStart(dateTimeMs), person: id, name }))
        .dedupe('once', { by: ({ windowStartMs }) => windowStartMs, within: WINDOW_MS + AUCTIONS_DISORDER_MS })
        .to(topic(OUT, string(), results));
    }),
  expected: newSellers,
};
