import type { Table, TopologyBuilder } from '../../../src/index.ts';
import { protobuf } from '../../../src/index.ts';
import { ClosingPrice } from '../../gen/bench/nexmark/v1/results.ts';
import type { Auction, Bid } from '../../gen/bench/nexmark/v1/events.ts';
import { auctions, bids } from '../topics.ts';

/**
 * The highest bid of each auction between its start and its end, both included, as it is known so far. Topics of one key and one
 * partitioning: an auction is read before the bids of its own time.
 */
export function closingPrices(t: TopologyBuilder): Table<string, ClosingPrice> {
  return t
    .stream(bids)
    .join('with-auction', t.table('auctions', auctions), (bid, auction) => ({ bid, auction }))
    .filter(isInTime)
    .map(asPrice)
    .as(protobuf(ClosingPrice))
    .groupByKey()
    .reduce('closing-prices', (highest, bid) => (bid.price > highest.price ? bid : highest));
}

interface BidOnAuction {
  readonly bid: Bid;
  readonly auction: Auction;
}

export const isInTime = ({ bid, auction }: BidOnAuction): boolean =>
  auction.dateTimeMs <= bid.dateTimeMs && bid.dateTimeMs <= auction.expiresMs;

export const asPrice = ({ bid, auction: { id, category, seller, expiresMs } }: BidOnAuction): ClosingPrice => ({
  auction: id,
  category,
  seller,
  expiresMs,
  price: bid.price,
});
