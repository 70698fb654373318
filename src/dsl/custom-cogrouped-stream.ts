import type { Windowed } from '../serdes/windowed.ts';
import { besides, cogroupCustom } from './cogroup.ts';
import type { CogroupPart } from './cogroup.ts';
import type { CustomState } from './custom-aggregator.ts';
import type { StoreOptions } from './flow.ts';
import type { GroupedStream } from './grouped-stream.ts';
import type { Table } from './table.ts';
import { checkWindow } from './window-steps.ts';
import type { SessionWindow, Window } from './window.ts';

/** A state of the user's own, for these windows: sessions bring states together. */
export type CustomStateFor<W extends Window, State, Result> = W extends SessionWindow
  ? CustomState<State, Result> & Required<Pick<CustomState<State, Result>, 'merge'>>
  : CustomState<State, Result>;

/** As `CogroupedStream`, of a state of the user's own to which each stream's function adds. */
export class CustomCogroupedStream<in out K, in out State> {
  readonly #parts: readonly CogroupPart[];

  constructor(parts: readonly CogroupPart[]) {
    this.#parts = parts;
  }

  /** Another stream. `add` may change and return the state it was given; null deletes the row. */
  and<V>(other: GroupedStream<K, V>, add: (state: State, value: V) => State | null): CustomCogroupedStream<K, State> {
    return new CustomCogroupedStream([...this.#parts, besides(this.#parts, other, add)]);
  }

  /** Aggregates a key's records by window. What time it is, all the streams together say. */
  window<W extends Window>(window: W): WindowedCustomCogroupedStream<K, State, W> {
    return new WindowedCustomCogroupedStream(this.#parts, window);
  }

  aggregate<Result = State>(name: string, state: CustomState<State, Result>, options?: StoreOptions): Table<K, Result> {
    const flow = cogroupCustom(this.#parts, name, state, { options });
    return flow.draft.build.table(flow);
  }
}

/** As `CustomCogroupedStream`, with a row a key and window. */
export class WindowedCustomCogroupedStream<in out K, in out State, W extends Window = Window> {
  readonly #parts: readonly CogroupPart[];
  readonly #window: W;

  constructor(parts: readonly CogroupPart[], window: W) {
    this.#parts = parts;
    this.#window = checkWindow(parts[0]!.flow, window);
  }

  /** On sessions the state has a `merge`. */
  aggregate<Result = State>(
    name: string,
    state: CustomStateFor<W, State, Result>,
    options?: StoreOptions,
  ): Table<Windowed<K>, Result> {
    const flow = cogroupCustom(this.#parts, name, state, { options, window: this.#window });
    return flow.draft.build.table(flow);
  }
}
