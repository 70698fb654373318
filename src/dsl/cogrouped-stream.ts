import type { Windowed } from '../serdes/windowed.ts';
import type { FieldAggregator, InvertibleAggregator } from './aggregators.ts';
import { besides, cogroupFields } from './cogroup.ts';
import type { CogroupPart } from './cogroup.ts';
import type { StoreOptions } from './flow.ts';
import type { GroupedStream } from './grouped-stream.ts';
import type { Table } from './table.ts';
import { checkWindow } from './window-steps.ts';
import type { Window } from './window.ts';

/**
 * What fields show beside those of other streams, whose records may come first: null where nothing came yet. Fields that have an
 * inverse begin at nothing instead: 0 of `count`, and of `sum` (of a sum of bigints too, since nothing told yet what it sums), no
 * elements of `collect`.
 */
export type Beside<Fields> = {
  -readonly [Name in keyof Fields]: Fields[Name] extends InvertibleAggregator<never, infer R>
    ? Begun<R>
    : Fields[Name] extends FieldAggregator<never, infer R>
      ? R | null
      : never;
};

type Begun<R> = R extends bigint ? R | 0 : R;

/** The same type, as the compiler shows it: its fields, not how they came about. */
type Shown<R> = R extends infer One ? { [Name in keyof One]: One[Name] } : never;

/** One object type of two. */
type Together<A, B> = { [Name in keyof A | keyof B]: Name extends keyof A ? A[Name] : B[Name & keyof B] };

/**
 * Streams with the same keys that are aggregated together: one table, one row a key, with the fields of each. Null keys and null
 * values are counted and skipped.
 */
export class CogroupedStream<in out K, in out R> {
  readonly #parts: readonly CogroupPart[];

  constructor(parts: readonly CogroupPart[]) {
    this.#parts = parts;
  }

  /** Another stream, with fields by other names. */
  and<V, Fields extends Readonly<Record<string, FieldAggregator<V, unknown>>>>(
    other: GroupedStream<K, V>,
    fields: Fields & { readonly [Name in keyof R]?: never },
  ): CogroupedStream<K, Together<R, Beside<Fields>>> {
    return new CogroupedStream([...this.#parts, besides(this.#parts, other, fields)]);
  }

  /** Aggregates a key's records by window. What time it is, all the streams together say. */
  window(window: Window): WindowedCogroupedStream<K, R> {
    return new WindowedCogroupedStream(this.#parts, window);
  }

  aggregate(name: string, options?: StoreOptions): Table<K, Shown<R>> {
    return this.#parts[0]!.flow.draft.build.table(cogroupFields(this.#parts, name, { options }));
  }
}

/** As `CogroupedStream`, with a row a key and window. */
export class WindowedCogroupedStream<in out K, in out R> {
  readonly #parts: readonly CogroupPart[];
  readonly #window: Window;

  constructor(parts: readonly CogroupPart[], window: Window) {
    this.#parts = parts;
    this.#window = checkWindow(parts[0]!.flow, window);
  }

  aggregate(name: string, options?: StoreOptions): Table<Windowed<K>, Shown<R>> {
    const flow = cogroupFields(this.#parts, name, { options, window: this.#window });
    return flow.draft.build.table(flow);
  }
}
