import type { Disk } from '../../src/adapters/embedded/disk.ts';
import { writeRecords } from '../record-writer.ts';
import type { NewRecord } from '../record-writer.ts';
import type { NexmarkEvent } from './generator.ts';
import { auctions, bids, persons } from './topics.ts';

const TOPICS = [persons, auctions, bids].map(({ reference }) => reference.name);

/** Writes the events to new topics `persons`, `auctions` and `bids`; an event's time is its record's timestamp. */
export async function writeNexmark(disk: Disk, events: Iterable<NexmarkEvent>): Promise<number> {
  return writeRecords(disk, TOPICS, recordsOf(events));
}

function* recordsOf(events: Iterable<NexmarkEvent>): Generator<NewRecord> {
  for (const event of events) {
    const { topic, value } = event;
    yield { topic, timestampMs: value.dateTimeMs, key: String(idOf(event)), value: encoded(event) };
  }
}

const idOf = ({ topic, value }: NexmarkEvent): number => (topic === 'bids' ? value.auction : value.id);

function encoded({ topic, value }: NexmarkEvent): Uint8Array {
  if (topic === 'persons') return persons.slot.value.encode(value);
  return topic === 'auctions' ? auctions.slot.value.encode(value) : bids.slot.value.encode(value);
}
