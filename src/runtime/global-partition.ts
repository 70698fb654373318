import { FatalError } from '../errors.ts';
import type { Fetched, FetchRequest, OffsetRange, TaskState } from './ports.ts';
import type { StateWrite } from './store.ts';

const offsetKey = (partition: number) => `m/offset/${partition}`;

/** One partition of a global table's topic: how far it is in the rows, and what was fetched besides. */
export class GlobalPartition {
  /** What lies before is in the rows. */
  position: number;
  /** Whether the topic has records to go on with from where the state stands. */
  readonly isWithin: boolean;
  /** Whether the state has records that the topic has lost. */
  readonly isAhead: boolean;
  /** One past the last record the broker had when it was last asked. */
  #end: number;
  #nextOffset: number;
  #batches: readonly Buffer[] = [];

  constructor(
    readonly topic: string,
    readonly partition: number,
    stored: number | undefined,
    range: OffsetRange,
    private readonly fetchBytes: number,
  ) {
    this.position = this.#nextOffset = stored ?? range.start;
    this.isAhead = this.position > range.end;
    this.isWithin = this.position >= range.start && !this.isAhead;
    this.#end = range.end;
  }

  get isAtEnd(): boolean {
    return this.position >= this.#end;
  }

  request(): FetchRequest {
    const { topic, partition, position: offset } = this;
    return { topic, partition, offset, maxBytes: this.fetchBytes };
  }

  /** @throws FatalError `TOPO_OFFSET_OUT_OF_RANGE` */
  accept({ batches, nextOffset, start, end }: Fetched, requestedOffset: number): void {
    if (requestedOffset !== this.position) return;
    if (this.position < start || this.position > end) throw outOfRange(this);
    this.#batches = batches;
    this.#nextOffset = nextOffset;
    this.#end = end;
  }

  /** What was fetched, to be brought into the rows. */
  take(): readonly Buffer[] {
    const batches = this.#batches;
    this.#batches = [];
    return batches;
  }

  /** What was taken is in the rows; says whether that was anything. */
  settle(): boolean {
    const hasMoved = this.#nextOffset > this.position;
    this.position = this.#nextOffset;
    return hasMoved;
  }

  /** Its place among the state's entries. */
  write(): StateWrite {
    return [offsetKey(this.partition), Buffer.from(String(this.position))];
  }
}

/** The partitions of a topic, each where the state stands in it. */
export function partitionsOf(
  state: TaskState,
  topic: string,
  ranges: readonly OffsetRange[],
  fetchBytes: number,
): GlobalPartition[] {
  return ranges.map((range, partition) => {
    const stored = state.get(offsetKey(partition));
    return new GlobalPartition(topic, partition, stored && Number(Buffer.from(stored).toString()), range, fetchBytes);
  });
}

function outOfRange({ topic, partition, position }: GlobalPartition): FatalError {
  return new FatalError(
    'TOPO_OFFSET_OUT_OF_RANGE',
    `${topic}-${partition}: offset ${position}, up to which its global table was read, is gone from the topic. Start again: the table ` +
      `is read anew.`,
    { topic, partition, offset: position },
  );
}
