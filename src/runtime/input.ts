import { FatalError, RecordError } from '../errors.ts';
import type { TopicSlot } from '../graph/functions.ts';
import type { Slots } from '../graph/topology.ts';
import { baseOffsetOf, lastOffsetOf } from '../records/batch.ts';
import { BatchReader } from '../records/batch-reader.ts';
import type { Serde } from '../serdes/serde.ts';
import type { Step } from './chain.ts';
import type { Chain } from './compile.ts';
import type { Input } from './plan.ts';
import type { Fetched, FetchRequest } from './ports.ts';
import { decode, isTime } from './values.ts';

/** Stands for a value that is there and that nobody looks at. */
const UNREAD = Buffer.alloc(0);
/** An extracted time may be this far past the record's own; further would close every window (Kafka's default for clocks, KIP-937). */
const MAX_AHEAD_MS = 3_600_000;

/** One partition that a task reads: its buffered batches, and the record at their head. */
export class TaskInput {
  readonly reader = new BatchReader();
  readonly topic: string;
  readonly keySerde: Serde<unknown>;
  readonly valueSerde: Serde<unknown>;
  readonly step: Step;
  /** Whether `reader` stands on a record. Its timestamp is event time: the extractor's, where the topic has one. */
  hasHead = false;
  headTimestamp = 0;
  /** Where a crash now would go on if this were committed: behind the last processed record and the gaps after it. */
  position = 0;
  /** One past the last record the broker had when it was last asked; -1: not asked yet. */
  end = -1;
  /** A `readFirst` table is read to here before any stream: its end at the first start. */
  until = 0;
  #taken = 0;
  #firstTakenMs = 0;
  #lastTakenMs = 0;
  #fetchOffset = 0;
  #queue: Buffer[] = [];
  #bufferedBytes = 0;
  #headValue: unknown;
  #headDecoded = false;
  #headError: unknown;
  readonly #isUnread: boolean;
  readonly #timestamp: ((value: unknown) => number) | undefined;

  constructor(
    readonly input: Input,
    readonly partition: number,
    slots: Slots,
    chain: Pick<Chain, 'entries' | 'unread'>,
    /** For fetched batches that wait: enough to work on while more is fetched. */
    private readonly readAheadBytes: number,
  ) {
    this.step = chain.entries.get(input)!;
    this.topic = input.topic;
    const slot = (input.node.kind === 'source' ? slots['topic'] : slots) as TopicSlot;
    this.keySerde = slot.key;
    this.valueSerde = slot.value;
    this.#timestamp = input.node.kind === 'source' ? slot.timestamp : undefined;
    this.#isUnread = chain.unread.has(input) && this.#timestamp === undefined;
  }

  /** Every record up to the end, as last seen, has been handed out. */
  get isAtEnd(): boolean {
    return !this.hasHead && this.end >= 0 && this.#fetchOffset >= this.end;
  }

  get isBehindUntil(): boolean {
    return this.position < this.until;
  }

  get lag(): number {
    return this.end < 0 ? 0 : Math.max(0, this.end - this.position);
  }

  /** Drops what is buffered and goes on from `offset`. */
  seek(offset: number): void {
    this.position = this.#fetchOffset = offset;
    this.end = -1;
    this.#queue = [];
    this.#bufferedBytes = 0;
    this.hasHead = false;
    this.#taken = 0;
    this.reader.unload();
  }

  /** What to fetch next; undefined while enough is buffered. */
  request(): FetchRequest | undefined {
    const room = this.readAheadBytes - this.#bufferedBytes;
    if (room < this.readAheadBytes / 2) return undefined;
    return { topic: this.topic, partition: this.partition, offset: this.#fetchOffset, maxBytes: room };
  }

  /** An answer to a request from before a `seek` is dropped. @throws FatalError `TOPO_OFFSET_OUT_OF_RANGE`, `TOPO_LOG_DAMAGED` */
  accept({ batches, nextOffset, start, end }: Fetched, requestedOffset: number): void {
    if (requestedOffset !== this.#fetchOffset) return;
    if (this.#fetchOffset < start || this.#fetchOffset > end) throw outOfRange(this, this.#fetchOffset, start, end);
    this.end = end;
    this.#fetchOffset = nextOffset;
    let behind = 0;
    for (const batch of batches) {
      if (baseOffsetOf(batch) < behind || lastOffsetOf(batch) >= nextOffset) throw misplaced(this, baseOffsetOf(batch));
      behind = lastOffsetOf(batch) + 1;
      this.#queue.push(batch);
      this.#bufferedBytes += batch.length;
    }
    if (!this.hasHead) this.#advance();
  }

  /** The head's value. @throws RecordError `TOPO_DECODE`, `TOPO_TIMESTAMP_INVALID` */
  value(): unknown {
    if (this.#headError !== undefined) throw this.#headError;
    if (this.#headDecoded) {
      // once: a unit that is run again gets what the record holds, not what a function made of it
      this.#headDecoded = false;
      return this.#headValue;
    }
    const { reader } = this;
    if (this.#isUnread) return reader.valueStart < 0 ? null : UNREAD;
    const bytes = reader.valueBytes();
    return bytes === null ? null : decode(this.valueSerde, bytes, 'value');
  }

  /** The head is done with: on to the next record. */
  consume(): void {
    const { offset, timestamp } = this.reader;
    if (this.#taken++ === 0) this.#firstTakenMs = timestamp;
    this.#lastTakenMs = timestamp;
    this.position = offset + 1;
    this.#advance();
  }

  /** The timestamps of what was consumed since this was called last: first, and last where that is another record. */
  takeTimes(): readonly number[] {
    const times = [this.#firstTakenMs, this.#lastTakenMs].slice(0, this.#taken);
    this.#taken = 0;
    return times;
  }

  /** The timestamp of the first record since then, consumed or not; undefined where none was fetched. */
  get waitingSinceMs(): number | undefined {
    if (this.#taken > 0) return this.#firstTakenMs;
    return this.hasHead ? this.reader.timestamp : undefined;
  }

  #advance(): void {
    const { reader } = this;
    for (;;) {
      while (reader.next())
        if (reader.offset >= this.position) {
          this.hasHead = true;
          this.#takeTimestamp();
          return;
        }
      this.#bufferedBytes -= reader.buffer.length;
      const batch = this.#queue.shift();
      if (batch === undefined) {
        reader.unload();
        this.hasHead = false;
        this.position = this.#fetchOffset;
        return;
      }
      reader.load(batch, this);
    }
  }

  /** Event time must be known before a record's turn comes; what is wrong with it is thrown when that comes, as an error of its unit. */
  #takeTimestamp(): void {
    const own = this.reader.timestamp;
    this.headTimestamp = own;
    this.#headError = undefined;
    this.#headDecoded = false;
    if (this.#timestamp !== undefined) this.#extractTimestamp(own);
    if (isTime(this.headTimestamp)) return;
    // its turn comes at once, and is refused
    this.headTimestamp = 0;
    this.#headError ??= new RecordError(
      'TOPO_TIMESTAMP_INVALID',
      "the record has no time in ms since 1970, and its topic's declaration takes none from the value",
    );
  }

  /** The value is decoded now, and kept for its turn. */
  #extractTimestamp(own: number): void {
    try {
      const value = this.value();
      this.#headValue = value;
      this.#headDecoded = true;
      if (value !== null) this.headTimestamp = checkedTimestamp(this.#timestamp!(value), own);
    } catch (error) {
      this.#headError = error;
    }
  }
}

/** Records of one of two batches that overlap would be taken for those of the other, and passed over. */
function misplaced({ topic, partition }: TaskInput, offset: number): FatalError {
  return new FatalError(
    'TOPO_LOG_DAMAGED',
    `${topic}-${partition}: the record batch at offset ${offset} overlaps the one in front of it or behind it. Put the log back from a copy.`,
    { topic, partition, offset },
  );
}

function outOfRange({ topic, partition }: TaskInput, offset: number, start: number, end: number): FatalError {
  const what =
    offset < start
      ? `its records before ${start} are deleted, and the topology had only come to ${offset}: what is between was never processed`
      : `it ends at ${end}, before offset ${offset} where the topology had come to: records were lost`;
  return new FatalError(
    'TOPO_OFFSET_OUT_OF_RANGE',
    `${topic}-${partition}: ${what}. Bring the records back from a backup, or give the topology a new name to process what is there.`,
    { topic, partition, offset },
  );
}

function checkedTimestamp(extracted: number, own: number): number {
  if (!isTime(extracted))
    throw new RecordError(
      'TOPO_TIMESTAMP_INVALID',
      "the topic's timestamp function did not return milliseconds since 1970",
    );
  // a record without a time of its own has none to be held against
  if (isTime(own) && extracted > own + MAX_AHEAD_MS)
    throw new RecordError(
      'TOPO_TIMESTAMP_INVALID',
      `the extracted timestamp is ${extracted - own} ms past the record's own; at most ${MAX_AHEAD_MS} are taken`,
    );
  return extracted;
}
