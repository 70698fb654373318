import type { Headers } from '../../../src/records/headers.ts';
import type { TaskModel } from './task-model.ts';

/** What travels from step to step. Streams have no `old`. */
export interface Event {
  /** Null: none. */
  readonly key: unknown;
  /** The key's bytes, one character each, where it is one that stores know. */
  readonly text: string | null;
  readonly value: unknown;
  readonly old: unknown;
  readonly timestamp: number;
  readonly headers: Headers;
}

export type Push = (event: Event) => void;

/** A record that a task writes. */
export interface Output {
  readonly topic: string;
  readonly partition: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly headers: Headers;
}

/** What is kept of something that failed. */
export interface Subject extends Pick<Output, 'key' | 'timestamp'> {
  readonly value: Uint8Array | null;
  readonly headers: Headers;
}

/** A table's row, or a state, with the time of its last change. */
export interface Row<V = unknown> {
  readonly value: V;
  readonly timestamp: number;
}

/** What falls due in a step. */
export abstract class Schedule {
  now = -1;
  /** The attempt at a unit that reached the step last. */
  #seenIn = -1;

  constructor(
    readonly node: string,
    protected readonly task: TaskModel,
  ) {}

  /** All that waits: when it falls due, and its key. */
  abstract waiting(): Iterable<readonly [due: number, key: string]>;
  abstract fire(key: string, due: number): void;
  abstract discard(key: string, due: number): readonly Subject[];

  /** The entry that is due first; undefined: none is. */
  first(): readonly [due: number, key: string] | undefined {
    let first: readonly [number, string] | undefined;
    for (const entry of this.waiting())
      if (entry[0] <= this.now && (first === undefined || isBefore(entry, first))) first = entry;
    return first;
  }

  advance(timestamp: number): void {
    const isFirst = this.#seenIn !== this.task.attempt;
    this.#seenIn = this.task.attempt;
    if (timestamp <= this.now) return;
    this.reach(timestamp);
    if (isFirst && this.first() !== undefined) this.task.fired.push({ schedule: this, until: this.now });
    for (let entry = this.first(); entry !== undefined; entry = this.first()) this.fire(entry[1], entry[0]);
  }

  reach(time: number): void {
    const before = this.now;
    this.now = time;
    this.task.undo.push(() => {
      this.now = before;
      this.task.reached.push({ schedule: this, time });
    });
  }
}

/** What a unit made due. */
export interface Fired {
  readonly schedule: Schedule;
  readonly until: number;
}

const isBefore = ([a, one]: readonly [number, string], [b, other]: readonly [number, string]): boolean =>
  a < b || (a === b && one < other);

/** What a node's model is made of. */
export interface ModelSite {
  readonly task: TaskModel;
  readonly next: Push;
}

/** What is known of a store's content. */
export interface ModelStore {
  readonly entries?: () => Iterable<readonly [key: string, value: Uint8Array, timestamp: number]>;
  /** Of timers: what they are set for. */
  readonly timers?: () => Iterable<readonly [key: string, time: number]>;
  /** Whose time it keeps. */
  readonly schedule?: Schedule;
}

/** How a node of the model takes a record of its n-th input. */
export interface Modelled {
  readonly inputs: readonly Push[];
  /** A row of the table that it is. */
  readonly row?: (key: string) => Row | null;
  /** What its stores hold, in the node's order. */
  readonly stores?: readonly ModelStore[];
  readonly schedules?: readonly Schedule[];
  /** Of `mapAsync`: the call for this value has ended. */
  readonly result?: (call: { readonly value: unknown; readonly isFailed: boolean; readonly result: unknown }) => void;
}

/** Undoable: a unit that fails leaves nothing but the time it moved. */
export class State<V> {
  readonly #entries = new Map<string, V>();

  constructor(private readonly task: TaskModel) {}

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** Undefined deletes. */
  set(key: string, value: V | undefined): void {
    const before = [...this.#entries];
    this.task.undo.push(() => {
      this.#entries.clear();
      for (const [one, its] of before) this.#entries.set(one, its);
    });
    if (value === undefined) this.#entries.delete(key);
    else this.#entries.set(key, value);
  }

  [Symbol.iterator](): IterableIterator<[string, V]> {
    return this.#entries[Symbol.iterator]();
  }
}
