import { avg, json, protobuf, string, topic, topology } from '../../../src/index.ts';
import { KeyedState } from '../../bare/keyed-state.ts';
import { LogLoop, together } from '../../bare/log-loop.ts';
import { Output } from '../../bare/output.ts';
import { RecordCursor } from '../../bare/record-cursor.ts';
import { CategoryPrice } from '../../gen/bench/nexmark/v1/results.ts';
import type { ClosingPrice } from '../../gen/bench/nexmark/v1/results.ts';
import { AMPLE_BYTES, OUT, PARTITIONS, stateMemory } from '../../lines/line.ts';
import { BareClosingPrices, closingPriceChange } from '../bare/closing-prices.ts';
import { categoryPrices } from '../naive.ts';
import { closingPrices } from './closing-prices.ts';
import type { Query } from './query.ts';

const REPARTITION = 'q4-by-category-repartition';
/** Key and value, about. */
const MEAN_BYTES = 40;

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

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS);
    const groupOf = ({ category }: ClosingPrice) => String(category);
    const prices = await BareClosingPrices.open(loop, 'q4', { repartition: REPARTITION, groupOf });
    const size = { ...stateMemory(AMPLE_BYTES, 3), entryBytes: MEAN_BYTES };
    const means = await KeyedState.open(loop, 'q4-average-prices-changelog', size, json<Mean>());
    const output = await Output.open(loop, OUT);
    const cursor = new RecordCursor();
    const process = (batch: Buffer, partition: number) => {
      cursor.load(batch);
      while (cursor.next()) {
        const { old, new: now } = closingPriceChange.decode(cursor.value());
        const entry = means.get(partition, cursor.keyText());
        const { sum, count } = entry.value ?? { sum: 0, count: 0 };
        const mean = { sum: sum - (old?.price ?? 0) + now!.price, count: old === null ? count + 1 : count };
        means.put(partition, entry, mean, Math.max(cursor.timestamp, entry.timestamp));
        const result = { category: now!.category, averagePrice: Math.floor(mean.sum / mean.count) };
        output.partitions[partition]!.append(cursor, results.encode(result));
      }
    };
    const effects = () => together(prices.effects(), means.effects(), output.effects());
    await loop.run([prices.auctions], effects);
    await loop.run([prices.bids, { topic: REPARTITION, process }], effects);
    await loop.close();
    await prices.close();
    await means.close();
  },
};

interface Mean {
  readonly sum: number;
  readonly count: number;
}
