import { protobuf, string, topic, topology } from '../../../src/index.ts';
import { LastSold, SellerPrice } from '../../gen/bench/nexmark/v1/results.ts';
import type { ClosingPrice } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { sellerPrices } from '../naive.ts';
import { closingPrices } from './closing-prices.ts';
import type { Query } from './query.ts';

const AUCTIONS = 10;

const results = protobuf(SellerPrice);

/** The average closing price of the ten auctions of a seller that expire last. */
export const q6: Query = {
  name: 'q6',
  results,
  isTable: true,
  topology: () =>
    topology('q6', t => {
      closingPrices(t)
        .groupBy('by-seller', ({ seller }) => String(seller), string())
        .aggregate('last-sold', { init: (): LastSold => ({ auctions: [] }), add, subtract, serde: protobuf(LastSold) })
        .map(({ auctions }, { key }): SellerPrice => ({ seller: Number(key), averagePrice: average(auctions) }))
        .to(topic(OUT, string(), results));
    }),
  expected: sellerPrices,
};

const add = ({ auctions }: LastSold, sold: ClosingPrice): LastSold => ({
  auctions: [...auctions, sold].sort((a, b) => a.expiresMs - b.expiresMs || a.auction - b.auction).slice(-AUCTIONS),
});

/** An auction is only taken out to come back with a higher price, so what was eleventh need not be known. */
const subtract = ({ auctions }: LastSold, { auction }: ClosingPrice): LastSold => ({
  auctions: auctions.filter(sold => sold.auction !== auction),
});

const average = (auctions: readonly ClosingPrice[]): number =>
  Math.floor(auctions.reduce((sum, { price }) => sum + price, 0) / auctions.length);
