import type { RecordContext } from '../graph/functions.ts';
import type { BatchReader } from '../records/batch-reader.ts';
import { NO_HEADERS, decodeHeaders } from '../records/headers.ts';
import type { Headers } from '../records/headers.ts';
import type { Serde } from '../serdes/serde.ts';
import { KeyView } from './key-view.ts';

/**
 * The unit under way: one record, or something that fell due, and everything it leads to in its task. There is one of these a
 * task, and user functions see it as their record. A step that hands on under another key, time or headers sets them here and
 * puts back what was there when the steps behind it are done.
 */
export class Unit implements RecordContext {
  topic = '';
  partition = 0;
  offset = -1;
  timestamp = -1;
  /** The record under way; null where something fell due. */
  reader: BatchReader | null = null;
  /** Id of the step whose code runs, to name it when that throws. */
  step = '';
  keyView: KeyView;
  /** Packed headers that stand in place of the record's. */
  otherHeaders: Uint8Array | null = null;
  readonly #recordKey = new KeyView();

  constructor() {
    this.keyView = this.#recordKey;
  }

  /** Turns to the reader's record. */
  begin(reader: BatchReader, topic: string, partition: number, timestamp: number, keySerde: Serde<unknown>): void {
    this.reader = reader;
    this.topic = topic;
    this.partition = partition;
    this.offset = reader.offset;
    this.timestamp = timestamp;
    this.otherHeaders = null;
    this.keyView = this.#recordKey.ofRecord(reader, keySerde);
  }

  /** Turns to something without a record: no topic, no offset, no headers; the step that runs sets key and time. */
  beginDue(partition: number, timestamp: number): void {
    this.reader = null;
    this.topic = '';
    this.partition = partition;
    this.offset = -1;
    this.timestamp = timestamp;
    this.otherHeaders = NO_HEADERS;
    this.keyView = this.#recordKey.ofValue(null);
  }

  /** Runs what is of no record within the unit of one: it shows no topic and no offset, as where it runs alone (`beginDue`). */
  withoutRecord(run: () => void): void {
    const { reader, topic, offset } = this;
    this.reader = null;
    this.topic = '';
    this.offset = -1;
    try {
      run();
    } finally {
      this.reader = reader;
      this.topic = topic;
      this.offset = offset;
    }
  }

  /** @throws RecordError `TOPO_DECODE` */
  get key(): unknown {
    return this.keyView.value;
  }

  /** The key as stores know it. */
  get storeKey(): string | null {
    return this.keyView.text;
  }

  /** Whether a topic with this serde carries key and headers of the record as they came. */
  isRecordAs(keySerde: Serde<unknown>): boolean {
    return this.keyView === this.#recordKey && this.otherHeaders === null && this.keyView.isWrittenAs(keySerde);
  }

  /** Packed. */
  get headerBytes(): Uint8Array {
    if (this.otherHeaders !== null) return this.otherHeaders;
    const reader = this.reader!;
    return reader.recordEnd - reader.headersStart === 1 ? NO_HEADERS : reader.headerBytes();
  }

  get headers(): Headers {
    return decodeHeaders(this.otherHeaders ?? this.reader!.headerBytes());
  }
}
