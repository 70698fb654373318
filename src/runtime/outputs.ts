import { BatchWriter } from '../records/batch-writer.ts';
import type { Append } from './ports.ts';

/** Kafka's default `max.message.bytes`. */
export const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;
/** No batch grows beyond this, whatever its topic allows: a reader holds whole batches. A single record may. */
const LARGEST_BATCH = 1_048_588;

/** What a task appends to one topic in an epoch, a batch writer a partition. */
export class TopicOutput {
  readonly topic: string;
  readonly partitions: number;
  readonly #maxMessageBytes: number;
  readonly #outputs: Outputs;
  readonly #writers: (OutputWriter | undefined)[];

  constructor(outputs: Outputs, topic: string, partitions: number, maxMessageBytes: number) {
    this.#outputs = outputs;
    this.topic = topic;
    this.partitions = partitions;
    this.#maxMessageBytes = maxMessageBytes;
    this.#writers = new Array<OutputWriter | undefined>(partitions);
  }

  /** The partition's writer, marked for the unit under way. */
  writer(partition: number): OutputWriter {
    const writer = this.#writers[partition] ?? this.#add(partition);
    if (writer.unit !== this.#outputs.unit) this.#outputs.touch(writer);
    return writer;
  }

  #add(partition: number): OutputWriter {
    const writer = new OutputWriter(this.topic, partition, this.#maxMessageBytes);
    this.#writers[partition] = writer;
    this.#outputs.writers.push(writer);
    return writer;
  }
}

/** A partition's batch writer, and the unit that touched it last. */
export class OutputWriter extends BatchWriter {
  unit = -1;

  constructor(
    readonly topic: string,
    readonly partition: number,
    maxMessageBytes: number,
  ) {
    super(maxMessageBytes, LARGEST_BATCH);
  }
}

/** All that a task appends in an epoch, taken back unit by unit. */
export class Outputs {
  /** Rises with every unit. */
  unit = 0;
  readonly writers: OutputWriter[] = [];
  readonly #touched: OutputWriter[] = [];
  /** How many of `#touched` count: setting an array's length costs more than a unit's whole bookkeeping. */
  #touchedCount = 0;

  topic(name: string, partitions: number, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES): TopicOutput {
    return new TopicOutput(this, name, partitions, maxMessageBytes);
  }

  touch(writer: OutputWriter): void {
    writer.unit = this.unit;
    writer.mark();
    this.#touched[this.#touchedCount++] = writer;
  }

  endUnit(): void {
    this.unit++;
    this.#touchedCount = 0;
  }

  /** Takes back what this unit appended; the unit goes on (its dead letter is appended next). */
  rollback(): void {
    for (let i = 0; i < this.#touchedCount; i++) this.#touched[i]!.rollback();
  }

  get bytes(): number {
    let bytes = 0;
    for (const writer of this.writers) bytes += writer.length;
    return bytes;
  }

  /** The epoch's batches, and room for the next epoch's. */
  take(): Append[] {
    const appends: Append[] = [];
    for (const writer of this.writers)
      if (writer.total > 0)
        appends.push({ topic: writer.topic, partition: writer.partition, batches: writer.finish() });
    return appends;
  }

  /** Forgets the epoch. */
  clear(): void {
    for (const writer of this.writers) writer.clear();
    // a new unit: none of the writers is marked for it
    this.endUnit();
  }
}
