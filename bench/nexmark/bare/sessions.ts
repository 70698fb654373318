import { protobuf } from '../../../src/index.ts';
import { windowText } from '../../../src/serdes/windowed.ts';
import type { ValueCodec } from '../../bare/bounded-cache.ts';
import { KeyedState } from '../../bare/keyed-state.ts';
import { together } from '../../bare/log-loop.ts';
import type { Effects, LogLoop } from '../../bare/log-loop.ts';
import { Output } from '../../bare/output.ts';
import type { RecordCursor } from '../../bare/record-cursor.ts';
import { BidderSession } from '../../gen/bench/nexmark/v1/results.ts';
import { AMPLE_BYTES, OUT, stateMemory } from '../../lines/line.ts';
import { BIDS_DISORDER_MS, SESSION_GAP_MS } from '../windows.ts';

interface Session {
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

/** Key and value, about. */
const SESSIONS_BYTES = 60;

const codec: ValueCodec<readonly Session[]> = {
  encode(sessions) {
    const bytes = Buffer.allocUnsafe(24 * sessions.length);
    sessions.forEach(({ start, end, count }, index) => {
      bytes.writeDoubleBE(start, 24 * index);
      bytes.writeDoubleBE(end, 24 * index + 8);
      bytes.writeDoubleBE(count, 24 * index + 16);
    });
    return bytes;
  },
  decode(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: bytes.length / 24 }, (_, index) => ({
      start: view.getFloat64(24 * index),
      end: view.getFloat64(24 * index + 8),
      count: view.getFloat64(24 * index + 16),
    }));
  },
};

/** By hand: the open sessions of each bidder in one entry; a session that grows is taken back and written anew. */
export class BareSessions {
  private readonly results = protobuf(BidderSession);

  private constructor(
    private readonly output: Output,
    private readonly state: KeyedState<readonly Session[]>,
    /** By partition. */
    private readonly now: number[],
  ) {}

  static async open(loop: LogLoop, changelog: string): Promise<BareSessions> {
    const size = { ...stateMemory(AMPLE_BYTES), entryBytes: SESSIONS_BYTES };
    const state = await KeyedState.open(loop, changelog, size, codec);
    return new BareSessions(
      await Output.open(loop, OUT),
      state,
      loop.each(() => 0),
    );
  }

  add(cursor: RecordCursor, partition: number): void {
    const { timestamp } = cursor;
    const now = (this.now[partition] = Math.max(this.now[partition]!, timestamp));
    const key = cursor.keyText();
    const entry = this.state.get(partition, key);
    const output = this.output.partitions[partition]!;
    const others: Session[] = [];
    let [start, end, count] = [timestamp, timestamp, 1];
    for (const session of entry.value ?? []) {
      if (session.end < timestamp - SESSION_GAP_MS || session.start > timestamp + SESSION_GAP_MS) {
        if (session.end >= now - SESSION_GAP_MS - BIDS_DISORDER_MS) others.push(session);
        continue;
      }
      start = Math.min(start, session.start);
      end = Math.max(end, session.end);
      count += session.count;
      output.appendText(session.end, key + windowText(session.start, session.end), null);
    }
    this.state.put(partition, entry, [...others, { start, end, count }], now);
    const result = { bidder: Number(key), firstBidMs: start, lastBidMs: end, bids: count };
    output.appendText(end, key + windowText(start, end), this.results.encode(result));
  }

  effects(): Effects {
    return together(this.state.effects(), this.output.effects());
  }

  close(): Promise<void> {
    return this.state.close();
  }
}
