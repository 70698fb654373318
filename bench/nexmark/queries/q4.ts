import { avg, protobuf, string, topic, topology } from '../../../src/index.ts';
import { CategoryPrice } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { categoryPrices } from '../naive.ts';
import { closingPrices } from './closing-prices.ts';
import type { Query } from './query.ts';

const results = protobuf(CategoryPrice);

/** The average closing price of a category: it follows each higher bid, whose auction's old price is taken out again. */
export const q4: Query = {
  name: 'q4',
  results,
  isTable: true,
  topology: () =>
    topology('q4', t => {
      closingPrices(t)
        .groupBy('by-category', ({ category }) => String(category), string())
        .aggregate(
          'average-prices',
          avg(({ price }) => price),
        )
        .map((average, { key }): CategoryPrice => ({ category: Number(key), averagePrice: Math.floor(average) }))
        .to(topic(OUT, string(), results));
    }),
  expected: categoryPrices,
};
