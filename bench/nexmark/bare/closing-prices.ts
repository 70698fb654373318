import { protobuf } from '../../../src/index.ts';
import { change } from '../../../src/serdes/index.ts';
import { AS_BYTES } from '../../bare/bounded-cache.ts';
import { KeyedState } from '../../bare/keyed-state.ts';
import { together } from '../../bare/log-loop.ts';
import type { Effects, Input, LogLoop } from '../../bare/log-loop.ts';
import { Output } from '../../bare/output.ts';
import { RecordCursor } from '../../bare/record-cursor.ts';
import { Auction, Bid } from '../../gen/bench/nexmark/v1/events.ts';
import { ClosingPrice } from '../../gen/bench/nexmark/v1/results.ts';
import { AMPLE_BYTES, stateMemory } from '../../lines/line.ts';
import { asPrice, isInTime } from '../queries/closing-prices.ts';

/** Key and value, about. */
const AUCTION_BYTES = 510;
const PRICE_BYTES = 40;

export const closingPriceChange = change(protobuf(ClosingPrice));

/** By hand: the table of closing prices, grouped by something else. All auctions are read before the first bid. */
export class BareClosingPrices {
  readonly auctions: Input = { topic: 'auctions', process: (batch, partition) => this.keep(batch, partition) };
  readonly bids: Input = { topic: 'bids', process: (batch, partition) => this.raise(batch, partition) };
  private readonly cursor = new RecordCursor();
  private readonly auction = protobuf(Auction);
  private readonly bid = protobuf(Bid);

  private constructor(
    private readonly rows: KeyedState<Uint8Array>,
    private readonly prices: KeyedState<ClosingPrice>,
    private readonly groups: Output,
    private readonly groupOf: (price: ClosingPrice) => string,
  ) {}

  static async open(
    loop: LogLoop,
    query: string,
    { repartition, groupOf }: { repartition: string; groupOf: (price: ClosingPrice) => string },
  ): Promise<BareClosingPrices> {
    const size = (entryBytes: number) => ({ ...stateMemory(AMPLE_BYTES, 3), entryBytes });
    const rows = await KeyedState.open(loop, `${query}-auctions-changelog`, size(AUCTION_BYTES), AS_BYTES);
    const changelog = `${query}-closing-prices-changelog`;
    const prices = await KeyedState.open(loop, changelog, size(PRICE_BYTES), protobuf(ClosingPrice));
    return new BareClosingPrices(rows, prices, await Output.open(loop, repartition), groupOf);
  }

  effects(): Effects {
    return together(this.rows.effects(), this.prices.effects(), this.groups.effects());
  }

  async close(): Promise<void> {
    await this.rows.close();
    await this.prices.close();
  }

  private keep(batch: Buffer, partition: number): void {
    const { cursor, rows, auction } = this;
    cursor.load(batch);
    while (cursor.next()) {
      const row = auction.encode(auction.decode(cursor.value()));
      rows.put(partition, rows.get(partition, cursor.keyText()), row, cursor.timestamp);
    }
  }

  private raise(batch: Buffer, partition: number): void {
    const { cursor, rows, prices, groups } = this;
    cursor.load(batch);
    while (cursor.next()) {
      const bid = this.bid.decode(cursor.value());
      const key = cursor.keyText();
      const row = rows.get(partition, key).value;
      if (row === undefined) continue;
      const auction = this.auction.decode(row);
      if (!isInTime({ bid, auction })) continue;
      const entry = prices.get(partition, key);
      const old = entry.value ?? null;
      const price = old === null || bid.price > old.price ? asPrice({ bid, auction }) : old;
      prices.put(partition, entry, price, Math.max(cursor.timestamp, entry.timestamp));
      groups.send(cursor.timestamp, this.groupOf(price), closingPriceChange.encode({ old, new: price }));
    }
  }
}
