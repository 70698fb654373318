import { RecordError } from '../../errors.ts';
import type { KeyValueStore, StoreDeclaration, ValueStore } from '../../graph/process.ts';
import type { Store } from '../store.ts';
import type { Unit } from '../unit.ts';
import { decode, defined, encode } from '../values.ts';
import { PagedList } from './list-store.ts';
import { textOfKey } from '../store-key.ts';

/** What a store's handle needs of the call under way. */
export interface Call {
  readonly unit: Unit;
  /** @throws RecordError where no function of the step is being called */
  check(): void;
}

/** What the functions of a `process` step get of a store. */
export function handleOf(declaration: StoreDeclaration, store: Store, call: Call): unknown {
  switch (declaration.kind) {
    case 'value':
      return valueStore(declaration, store, call);
    case 'keyValue':
      return keyValueStore(declaration, store, call);
    case 'list':
      return new PagedList(
        declaration,
        store,
        () => ownKey(call),
        () => call.unit.timestamp,
      );
  }
}

function valueStore({ value: serde }: StoreDeclaration, store: Store, call: Call): ValueStore<never> {
  return {
    get() {
      const bytes = store.get(ownKey(call));
      return bytes === null ? null : decode(serde, bytes, 'value');
    },
    put: value => store.put(ownKey(call), encode(serde, defined(value, 'stored'), 'state'), call.unit.timestamp),
    delete: () => store.put(ownKey(call), null, call.unit.timestamp),
    get timestamp() {
      return store.get(ownKey(call)) === null ? -1 : store.timestamp;
    },
  };
}

function keyValueStore({ key, value: serde }: StoreDeclaration, store: Store, call: Call): KeyValueStore<never, never> {
  const textOf = (given: never): string => {
    call.check();
    return textOfKey(encode(key!, given, "store's key"));
  };
  return {
    get(given) {
      const bytes = store.get(textOf(given));
      return bytes === null ? null : decode(serde, bytes, 'value');
    },
    put: (given, value) =>
      store.put(textOf(given), encode(serde, defined(value, 'stored'), 'state'), call.unit.timestamp),
    delete: given => store.put(textOf(given), null, call.unit.timestamp),
  };
}

/** The key under way as stores know it. */
export function ownKey(call: Call): string {
  call.check();
  const { storeKey } = call.unit;
  if (storeKey === null)
    throw new RecordError(
      'TOPO_USER_FUNCTION',
      'an interval belongs to no key: it has no timers, and only stores with keys of their own, store(key, value)',
    );
  return storeKey;
}
