import { expect, test } from 'vitest';
import {
  bidderSessions,
  bidsInEuros,
  categoryPrices,
  highestBids,
  hotItems,
  localItems,
  newSellers,
  pricesOfSomeAuctions,
  sellerPrices,
} from '../../bench/nexmark/naive.ts';
import { SESSION_GAP_MS } from '../../bench/nexmark/windows.ts';
import type { Auction, Bid, Person } from '../../bench/gen/bench/nexmark/v1/events.ts';

const bid = (auction: number, bidder: number, price: number, dateTimeMs: number): Bid => ({
  ...{ auction, bidder, price, dateTimeMs },
  extra: '',
});

const auction = (id: number, seller: number, dateTimeMs: number, more: Partial<Auction> = {}): Auction => ({
  ...{ id, seller, dateTimeMs, expiresMs: dateTimeMs + 100, category: 10 },
  ...{ itemName: '', description: '', initialBid: 0, reserve: 0, extra: '', ...more },
});

const person = (id: number, dateTimeMs: number, state = 'OR'): Person => ({
  ...{ id, dateTimeMs, state, name: `name ${id}`, city: 'Bend', emailAddress: '', creditCard: '', extra: '' },
});

const events = { persons: [] as Person[], auctions: [] as Auction[], bids: [] as Bid[] };
const ofBids = (...bids: Bid[]) => ({ ...events, bids });

test('q1 rounds to the cent, half a cent up', () => {
  const prices = bidsInEuros(ofBids(bid(1, 1, 1000, 0), bid(1, 1, 125, 0), bid(1, 1, 124, 0), bid(1, 1, 100, 0)));
  // 125 * 0.908 = 113.5
  expect(prices.map(({ price }) => price)).toEqual([908, 114, 113, 91]);
});

test('q2 takes the auctions that 123 divides', () => {
  expect(pricesOfSomeAuctions(ofBids(bid(1230, 1, 5, 0), bid(1231, 1, 6, 0), bid(1230, 2, 7, 0)))).toEqual([
    { auction: 1230, price: 5 },
    { auction: 1230, price: 7 },
  ]);
});

test('q3 joins auctions of category 10 with local sellers, also with one who joins later', () => {
  const persons = [person(1, 0), person(2, 0, 'AZ'), person(3, 50, 'CA')];
  const auctions = [auction(10, 1, 5), auction(11, 1, 6, { category: 11 }), auction(12, 2, 7), auction(13, 3, 8)];
  expect(localItems({ ...events, persons, auctions })).toEqual([
    { auction: 10, name: 'name 1', city: 'Bend', state: 'OR' },
    { auction: 13, name: 'name 3', city: 'Bend', state: 'CA' },
  ]);
});

test('q4 counts bids from the start of an auction to its end, both included', () => {
  const auctions = [auction(1, 1, 100), auction(2, 1, 100), auction(3, 1, 100), auction(4, 1, 0, { category: 11 })];
  const bids = [bid(1, 9, 999, 99), bid(1, 9, 3, 100), bid(1, 9, 6, 200), bid(1, 9, 999, 201), bid(1, 9, 5, 150)];
  // nobody bids on auction 3; (6 + 7) / 2 goes down to 6
  expect(categoryPrices({ ...events, auctions, bids: [...bids, bid(2, 9, 7, 150), bid(4, 9, 8, 1)] })).toEqual([
    { category: 10, averagePrice: 6 },
    { category: 11, averagePrice: 8 },
  ]);
});

test('q5 has a row for each window of 10 s that begins every 2 s, with all the auctions that have the most bids', () => {
  const bids = [bid(1, 9, 1, 20_000), bid(2, 9, 1, 21_999), bid(2, 9, 1, 22_000), bid(1, 9, 1, 29_999)];
  expect(hotItems(ofBids(...bids)).sort((a, b) => a.windowStartMs - b.windowStartMs)).toEqual([
    { windowStartMs: 12_000, bids: 1, auctions: [1, 2] },
    { windowStartMs: 14_000, bids: 2, auctions: [2] },
    { windowStartMs: 16_000, bids: 2, auctions: [2] },
    { windowStartMs: 18_000, bids: 2, auctions: [2] },
    { windowStartMs: 20_000, bids: 2, auctions: [1, 2] },
    { windowStartMs: 22_000, bids: 1, auctions: [1, 2] },
    { windowStartMs: 24_000, bids: 1, auctions: [1] },
    { windowStartMs: 26_000, bids: 1, auctions: [1] },
    { windowStartMs: 28_000, bids: 1, auctions: [1] },
  ]);
});

test('q6 averages the ten auctions of a seller that expired last', () => {
  // the first one to open expires last; of two that expire at once the lower id is the one left out
  const auctions = [
    auction(1, 7, 0, { expiresMs: 900 }),
    ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(id => auction(id, 7, 1)),
  ];
  const bids = auctions.map(({ id }) => bid(id, 9, id === 2 || id === 3 ? 100_000 : id * 10, 50));
  // 10 + 40 + … + 120
  expect(sellerPrices({ ...events, auctions, bids })).toEqual([{ seller: 7, averagePrice: 73 }]);
});

test('q7 has the highest bid of each window of 10 s, the earliest of equal ones', () => {
  const bids = [bid(1, 1, 5, 10_000), bid(2, 2, 8, 15_000), bid(1, 3, 8, 15_001), bid(3, 3, 8, 19_999)];
  expect(highestBids(ofBids(...bids, bid(4, 4, 2, 20_000)))).toEqual([
    { windowStartMs: 10_000, auction: 2, bidder: 2, price: 8, dateTimeMs: 15_000 },
    { windowStartMs: 20_000, auction: 4, bidder: 4, price: 2, dateTimeMs: 20_000 },
  ]);
  expect(highestBids(ofBids(bid(6, 1, 5, 0), bid(5, 4, 5, 0), bid(5, 3, 5, 0)))).toMatchObject([
    { auction: 5, bidder: 3 },
  ]);
});

test('q8 has who joins and opens an auction in one window of 10 s, once', () => {
  const persons = [person(1, 10_000), person(2, 19_999), person(3, 12_000)];
  const auctions = [auction(1, 1, 19_999), auction(2, 1, 19_999), auction(3, 2, 20_000), auction(4, 3, 10_000)];
  expect(newSellers({ ...events, persons, auctions })).toEqual([
    { windowStartMs: 10_000, person: 1, name: 'name 1' },
    { windowStartMs: 10_000, person: 3, name: 'name 3' },
  ]);
});

test('q11 ends a session with a pause that is longer than the gap', () => {
  const [together, apart] = [SESSION_GAP_MS, 2 * SESSION_GAP_MS + 1];
  const bids = [bid(1, 7, 1, 0), bid(2, 7, 1, together), bid(1, 8, 1, together), bid(1, 7, 1, apart)];
  expect(bidderSessions(ofBids(...bids))).toEqual([
    { bidder: 7, firstBidMs: 0, lastBidMs: together, bids: 2 },
    { bidder: 7, firstBidMs: apart, lastBidMs: apart, bids: 1 },
    { bidder: 8, firstBidMs: together, lastBidMs: together, bids: 1 },
  ]);
});
