import { protobuf, string, topic, topology } from '../../../src/index.ts';
import { KeyedState } from '../../bare/keyed-state.ts';
import { LogLoop, together } from '../../bare/log-loop.ts';
import { Output } from '../../bare/output.ts';
import { RecordCursor } from '../../bare/record-cursor.ts';
import { LastSold, SellerPrice } from '../../gen/bench/nexmark/v1/results.ts';
import type { ClosingPrice } from '../../gen/bench/nexmark/v1/results.ts';
import { AMPLE_BYTES, OUT, PARTITIONS, stateMemory } from '../../lines/line.ts';
import { BareClosingPrices, closingPriceChange } from '../bare/closing-prices.ts';
import { sellerPrices } from '../naive.ts';
import { closingPrices } from './closing-prices.ts';
import type { Query } from './query.ts';

const AUCTIONS = 10;
const REPARTITION = 'q6-by-seller-repartition';
/** Key and value, about. */
const LAST_SOLD_BYTES = 260;

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

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS);
    const groupOf = ({ seller }: ClosingPrice) => String(seller);
    const prices = await BareClosingPrices.open(loop, 'q6', { repartition: REPARTITION, groupOf });
    const size = { ...stateMemory(AMPLE_BYTES, 3), entryBytes: LAST_SOLD_BYTES };
    const sellers = await KeyedState.open(loop, 'q6-last-sold-changelog', size, protobuf(LastSold));
    const output = await Output.open(loop, OUT);
    const cursor = new RecordCursor();
    const process = (batch: Buffer, partition: number) => {
      cursor.load(batch);
      while (cursor.next()) {
        const changed = closingPriceChange.decode(cursor.value());
        const entry = sellers.get(partition, cursor.keyText());
        const before = entry.value ?? { auctions: [] };
        const sold = add(changed.old === null ? before : subtract(before, changed.old), changed.new!);
        sellers.put(partition, entry, sold, Math.max(cursor.timestamp, entry.timestamp));
        const result = { seller: changed.new!.seller, averagePrice: average(sold.auctions) };
        output.partitions[partition]!.append(cursor, results.encode(result));
      }
    };
    const effects = () => together(prices.effects(), sellers.effects(), output.effects());
    await loop.run([prices.auctions], effects);
    await loop.run([prices.bids, { topic: REPARTITION, process }], effects);
    await loop.close();
    await prices.close();
    await sellers.close();
  },
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
