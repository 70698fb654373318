import type { Aggregator } from '../graph/functions.ts';
import type { Slots, Node } from '../graph/topology.ts';
import type { Confluence } from './confluence.ts';
import type { Counters, DropReason } from './counters.ts';
import type { TopicOutput } from './outputs.ts';
import type { Clock } from './ports.ts';
import type { Discarded, DueEntries, Schedule } from './schedule.ts';
import type { Serde } from '../serdes/serde.ts';
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

/** The rows of a table, as steps that look them up see them. */
export interface Lookup {
  /** By store key; null when there is none. */
  get(key: string): unknown;
  /** Of the row that `get` or `at` found last. */
  readonly timestamp: number;
  /** The row as it was at a time: of versioned tables only. */
  readonly at?: (key: string, timestamp: number) => unknown;
}

/** A table's change under way, as bytes: set by the table before it hands the change on. */
export interface WrittenRow {
  now: Uint8Array | null;
  old: Uint8Array | null;
}

/** Something that happens between records, as a unit of its own: the result of a call, say. */
export interface Work {
  /** The step it is for. */
  readonly step: string;
  /** It fell due; there may be nothing of it any more. */
  readonly isDue?: boolean;
  run(): void;
  /** What it is about, where that is not the object itself. Called once `run` has begun. */
  readonly id?: () => string;
  /** How often was tried what failed and is handed on. */
  readonly attempts?: number;
  /** After `run` threw, and what it did was taken back: removes what it was about, and tells what of it to dead-letter. */
  discard(): Discarded;
}

/** An entry of a store, as the task finds it at the start. */
export type StoredEntry = readonly [key: string, value: Uint8Array, timestamp: number];

/** `times`: how many windows refuse the record, say. `isLost`: none took it, so that it may be worth a dead letter. */
export type Drop = (times?: number, isLost?: boolean) => void;

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
  /** Where one change may reach the node by several inputs: what makes it wait until it has come by all. */
  readonly confluence: Confluence | null;
  /**
   * Makes entries of the store fall due: by the step's stream time, which `advance` moves, or by the clock. Its store keeps the
   * stream time under the empty key, so its entries have others. One schedule a store.
   */
  schedule(store: string, entries: DueEntries, time?: 'stream' | 'wall'): Schedule;
  /** Has `work` done as a unit of its own as soon as no other is under way. Forgotten where the epoch is aborted. */
  submit(work: Work): void;
  /** Milliseconds since 1970 by the clock: only for what is not part of the result. */
  readonly clock: Clock;
  /** How long a drain waits for the operators of a `pipe` to complete. */
  readonly pipeDeadlineMs: number;
  /** What to call when a record is dropped for this reason: it is counted and, where the step says so, dead-lettered. */
  drop(reason: DropReason): Drop;
  /**
   * Where the step has a function as `onError`: what that gives in place of the result for `value`. It throws what is to be thrown
   * where it gives none.
   */
  readonly substitute: ((thrown: unknown, value: unknown) => unknown) | null;
  output(topic: string): TopicOutput;
  /** The repartition topic behind a key step, if it has one. */
  repartition(): TopicOutput | undefined;
  /** Whether a reader of this table asks for the row before. */
  readonly needsOld: boolean;
  /** The aggregates that read this key step of a table, by step: a row must suit them before it leaves. */
  readonly aggregates: readonly (readonly [step: string, aggregator: Aggregator])[];
  /** Whether values reach the node as they came from a topic, which `serde` would write as they are: their bytes may be copied. */
  isUnchanged(serde: Serde<unknown>): boolean;
  /** Of this table: for the steps that read it. */
  readonly written: WrittenRow;
  /** Of the table that the node reads, where that writes its rows as `serde` would. */
  writtenAs(serde: Serde<unknown>): WrittenRow | undefined;
  /** Every record appended is counted for this row of the counters, and taken back with its unit. */
  readonly appended: (row: number) => void;
}

/** What a table's rows are looked up with, by steps compiled before the table itself. */
export interface RowsSite extends Pick<Site, 'slots' | 'store' | 'lookup' | 'unit'> {
  /** The stream time of the step that a scheduled store is of. */
  streamTime(store: string): () => number;
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
  /** The epoch is aborted: the stores are as of the last commit, and so must be what the node keeps besides. */
  readonly aborted?: () => void;
  /** Called at the start, before the first record: the node's state outside its stores is made from what they hold. */
  readonly opened?: (entriesOf: (store: string) => AsyncIterable<StoredEntry>) => Promise<void>;
  /** Called when the epoch is closed, before the stores are written. */
  readonly closing?: () => void;
  /** Called when the task is given up: calls under way are dropped, subscriptions ended. */
  readonly close?: () => void;
  /** The node can take no more records for now; `submit` shows when it can again. */
  readonly isFull?: () => boolean;
  /** Something is under way that will lead to a `submit`: of what `begun` had counted up to `before`. */
  readonly isBusy?: (before: number) => boolean;
  /** With `isBusy`: how much has begun so far. */
  readonly begun?: () => number;
}

export const everyInput = (node: Node, step: Step): Compiled => ({ steps: node.inputs.map(() => step) });
