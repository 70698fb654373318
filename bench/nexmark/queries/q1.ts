import { protobuf, string, topic, topology } from '../../../src/index.ts';
import { Bid } from '../../gen/bench/nexmark/v1/events.ts';
import { OUT } from '../../lines/line.ts';
import { bidsInEuros } from '../naive.ts';
import { bids } from '../topics.ts';
import type { Query } from './query.ts';

const results = protobuf(Bid);

const inEuros = (dollarCents: number): number => Math.round((dollarCents * 908) / 1000);

/** Bids in euros. */
export const q1: Query = {
  name: 'q1',
  results,
  isTable: false,
  topology: () =>
    topology('q1', t => {
      t.stream(bids)
        .map(bid => ({ ...bid, price: inEuros(bid.price) }))
        .to(topic(OUT, string(), results));
    }),
  expected: bidsInEuros,
};
