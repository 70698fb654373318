import type { Aggregator } from '../graph/functions.ts';
import type { Slots, Node } from '../graph/topology.ts';
import type { Counters } from './counters.ts';
import type { TopicOutput } from './outputs.ts';
import type { Store } from './store.ts';
import type { Unit } from './unit.ts';

/**
 * One step of a task's fused chain, with everything behind it: takes a value and hands on its results before it returns.
 * Streams carry `value` alone; tables carry the row now and the row before (null: none). The record itself, its key and
 * timestamp stand in the task's `Unit`.
 */
export type Step = (value: unknown, old: unknown) => void;

/** The end of a chain that nothing reads. */
export const NOTHING: Step = () => {};

/** A row of a table, by store key; null when there is none. */
export type Lookup = (key: string) => unknown;

/** What a node is compiled with: its task's parts, and the steps behind it. */
export interface Site {
  readonly unit: Unit;
  readonly counters: Counters;
  readonly slots: Slots;
  /** All steps that read this node, as one. */
  readonly next: Step;
  /** The steps that read one branch of a split. */
  branch(name: string): Step;
  store(name: string): Store;
  lookup(table: string): Lookup;
  output(topic: string): TopicOutput;
  /** The repartition topic behind a key step, if it has one. */
  repartition(): TopicOutput | undefined;
  /** Whether a reader of this table asks for the row before. */
  readonly needsOld: boolean;
  /** The aggregates that read this key step of a table, by step: a row must suit them before it leaves. */
  readonly aggregates: readonly (readonly [step: string, aggregator: Aggregator])[];
  /** Values come from a topic as they are, and are bytes: a sink may copy the whole record. */
  isRaw(): boolean;
  /** Every record appended is counted for this row of the counters, and taken back with its unit. */
  readonly appended: (row: number) => void;
}

/** How one kind of node runs. Kinds stand in one table (`kinds.ts`), processors in another (`processors/`). */
export interface Kind<N extends Node> {
  compile(node: N, site: Site): Compiled;
}

export interface Compiled {
  /** What the node does with a record of its n-th input. */
  readonly steps: readonly Step[];
  /** Called at the commit, before anything is handed to the broker: what the node still holds comes out now. It may throw. */
  readonly drain?: () => void | Promise<void>;
  /** With `drain`: forgets what the node holds, since the records it came from are taken back. */
  readonly reset?: () => void;
}

export const everyInput = (node: Node, step: Step): Compiled => ({ steps: node.inputs.map(() => step) });
