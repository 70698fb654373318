import type { Disk } from '../../src/adapters/embedded/disk.ts';
import { partitionOf } from '../../src/records/murmur2.ts';
import { PARTITIONS } from '../lines/line.ts';
import { writeRecords } from '../record-writer.ts';
import type { NewRecord } from '../record-writer.ts';
import type { Auction } from '../gen/bench/nexmark/v1/events.ts';
import type { NexmarkEvent } from './generator.ts';
import { auctions, bids, persons } from './topics.ts';

/** Longer than windows and sessions last. */
const PAUSE_MS = 3_600_000;

/**
 * Writes the events to new topics `persons`, `auctions` and `bids`; an event's time is its record's timestamp. Resolves to their
 * number. `closing`: long after them come more bids, one in each partition, so that all their windows close; or auctions, one in
 * each partition by seller. For these all auctions lie in one partition, so that nothing comes behind the closing ones.
 */
export async function writeNexmark(
  disk: Disk,
  events: Iterable<NexmarkEvent>,
  closing?: 'bids' | 'auctions',
): Promise<number> {
  let count = 0;
  let lastMs = 0;
  function* counted() {
    for (const event of events) {
      count++;
      lastMs = event.value.dateTimeMs;
      yield event;
    }
    if (closing !== undefined) yield* closingEvents(closing, lastMs + PAUSE_MS);
  }
  const topics = ['persons', 'auctions', 'bids'].map(name => {
    return { name, partitions: name === 'auctions' && closing === 'auctions' ? 1 : PARTITIONS };
  });
  await writeRecords(disk, topics, recordsOf(counted()));
  return count;
}

function* recordsOf(events: Iterable<NexmarkEvent>): Generator<NewRecord> {
  for (const event of events) {
    const { topic, value } = event;
    yield { topic, timestampMs: value.dateTimeMs, key: String(idOf(event)), value: encoded(event) };
  }
}

/** One in each partition. */
function* closingEvents(topic: 'bids' | 'auctions', dateTimeMs: number): Generator<NexmarkEvent> {
  const left = new Set(Array.from({ length: PARTITIONS }, (_, partition) => partition));
  for (let id = 0; left.size > 0; id++) {
    if (!left.delete(partitionOf(Buffer.from(String(id)), PARTITIONS))) continue;
    if (topic === 'bids') yield { topic, value: { auction: id, bidder: 0, price: 0, dateTimeMs, extra: '' } };
    else yield { topic, value: closingAuction(id, dateTimeMs) };
  }
}

const closingAuction = (seller: number, dateTimeMs: number): Auction => ({
  id: seller,
  itemName: '',
  description: '',
  initialBid: 0,
  reserve: 0,
  dateTimeMs,
  expiresMs: dateTimeMs,
  seller,
  category: 0,
  extra: '',
});

const idOf = ({ topic, value }: NexmarkEvent): number => (topic === 'bids' ? value.auction : value.id);

function encoded({ topic, value }: NexmarkEvent): Uint8Array {
  if (topic === 'persons') return persons.slot.value.encode(value);
  return topic === 'auctions' ? auctions.slot.value.encode(value) : bids.slot.value.encode(value);
}
