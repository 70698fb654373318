import { protobuf, string, topic, topology } from '../../../src/index.ts';
import { AuctionPrice } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { pricesOfSomeAuctions } from '../naive.ts';
import { bids } from '../topics.ts';
import type { Query } from './query.ts';

const results = protobuf(AuctionPrice);

/** Prices bid on every 123rd auction. */
export const q2: Query = {
  name: 'q2',
  results,
  isTable: false,
  topology: () =>
    topology('q2', t => {
      t.stream(bids)
        .filter(({ auction }) => auction % 123 === 0)
        .map(({ auction, price }) => ({ auction, price }))
        .to(topic(OUT, string(), results));
    }),
  expected: pricesOfSomeAuctions,
};
