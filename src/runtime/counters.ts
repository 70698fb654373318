import type { ErrorCode } from '../errors.ts';
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
const FIRST_DROP = 2;
const COLUMNS = FIRST_DROP + DROP_REASONS.length;

export const dropColumn = (reason: DropReason): number => FIRST_DROP + DROP_REASONS.indexOf(reason);

export interface StepFigures {
  readonly step: string;
  readonly in: number;
  readonly out: number;
  readonly deadLettered: number;
  /** The same by the error's code. */
  readonly deadLetters: Readonly<Partial<Record<ErrorCode, number>>>;
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

/** Every step's counts in one task, in one typed array. Those of an epoch that is aborted go with it: its records come again. */
export class Counters {
  readonly values: Float64Array;
  /** As of the last epoch that was closed. */
  readonly #closed: Float64Array;
  readonly #steps: readonly string[];
  readonly #rows: ReadonlyMap<string, number>;
  readonly #deadLetters = new Map<string, Partial<Record<ErrorCode, number>>>();

  constructor(topology: Topology) {
    this.#steps = topology.nodes.map(node => node.id);
    this.#rows = new Map(this.#steps.map((id, index) => [id, index * COLUMNS]));
    this.values = new Float64Array(this.#steps.length * COLUMNS);
    this.#closed = new Float64Array(this.values.length);
  }

  closeEpoch(): void {
    this.#closed.set(this.values);
  }

  abort(): void {
    this.values.set(this.#closed);
  }

  /** Adds what closed epochs of a task of the topology have counted, so that no sum ever falls. */
  add(other: Counters): void {
    other.#closed.forEach((count, index) => (this.values[index]! += count));
    for (const [step, counts] of other.#deadLetters)
      for (const [code, count] of Object.entries(counts)) this.deadLettered(step, code as ErrorCode, count);
  }

  /** Where a step's columns begin. */
  row(step: string): number {
    return this.#rows.get(step)!;
  }

  deadLettered(step: string, code: ErrorCode, times = 1): void {
    const counts = this.#deadLetters.get(step) ?? {};
    counts[code] = (counts[code] ?? 0) + times;
    this.#deadLetters.set(step, counts);
  }

  figures(): StepFigures[] {
    return this.#steps.map((step, index) => {
      const row = index * COLUMNS;
      const dropped: Partial<Record<DropReason, number>> = {};
      for (const reason of DROP_REASONS) {
        const count = this.values[row + dropColumn(reason)]!;
        if (count > 0) dropped[reason] = count;
      }
      const deadLetters = { ...this.#deadLetters.get(step) };
      return {
        step,
        in: this.values[row + IN]!,
        out: this.values[row + OUT]!,
        deadLettered: Object.values(deadLetters).reduce((sum, count) => sum + count, 0),
        deadLetters,
        dropped,
      };
    });
  }
}
