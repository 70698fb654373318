import { protobuf, string, topic } from '../../src/index.ts';
import { Auction, Bid, Person } from '../gen/bench/nexmark/v1/events.ts';

/** By the person's id. */
export const persons = topic('persons', string(), protobuf(Person));

/** By the auction's id. */
export const auctions = topic('auctions', string(), protobuf(Auction));

/** By the id of the auction. */
export const bids = topic('bids', string(), protobuf(Bid));
