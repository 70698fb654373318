import type { Serde, Topology } from '../../../src/index.ts';
import type { Events } from '../generator.ts';

/** A query of Nexmark: a topology from the topics of `topics.ts` to the topic `OUT`, and what must stand there in the end. */
export interface Query {
  readonly name: string;
  /** Of the results: how the values of `OUT` are read. */
  readonly results: Serde<object>;
  /** Results are updated: of each key only the last one counts, and none if that is a tombstone. */
  readonly isTable: boolean;
  /** Whose end closes the windows, as the end of the events alone does not: one more of them comes in each partition. */
  readonly closing?: 'bids' | 'auctions';
  /** How fast its events come, where that is not the generator's default: fewer, so that windows close within a run. */
  readonly eventsPerSecond?: number;
  topology(): Topology;
  /** From all events that were written. */
  expected(events: Events): readonly object[];
  /** By hand, as a line's. */
  bare?(folder: string): Promise<void>;
}
