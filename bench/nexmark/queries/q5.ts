import { hopping, protobuf, string, topic, topology } from '../../../src/index.ts';
import { AuctionBids, HotItems } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { hotItems } from '../naive.ts';
import { bids } from '../topics.ts';
import { HOT_ITEMS_ADVANCE_MS, HOT_ITEMS_WINDOW_MS } from '../windows.ts';
import type { Query } from './query.ts';

const results = protobuf(HotItems);
const windows = hopping(HOT_ITEMS_WINDOW_MS, { every: HOT_ITEMS_ADVANCE_MS, emit: 'final' });

/** The auctions with the most bids of each hopping window: counted where their bids lie, then compared window by window. */
export const q5: Query = {
  name: 'q5',
  results,
  isTable: true,
  closing: 'bids',
  topology: () =>
    topology('q5', t => {
      t.stream(bids)
        .groupByKey()
        .window(windows)
        .count('bids-on-auctions')
        .map((count, { key }): AuctionBids => ({ auction: Number(key.key), bids: count }))
        .toStream()
        .as(protobuf(AuctionBids))
        .groupBy('by-window', (_, { key }) => String(key.start), string())
        .aggregate('hot-items', {
          init: (): HotItems => ({ windowStartMs: 0, bids: 0, auctions: [] }),
          add: hotter,
          serde: results,
        })
        .map((hot, { key }): HotItems => ({ ...hot, windowStartMs: Number(key) }))
        .to(topic(OUT, string(), results));
    }),
  expected: hotItems,
};

function hotter(hot: HotItems, { auction, bids }: AuctionBids): HotItems {
  if (bids < hot.bids) return hot;
  const auctions = bids > hot.bids ? [auction] : [...hot.auctions, auction].sort((a, b) => a - b);
  return { ...hot, bids, auctions };
}
