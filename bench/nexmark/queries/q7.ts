import { protobuf, string, topic, topology, tumbling } from '../../../src/index.ts';
import type { Bid } from '../../gen/bench/nexmark/v1/events.ts';
import { HighestBid } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { highestBids, isHigher } from '../naive.ts';
import { bids } from '../topics.ts';
import { WINDOW_MS } from '../windows.ts';
import type { Query } from './query.ts';

const results = protobuf(HighestBid);

const higher = (best: Bid, bid: Bid): Bid => (isHigher(bid, best) ? bid : best);

/** The highest bid of each tumbling window: of each auction, where its bids lie, then of all. */
export const q7: Query = {
  name: 'q7',
  results,
  isTable: true,
  closing: 'bids',
  topology: () =>
    topology('q7', t => {
      t.stream(bids)
        .groupByKey()
        .window(tumbling(WINDOW_MS, { emit: 'final' }))
        .reduce('highest-of-auctions', higher)
        .toStream()
        .groupBy('by-window', (_, { key }) => String(key.start), string())
        .reduce('highest', higher)
        .map(({ auction, bidder, price, dateTimeMs }, { key }): HighestBid => ({
          windowStartMs: Number(key),
          auction,
          bidder,
          price,
          dateTimeMs,
        }))
        .to(topic(OUT, string(), results));
    }),
  expected: highestBids,
};
