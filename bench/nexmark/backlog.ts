import type { Disk } from '../../src/adapters/embedded/disk.ts';
import { partitionOf } from '../../src/records/murmur2.ts';
import { PARTITIONS } from '../lines/line.ts';
import { writeRecords } from '../record-writer.ts';
import type { NewRecord } from '../record-writer.ts';
import type { NexmarkEvent } from './generator.ts';
import { auctions, bids, persons } from './topics.ts';

const TOPICS = [persons, auctions, bids].map(({ reference }) => reference.name);

/** Longer than windows and sessions last. */
const PAUSE_MS = 3_600_000;

/**
 * Writes the events to new topics `persons`, `auctions` and `bids`; an event's time is its record's timestamp. Resolves to their
 * number. `withClosing`: long after them comes one more bid in each partition, so that all their windows close.
 */
export async function writeNexmark(
  disk: Disk,
  events: Iterable<NexmarkEvent>,
  { withClosing = false } = {},
): Promise<number> {
  let count = 0;
  let lastMs = 0;
  function* counted() {
    for (const event of events) {
      count++;
      lastMs = event.value.dateTimeMs;
      yield event;
    }
    if (withClosing) yield* closingBids(lastMs + PAUSE_MS);
  }
  await writeRecords(disk, TOPICS, recordsOf(counted()));
  return count;
}

function* recordsOf(events: Iterable<NexmarkEvent>): Generator<NewRecord> {
  for (const event of events) {
    const { topic, value } = event;
    yield { topic, timestampMs: value.dateTimeMs, key: String(idOf(event)), value: encoded(event) };
  }
}

/** One in each partition. */
function* closingBids(dateTimeMs: number): Generator<NexmarkEvent> {
  const left = new Set(Array.from({ length: PARTITIONS }, (_, partition) => partition));
  for (let auction = 0; left.size > 0; auction++)
    if (left.delete(partitionOf(Buffer.from(String(auction)), PARTITIONS)))
      yield { topic: 'bids', value: { auction, bidder: 0, price: 0, dateTimeMs, extra: '' } };
}

const idOf = ({ topic, value }: NexmarkEvent): number => (topic === 'bids' ? value.auction : value.id);

function encoded({ topic, value }: NexmarkEvent): Uint8Array {
  if (topic === 'persons') return persons.slot.value.encode(value);
  return topic === 'auctions' ? auctions.slot.value.encode(value) : bids.slot.value.encode(value);
}
