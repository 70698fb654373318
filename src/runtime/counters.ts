import type { Topology } from '../graph/topology.ts';

/** Why a step dropped a record: counted, never silent. */
export const DROP_REASONS = [
  'tombstone',
  'null-key',
  'null-value',
  'null-foreign-key',
  'late',
  'duplicate',
  'no-row',
  'stale',
  'unreadable',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What is dropped for these reasons is not lost: it said nothing, or had been said before. It is never dead-lettered. */
export const SAYS_NOTHING: ReadonlySet<DropReason> = new Set(['tombstone', 'duplicate', 'no-row', 'stale']);

/** What happens to a record that a step drops, besides being counted. */
export type DropPolicy = 'count' | 'dead-letter';

/** Columns of a step's row. `in` and `out` count records handed to and by the step; an `out` of a sink is taken back with its unit. */
export const IN = 0;
export const OUT = 1;
export const DEAD_LETTERED = 2;
const FIRST_DROP = 3;
const COLUMNS = FIRST_DROP + DROP_REASONS.length;

export const dropColumn = (reason: DropReason): number => FIRST_DROP + DROP_REASONS.indexOf(reason);

export interface StepFigures {
  readonly step: string;
  readonly in: number;
  readonly out: number;
  readonly deadLettered: number;
  /** Reasons with a count above 0 only. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

/** What the unit under way added to its sinks' counts, to take it back if it fails. */
export class OutTally {
  readonly #values: Float64Array;
  readonly #rows: number[] = [];
  #length = 0;

  constructor(values: Float64Array) {
    this.#values = values;
  }

  add(row: number): void {
    this.#values[row + OUT]!++;
    this.#rows[this.#length++] = row;
  }

  endUnit(): void {
    this.#length = 0;
  }

  rollback(): void {
    while (this.#length > 0) this.#values[this.#rows[--this.#length]! + OUT]!--;
  }
}

/** Every step's counts of one run in one typed array; all its tasks add to them. */
export class Counters {
  readonly values: Float64Array;
  readonly #steps: readonly string[];
  readonly #rows: ReadonlyMap<string, number>;

  constructor(topology: Topology) {
    this.#steps = topology.nodes.map(node => node.id);
    this.#rows = new Map(this.#steps.map((id, index) => [id, index * COLUMNS]));
    this.values = new Float64Array(this.#steps.length * COLUMNS);
  }

  /** Where a step's columns begin. */
  row(step: string): number {
    return this.#rows.get(step)!;
  }

  figures(): StepFigures[] {
    return this.#steps.map((step, index) => {
      const row = index * COLUMNS;
      const dropped: Partial<Record<DropReason, number>> = {};
      for (const reason of DROP_REASONS) {
        const count = this.values[row + dropColumn(reason)]!;
        if (count > 0) dropped[reason] = count;
      }
      return {
        step,
        in: this.values[row + IN]!,
        out: this.values[row + OUT]!,
        deadLettered: this.values[row + DEAD_LETTERED]!,
        dropped,
      };
    });
  }
}
