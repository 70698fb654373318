import { expect, test } from 'vitest';
import { FIRST_AUCTION, FIRST_PERSON, START_MS, nexmark, nexmarkEvents } from '../../bench/nexmark/generator.ts';
import { auctions, bids, persons } from '../../bench/nexmark/topics.ts';

const EVENTS = 100_000;
const events = [...nexmarkEvents(EVENTS)];
const all = nexmark(EVENTS);

const share = <T>(values: readonly T[], of: (value: T) => boolean): number => values.filter(of).length / values.length;

function expectNear(value: number, wanted: number, tolerance: number): void {
  expect(Math.abs(value - wanted), `${value} is not about ${wanted}`).toBeLessThanOrEqual(wanted * tolerance);
}

test('of 50 events in a row the first is a person, the next three are auctions, and the others are bids', () => {
  const round = ['persons', ...Array<string>(3).fill('auctions'), ...Array<string>(46).fill('bids')];
  const topics = events.map(({ topic }) => topic);
  for (let at = 0; at < EVENTS; at += 50) expect(topics.slice(at, at + 50)).toEqual(round);
});

test('persons, auctions and bids take 200, 500 and 100 bytes on average', () => {
  const averageSize = (values: readonly object[], encode: (value: object) => Uint8Array): number =>
    values.reduce((sum: number, value) => sum + encode(value).length, 0) / values.length;
  expectNear(
    averageSize(all.persons, value => persons.slot.value.encode(value)),
    200,
    0.02,
  );
  expectNear(
    averageSize(all.auctions, value => auctions.slot.value.encode(value)),
    500,
    0.02,
  );
  expectNear(
    averageSize(all.bids, value => bids.slot.value.encode(value)),
    100,
    0.02,
  );
});

test('ids count up without a gap', () => {
  expect(all.persons.map(({ id }) => id - FIRST_PERSON)).toEqual(all.persons.map((_, index) => index));
  expect(all.auctions.map(({ id }) => id - FIRST_AUCTION)).toEqual(all.auctions.map((_, index) => index));
});

test('event time goes on at the rate that was asked for', () => {
  for (const eventsPerSecond of [700, 10_000, 3_000_000]) {
    const times = [...nexmarkEvents(2_000, { eventsPerSecond })].map(({ value }) => value.dateTimeMs - START_MS);
    expect(times).toEqual(times.map((_, number) => Math.floor((number * 1000) / eventsPerSecond)));
  }
});

test('a seed gives the same events each time, and another seed others', () => {
  expect(nexmark(1_000, { seed: 7 })).toEqual(nexmark(1_000, { seed: 7 }));
  expect(nexmark(1_000, { seed: 8 })).not.toEqual(nexmark(1_000, { seed: 7 }));
});

test('half of the bids are on the hot auction, three of four from the hot bidder, three of four auctions from the hot seller', () => {
  // any bid on, or by, one of a batch's active ones may meet the hot one by chance
  expectNear(
    share(all.bids, ({ auction }) => auction % 100 === 0),
    0.505,
    0.01,
  );
  expectNear(
    share(all.bids, ({ bidder }) => bidder % 100 === 1),
    0.7525,
    0.01,
  );
  expectNear(
    share(all.auctions, ({ seller }) => seller % 100 === 0),
    0.7525,
    0.03,
  );
});

test('bids and auctions refer to one of the newest 1,000 persons and 101 auctions, or to one of the next ten', () => {
  let newestPerson = 0;
  let newestAuction = 0;
  /** How far what they refer to lies ahead of the newest one. */
  const toPerson: number[] = [];
  const toAuction: number[] = [];
  for (const { topic, value } of events) {
    if (topic === 'persons') {
      newestPerson = value.id;
    } else if (topic === 'auctions') {
      newestAuction = value.id;
      toPerson.push(value.seller - newestPerson);
    } else {
      toPerson.push(value.bidder - newestPerson);
      toAuction.push(value.auction - newestAuction);
    }
  }
  const ends = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    return [sorted.at(0), sorted.at(-1)];
  };
  expect(ends(toPerson)).toEqual([-999, 10]);
  expect(ends(toAuction)).toEqual([-100, 10]);
});

test('prices are uniform in their logarithm, from 1 to 1,000,000', () => {
  const prices = all.bids.map(({ price }) => price / 100);
  for (const power of [1, 2, 3, 4, 5])
    expectNear(
      share(prices, price => price < 10 ** power),
      power / 6,
      0.03,
    );
  expect(Math.min(...prices.slice(0, 10_000))).toBeGreaterThanOrEqual(1);
  expect(Math.max(...prices.slice(0, 10_000))).toBeLessThanOrEqual(1_000_000);
});

test('an auction stays open while, on average, as many others open as are in flight', () => {
  const open = all.auctions.map(({ dateTimeMs, expiresMs }) => expiresMs - dateTimeMs);
  expectNear(open.reduce((sum, ms) => sum + ms, 0) / open.length, 100 / 0.6, 0.05);
  expect(Math.min(...open)).toBeGreaterThan(0);
});
