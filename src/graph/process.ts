import type { Headers } from '../records/headers.ts';
import type { Serde } from '../serdes/serde.ts';
import type { RecordContext } from './functions.ts';

/** One value for each key of the stream: of the key under way, the record's or the timer's. */
export interface ValueStore<V> {
  /** Null when there is none. */
  get(): V | null;
  put(value: V): void;
  delete(): void;
  /** Of the record that put the value, ms since 1970; -1 when there is none. */
  readonly timestamp: number;
}

/**
 * Values by keys of the step's own choice. A value lies with the partition whose records put it there: the others do not see it.
 */
export interface KeyValueStore<K, V> {
  /** Null when there is none. */
  get(key: K): V | null;
  put(key: K, value: V): void;
  delete(key: K): void;
}

/**
 * Values in order for each key of the stream, in pages: a list kept in one value would be written anew with each that is added. For
 * the steps that the library itself writes on `process`.
 */
export interface ListStore<V> {
  /** Returns how many there are now. */
  push(value: V): number;
  /** All values, which are deleted. */
  take(): V[];
  /** The same as they are written. */
  takeBytes(): Uint8Array[];
  /** The largest timestamp of a record that pushed one; -1 where the list is empty. */
  readonly timestamp: number;
}

/** A store that a `process` step declares, made by `store`. `Handle` is what the step's functions get of it. */
export interface StoreDeclaration<Handle = unknown> {
  /** `value`: a `ValueStore`; `keyValue`: a `KeyValueStore`; `list`: a `ListStore`. */
  readonly kind: 'value' | 'keyValue' | 'list';
  /** kind `keyValue`: its keys. */
  readonly key?: Serde<never>;
  readonly value: Serde<never>;
  /** For the compiler alone. */
  readonly handle?: Handle;
}

export type StoreDeclarations = Readonly<Record<string, StoreDeclaration>>;

/** The stores that the functions of a `process` step see, by name. */
export type Stores<S extends StoreDeclarations> = {
  readonly [Name in keyof S]: S[Name] extends StoreDeclaration<infer Handle> ? Handle : never;
};

/** What `forward` takes besides the value. */
export interface ForwardOptions {
  /** Event time, ms since 1970. Default: that of the record, timer or interval under way. */
  readonly timestamp?: number;
  /** In place of those of the record or timer under way. */
  readonly headers?: Headers;
}

/** The timers of the key under way, by name. A timer is part of the step's state: it survives a crash. */
export interface Timers<Name extends string> {
  /**
   * Sets the timer, or sets it anew: ms since 1970, by the clock it was declared for. One that is set for a time that has passed
   * fires as soon as that clock moves on.
   */
  set(name: Name, time: number): void;
  cancel(name: Name): void;
  /** What it is set for; null where it is not set. */
  get(name: Name): number | null;
}

interface CallContext<R, S extends StoreDeclarations> {
  readonly stores: Stores<S>;
  /**
   * Hands a value on, at once: under the key and headers of the record or timer under way, and its timestamp or another. It does
   * not change the key: that is what a `keyBy` behind the step does.
   */
  readonly forward: (value: R, options?: ForwardOptions) => void;
  /** What the clock shows, ms since 1970. Not the same when a record is processed again after a crash. */
  readonly now: number;
}

/** What `record` of a `process` step gets besides the value. Valid during the call only. */
export interface ProcessContext<K, R, S extends StoreDeclarations, Name extends string>
  extends RecordContext<K>, CallContext<R, S> {
  readonly timers: Timers<Name>;
}

/** What a timer's function gets. Valid during the call only. */
export interface TimerContext<K, R, S extends StoreDeclarations, Name extends string> extends CallContext<R, S> {
  readonly key: K;
  /** What the timer was set for. */
  readonly timestamp: number;
  /** Of the record that set the timer. */
  readonly headers: Headers;
  /** The timer is not set any more. It can be set again, for a later time. */
  readonly timers: Timers<Name>;
}

/** What an interval's function gets: it belongs to no key, so what it forwards has none. Valid during the call only. */
export interface IntervalContext<R, S extends StoreDeclarations> extends CallContext<R, S> {
  /** The step's stream time, or what the clock shows: whichever the interval goes by. */
  readonly timestamp: number;
}

/** The `process` slot: what the user wrote, without types and with durations in milliseconds. */
export interface ProcessSlot {
  /** In the order of the node's stores. Behind them come the stores of the timers: by stream time, by the clock, where there are any. */
  readonly stores: readonly (readonly [name: string, declaration: StoreDeclaration])[];
  /** How the stream's keys are written. */
  readonly key: Serde<unknown>;
  readonly record: (value: unknown, context: unknown) => void;
  readonly streamTime: TimingSlot;
  readonly wallClock: TimingSlot;
}

/** What happens by one clock. */
export interface TimingSlot {
  readonly timers: Readonly<Record<string, (context: unknown) => void>>;
  readonly intervals: Readonly<Record<string, IntervalSlot>>;
  /** By timer: deletes the values that waited for one that failed, and returns them: each is worth a dead letter. */
  readonly discards?: Readonly<Record<string, (context: unknown) => readonly Uint8Array[]>>;
}

export interface IntervalSlot {
  readonly everyMs: number;
  readonly run: (context: unknown) => void;
}

export const hasTiming = ({ timers, intervals }: TimingSlot): boolean =>
  Object.keys(timers).length + Object.keys(intervals).length > 0;
