import { protobuf, session, string, topic, topology, windowed } from '../../../src/index.ts';
import { BidderSession } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { bidderSessions } from '../naive.ts';
import { bids } from '../topics.ts';
import { DISORDER_MS, SESSION_GAP_MS } from '../windows.ts';
import type { Query } from './query.ts';

const results = protobuf(BidderSession);

/** The bids of each bidder's sessions. */
export const q11: Query = {
  name: 'q11',
  results,
  isTable: true,
  topology: () =>
    topology('q11', t => {
      t.stream(bids)
        .groupBy('by-bidder', ({ bidder }) => String(bidder), string())
        .window(session(SESSION_GAP_MS, { grace: DISORDER_MS }))
        .count('sessions')
        .map((count, { key: { key, start, end } }): BidderSession => ({
          ...{ bidder: Number(key), firstBidMs: start, lastBidMs: end },
          bids: count,
        }))
        .to(topic(OUT, windowed(string()), results));
    }),
  expected: bidderSessions,
};
