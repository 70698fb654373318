import { protobuf } from '../../src/index.ts';
import { Random } from '../../src/sample/random.ts';
import { Auction, Bid, Person } from '../gen/bench/nexmark/v1/events.ts';
import { filling, words } from './random-text.ts';

export interface GeneratorOptions {
  /** Default 1. The same seed gives the same events. */
  readonly seed?: number;
  /** Of event time, default 10,000: how fast windows fill and close, not how fast the events are made. */
  readonly eventsPerSecond?: number;
}

export type NexmarkEvent =
  | { readonly topic: 'persons'; readonly value: Person }
  | { readonly topic: 'auctions'; readonly value: Auction }
  | { readonly topic: 'bids'; readonly value: Bid };

/** Each kind in the order of its events. */
export interface Events {
  readonly persons: readonly Person[];
  readonly auctions: readonly Auction[];
  readonly bids: readonly Bid[];
}

/** The time of the first event: the start of a window for every window's length up to a minute. */
export const START_MS = Date.UTC(2021, 0, 1);

export const FIRST_PERSON = 1000;
export const FIRST_AUCTION = 1000;

/** Of every 50 events in a row: a person, three auctions, then bids. */
const ROUND = 50;
const PERSONS = 1;
const AUCTIONS = 3;

const FIRST_CATEGORY = 10;
const CATEGORIES = 5;

/** Who bids and sells is one of the newest so many persons, and what is bid on one of the newest so many auctions … */
const ACTIVE_PERSONS = 1000;
const AUCTIONS_IN_FLIGHT = 100;
/** … or one of the next so many, so that some events come before what they refer to. */
const LEAD = 10;

/** One of so many auctions or bids goes to any such one, the others to the hot one; every so many ids another one is hot. */
const HOT_SELLERS = 4;
const HOT_AUCTIONS = 2;
const HOT_BIDDERS = 4;
const HOT_BATCH = 100;

const PERSON_BYTES = 200;
const AUCTION_BYTES = 500;
const BID_BYTES = 100;
/** Tag and length of the field `extra`, for texts below 128 bytes and longer ones. */
const EXTRA_FRONT = { short: 2, long: 3 };

const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'];
const CITIES = [
  ...['Phoenix', 'Los Angeles', 'San Francisco', 'Boise', 'Portland'],
  ...['Bend', 'Redmond', 'Seattle', 'Kent', 'Cheyenne'],
];
const FIRST_NAMES = [
  ...['Peter', 'Paul', 'Luke', 'John', 'Saul', 'Vicky', 'Kate', 'Julie'],
  ...['Sarah', 'Deiter', 'Walter'],
];
const LAST_NAMES = ['Shultz', 'Abrams', 'Spencer', 'White', 'Bartels', 'Walton', 'Smith', 'Jones', 'Noris'];

/**
 * The events of the Nexmark benchmark in the order of their times, by the rules and with the default ratios of Apache Beam's
 * generator (`GeneratorConfig` in sdks/java/testing/nexmark), one generator, a constant rate, no event out of order. As there,
 * an event follows from its number and the seed alone. What differs: the random numbers, since Java's `Random` starts alike for
 * neighbouring seeds; and that the average sizes, 200, 500 and 100 bytes, are those of the Protobuf messages.
 */
export function* nexmarkEvents(count: number, options: GeneratorOptions = {}): Generator<NexmarkEvent, void> {
  const { seed = 1, eventsPerSecond = 10_000 } = options;
  const random = new Random(seed);
  const timeOf = (number: number): number => START_MS + Math.floor((number * 1000) / eventsPerSecond);
  const untilAuctionsPass = Math.floor((AUCTIONS_IN_FLIGHT * ROUND) / AUCTIONS);

  for (let number = 0; number < count; number++) {
    random.at(0, number, 0);
    const place = number % ROUND;
    const timeMs = timeOf(number);
    if (place < PERSONS) {
      yield { topic: 'persons', value: person(number, timeMs, random) };
    } else if (place < PERSONS + AUCTIONS) {
      // on average it is open until as many others have opened as are in flight
      const openMs = 1 + random.below(Math.max(2 * (timeOf(number + untilAuctionsPass) - timeMs), 1));
      yield { topic: 'auctions', value: auction(number, timeMs, openMs, random) };
    } else {
      yield { topic: 'bids', value: bid(number, timeMs, random) };
    }
  }
}

export function nexmark(count: number, options?: GeneratorOptions): Events {
  const persons: Person[] = [];
  const auctions: Auction[] = [];
  const bids: Bid[] = [];
  for (const event of nexmarkEvents(count, options)) {
    if (event.topic === 'persons') persons.push(event.value);
    else if (event.topic === 'auctions') auctions.push(event.value);
    else bids.push(event.value);
  }
  return { persons, auctions, bids };
}

const personSerde = protobuf(Person);
const auctionSerde = protobuf(Auction);
const bidSerde = protobuf(Bid);

function person(number: number, dateTimeMs: number, random: Random): Person {
  const value = {
    id: FIRST_PERSON + newestPerson(number),
    name: `${random.oneOf(FIRST_NAMES)} ${random.oneOf(LAST_NAMES)}`,
    emailAddress: `${words(random, 7)}@${words(random, 5)}.com`,
    creditCard: Array.from({ length: 4 }, () => String(random.below(10_000)).padStart(4, '0')).join(' '),
    city: random.oneOf(CITIES),
    state: random.oneOf(STATES),
    dateTimeMs,
    extra: '',
  };
  return { ...value, extra: filling(random, personSerde.encode(value).length + EXTRA_FRONT.short, PERSON_BYTES) };
}

function auction(number: number, dateTimeMs: number, openMs: number, random: Random): Auction {
  const hot = random.below(HOT_SELLERS) > 0;
  const initialBid = price(random);
  const value = {
    id: FIRST_AUCTION + newestAuction(number),
    itemName: words(random, 20),
    description: words(random, 100),
    initialBid,
    reserve: initialBid + price(random),
    dateTimeMs,
    expiresMs: dateTimeMs + openMs,
    seller: FIRST_PERSON + (hot ? batchStart(newestPerson(number)) : anyPerson(number, random)),
    category: FIRST_CATEGORY + random.below(CATEGORIES),
    extra: '',
  };
  return { ...value, extra: filling(random, auctionSerde.encode(value).length + EXTRA_FRONT.long, AUCTION_BYTES) };
}

function bid(number: number, dateTimeMs: number, random: Random): Bid {
  const hotAuction = random.below(HOT_AUCTIONS) > 0;
  const hotBidder = random.below(HOT_BIDDERS) > 0;
  const value = {
    auction: FIRST_AUCTION + (hotAuction ? batchStart(newestAuction(number)) : anyAuction(number, random)),
    // the second of its batch, so that it is not the hot seller
    bidder: FIRST_PERSON + (hotBidder ? batchStart(newestPerson(number)) + 1 : anyPerson(number, random)),
    price: price(random),
    dateTimeMs,
    extra: '',
  };
  return { ...value, extra: filling(random, bidSerde.encode(value).length + EXTRA_FRONT.short, BID_BYTES) };
}

/** In cents, from 1 to 1,000,000: uniform in its logarithm. */
const price = (random: Random): number => Math.round(10 ** (random.unit() * 6) * 100);

/** The number of the last person up to this event, counted from 0. */
const newestPerson = (number: number): number => Math.floor(number / ROUND);

/** The number of the last auction up to this event, counted from 0. */
const newestAuction = (number: number): number =>
  Math.floor(number / ROUND) * AUCTIONS + Math.min((number % ROUND) - PERSONS, AUCTIONS - 1);

const batchStart = (number: number): number => number - (number % HOT_BATCH);

function anyPerson(number: number, random: Random): number {
  const persons = newestPerson(number) + 1;
  const active = Math.min(persons, ACTIVE_PERSONS);
  return persons - active + random.below(active + LEAD);
}

function anyAuction(number: number, random: Random): number {
  const newest = newestAuction(number);
  const oldest = Math.max(newest - AUCTIONS_IN_FLIGHT, 0);
  return oldest + random.below(newest - oldest + 1 + LEAD);
}
