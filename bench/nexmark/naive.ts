import type { Auction, Bid } from '../gen/bench/nexmark/v1/events.ts';
import type {
  AuctionPrice,
  BidderSession,
  CategoryPrice,
  HighestBid,
  HotItems,
  LocalItem,
  NewSeller,
  SellerPrice,
} from '../gen/bench/nexmark/v1/results.ts';
import type { Events } from './generator.ts';
import { HOT_ITEMS_ADVANCE_MS, HOT_ITEMS_WINDOW_MS, SESSION_GAP_MS, WINDOW_MS } from './windows.ts';

/*
 * What the queries mean: for each its final results, those that hold when all events are read and every auction, window and
 * session is over, in any order. They are those of Nexmark's SQL (nexmark/nexmark on GitHub) except where a docstring says so.
 */

/** q0: all bids. */
export const allBids = ({ bids }: Events): readonly Bid[] => bids;

/** q1: all bids in euros, a dollar being 0.908 of them, to the cent; half a cent is rounded up. */
export const bidsInEuros = ({ bids }: Events): Bid[] =>
  bids.map(bid => ({ ...bid, price: Math.round((bid.price * 908) / 1000) }));

/** q2: auction and price of the bids on auctions whose id is a multiple of 123. */
export const pricesOfSomeAuctions = ({ bids }: Events): AuctionPrice[] =>
  bids.filter(({ auction }) => auction % 123 === 0).map(({ auction, price }) => ({ auction, price }));

/**
 * q3: the auctions of category 10 whose seller lives in Oregon, Idaho or California, with the seller. Either may come first: an
 * auction whose seller joins later counts as well.
 */
export function localItems({ persons, auctions }: Events): LocalItem[] {
  const local = new Map(persons.filter(({ state }) => ['OR', 'ID', 'CA'].includes(state)).map(one => [one.id, one]));
  return auctions.flatMap(({ id, category, seller }) => {
    const person = local.get(seller);
    if (category !== 10 || person === undefined) return [];
    return [{ auction: id, name: person.name, city: person.city, state: person.state }];
  });
}

/** q4: the average of the closing prices of each category's auctions, down to the cent. */
export function categoryPrices(events: Events): CategoryPrice[] {
  const byCategory = groupBy(closingPrices(events), ({ auction }) => auction.category);
  return [...byCategory].map(([category, sold]) => ({ category, averagePrice: average(sold) }));
}

/**
 * q5: for each hopping window that has bids, the auctions with the most of them, all that have as many; the window's start and that
 * number. A window holds the bids from its start on and before its end.
 */
export function hotItems({ bids }: Events): HotItems[] {
  const windows = new Map<number, Map<number, number>>();
  for (const { auction, dateTimeMs } of bids) {
    for (const windowStartMs of hotItemsWindows(dateTimeMs)) {
      const counts = windows.get(windowStartMs) ?? new Map<number, number>();
      windows.set(windowStartMs, counts.set(auction, (counts.get(auction) ?? 0) + 1));
    }
  }
  return [...windows].map(([windowStartMs, counts]) => {
    const most = [...counts.values()].reduce((best, count) => Math.max(best, count));
    const auctions = [...counts.keys()].filter(auction => counts.get(auction) === most).sort((a, b) => a - b);
    return { windowStartMs, bids: most, auctions };
  });
}

/** The starts of the windows that hold this time. */
function hotItemsWindows(timeMs: number): number[] {
  const starts: number[] = [];
  const last = timeMs - (timeMs % HOT_ITEMS_ADVANCE_MS);
  for (let start = last; start > timeMs - HOT_ITEMS_WINDOW_MS; start -= HOT_ITEMS_ADVANCE_MS) starts.push(start);
  return starts;
}

/**
 * q6: for each seller the average of the closing prices of the ten auctions that expired last, down to the cent; of auctions that
 * expired at once, the one with the higher id is the later one. In Nexmark's SQL the averages run, over eleven.
 */
export function sellerPrices(events: Events): SellerPrice[] {
  const bySeller = groupBy(closingPrices(events), ({ auction }) => auction.seller);
  return [...bySeller].map(([seller, sold]) => {
    const inOrder = sold.sort((a, b) => a.auction.expiresMs - b.auction.expiresMs || a.auction.id - b.auction.id);
    return { seller, averagePrice: average(inOrder.slice(-10)) };
  });
}

/**
 * q7: the highest bid of each tumbling window that has bids; of several as high the earliest, then the one with the lowest
 * auction, then with the lowest bidder. In Nexmark's SQL all of them.
 */
export function highestBids({ bids }: Events): HighestBid[] {
  const byWindow = groupBy(bids, ({ dateTimeMs }) => windowStart(dateTimeMs));
  return [...byWindow].map(([windowStartMs, inWindow]) => {
    const { auction, bidder, price, dateTimeMs } = inWindow.reduce((best, bid) => (isHigher(bid, best) ? bid : best));
    return { windowStartMs, auction, bidder, price, dateTimeMs };
  });
}

/** Whether it comes before the other one in q7. */
export function isHigher(bid: Bid, than: Bid): boolean {
  const ahead =
    bid.price - than.price ||
    than.dateTimeMs - bid.dateTimeMs ||
    than.auction - bid.auction ||
    than.bidder - bid.bidder;
  return ahead > 0;
}

/** q8: who joined and opened an auction in the same tumbling window, once. */
export function newSellers({ persons, auctions }: Events): NewSeller[] {
  const selling = new Set(auctions.map(({ seller, dateTimeMs }) => `${seller} ${windowStart(dateTimeMs)}`));
  return persons
    .map(({ id, name, dateTimeMs }) => ({ windowStartMs: windowStart(dateTimeMs), person: id, name }))
    .filter(({ person, windowStartMs }) => selling.has(`${person} ${windowStartMs}`));
}

/**
 * q11: the bids of each bidder in sessions, which a pause of more than `SESSION_GAP_MS` ends. A session reaches from its first
 * bid to its last one; in Nexmark's SQL to the gap's end.
 */
export function bidderSessions({ bids }: Events): BidderSession[] {
  return [...groupBy(bids, ({ bidder }) => bidder)].flatMap(([bidder, theirs]) => {
    const sessions: number[][] = [];
    for (const timeMs of theirs.map(({ dateTimeMs }) => dateTimeMs).sort((a, b) => a - b)) {
      const session = sessions.at(-1);
      if (session !== undefined && timeMs - session.at(-1)! <= SESSION_GAP_MS) session.push(timeMs);
      else sessions.push([timeMs]);
    }
    return sessions.map(times => ({
      bidder,
      firstBidMs: times[0]!,
      lastBidMs: times.at(-1)!,
      bids: times.length,
    }));
  });
}

/** Of q7 and q8. */
export const windowStart = (timeMs: number): number => timeMs - (timeMs % WINDOW_MS);

/** The highest bid from an auction's start to its end, both included, if there is one. The reserve does not matter. */
function closingPrices({ auctions, bids }: Events): { auction: Auction; price: number }[] {
  const byAuction = groupBy(bids, ({ auction }) => auction);
  return auctions.flatMap(auction => {
    const inTime = (byAuction.get(auction.id) ?? []).filter(
      ({ dateTimeMs }) => auction.dateTimeMs <= dateTimeMs && dateTimeMs <= auction.expiresMs,
    );
    if (inTime.length === 0) return [];
    return [{ auction, price: inTime.reduce((highest, { price }) => Math.max(highest, price), 0) }];
  });
}

const average = (sold: readonly { readonly price: number }[]): number =>
  Math.floor(sold.reduce((sum, { price }) => sum + price, 0) / sold.length);

function groupBy<T>(values: readonly T[], keyOf: (value: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}
