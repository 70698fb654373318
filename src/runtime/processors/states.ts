import type { Aggregator } from '../../graph/functions.ts';
import type { WrittenRow } from '../chain.ts';
import type { StateForm, Store } from '../store.ts';
import { decode, encode } from '../values.ts';

/** The states of an aggregate in its store. */
export interface States {
  /** Of the state that `get` returned last. */
  readonly timestamp: number;
  /** The caller's own, unless the aggregator leaves states as they are. Null: there is none. @throws RecordError `TOPO_DECODE` */
  get(key: string): unknown;
  /** A null state deletes. @throws RecordError */
  put(key: string, state: unknown, timestamp: number): void;
}

/** As bytes, of which `written` tells; or in memory as they are, where the aggregator allows that. */
export function statesIn(
  store: Store,
  aggregator: Pick<Aggregator, 'serde' | 'sizeOf'>,
  written: WrittenRow = { now: null, old: null },
): States {
  if (aggregator.sizeOf === undefined) return new EncodedStates(store, aggregator.serde, written);
  store.form = keptForm(aggregator);
  return new KeptStates(store);
}

/** How a state is kept from record to record: `load` and `save` turn what is kept to the state and back. */
export interface KeptForm extends StateForm {
  load(kept: unknown): unknown;
  save(state: unknown): unknown;
}

/** The same as for `statesIn`, for states that are kept as part of something else. */
export function keptForm({ serde, sizeOf }: Pick<Aggregator, 'serde' | 'sizeOf'>): KeptForm {
  const encoded = (state: unknown) => encode(serde, state, 'state');
  const decoded = (bytes: Uint8Array) => decode(serde, bytes, 'value');
  const asItIs = <T>(value: T): T => value;
  if (sizeOf !== undefined) return { encode: encoded, decode: decoded, sizeOf, load: asItIs, save: asItIs };
  return {
    encode: bytes => bytes as Uint8Array,
    decode: asItIs,
    sizeOf: bytes => (bytes as Uint8Array).length,
    load: bytes => decoded(bytes as Uint8Array),
    // a copy: a serde's bytes may be a view into a larger buffer, which it would hold
    save: state => new Uint8Array(encoded(state)),
  };
}

class EncodedStates implements States {
  constructor(
    private readonly store: Store,
    private readonly serde: Aggregator['serde'],
    private readonly written: WrittenRow,
  ) {}

  get timestamp(): number {
    return this.store.timestamp;
  }

  get(key: string): unknown {
    const stored = this.store.get(key);
    this.written.old = stored;
    return stored === null ? null : decode(this.serde, stored, 'value');
  }

  put(key: string, state: unknown, timestamp: number): void {
    const bytes = state === null ? null : encode(this.serde, state, 'state');
    this.written.now = bytes;
    this.store.put(key, bytes, timestamp);
  }
}

class KeptStates implements States {
  constructor(private readonly store: Store) {}

  get timestamp(): number {
    return this.store.timestamp;
  }

  get(key: string): unknown {
    return this.store.getState(key);
  }

  put(key: string, state: unknown, timestamp: number): void {
    this.store.putState(key, state, timestamp);
  }
}
