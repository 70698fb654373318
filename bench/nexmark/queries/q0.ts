import { protobuf, string, topic, topology } from '../../../src/index.ts';
import { Bid } from '../../gen/bench/nexmark/v1/events.ts';
import { OUT } from '../../lines/line.ts';
import { allBids } from '../naive.ts';
import { bids } from '../topics.ts';
import type { Query } from './query.ts';

const results = protobuf(Bid);

/** Bids from source to sink, each decoded and encoded. */
export const q0: Query = {
  name: 'q0',
  results,
  isTable: false,
  topology: () =>
    topology('q0', t => {
      t.stream(bids).to(topic(OUT, string(), results));
    }),
  expected: allBids,
};
