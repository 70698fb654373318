import { protobuf, session, string, topic, topology, windowed } from '../../../src/index.ts';
import { LogLoop, together } from '../../bare/log-loop.ts';
import { Output } from '../../bare/output.ts';
import { RecordCursor } from '../../bare/record-cursor.ts';
import { Bid } from '../../gen/bench/nexmark/v1/events.ts';
import { BidderSession } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT, PARTITIONS } from '../../lines/line.ts';
import { BareSessions } from '../bare/sessions.ts';
import { bidderSessions } from '../naive.ts';
import { bids } from '../topics.ts';
import { BIDS_DISORDER_MS, SESSION_GAP_MS, SLOW_EVENTS_PER_SECOND } from '../windows.ts';
import type { Query } from './query.ts';

const REPARTITION = 'q11-by-bidder-repartition';

const results = protobuf(BidderSession);

/** The bids of each bidder's sessions. */
export const q11: Query = {
  name: 'q11',
  results,
  isTable: true,
  eventsPerSecond: SLOW_EVENTS_PER_SECOND,
  topology: () =>
    topology('q11', t => {
      t.stream(bids)
        .groupBy('by-bidder', ({ bidder }) => String(bidder), string())
        .window(session(SESSION_GAP_MS, { grace: BIDS_DISORDER_MS }))
        .count('sessions')
        .map((count, { key: { key, start, end } }): BidderSession => ({
          bidder: Number(key),
          firstBidMs: start,
          lastBidMs: end,
          bids: count,
        }))
        .to(topic(OUT, windowed(string()), results));
    }),
  expected: bidderSessions,

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS);
    const repartition = await Output.open(loop, REPARTITION);
    const sessions = await BareSessions.open(loop, 'q11-sessions-changelog');
    const cursor = new RecordCursor();
    const serde = protobuf(Bid);
    const send = (batch: Buffer) => {
      cursor.load(batch);
      while (cursor.next()) {
        const bid = serde.decode(cursor.value());
        repartition.send(cursor.timestamp, String(bid.bidder), serde.encode(bid));
      }
    };
    const count = (batch: Buffer, partition: number) => {
      cursor.load(batch);
      while (cursor.next()) {
        serde.decode(cursor.value());
        sessions.add(cursor, partition);
      }
    };
    const inputs = [
      { topic: 'bids', process: send },
      { topic: REPARTITION, process: count },
    ];
    await loop.run(inputs, () => together(repartition.effects(), sessions.effects()));
    await loop.close();
    await sessions.close();
  },
};
