import { RecordError } from '../../errors.ts';
import type { KeyValueStore, ListStore, StoreDeclaration, ValueStore } from '../../graph/process.ts';
import { asBuffer } from '../../serdes/utf8.ts';
import type { Store } from '../store.ts';
import type { Unit } from '../unit.ts';
import { decode, defined, encode } from '../values.ts';

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
      return listStore(declaration, store, call);
  }
}

function valueStore({ value: serde }: StoreDeclaration, store: Store, call: Call): ValueStore<never> {
  return {
    get() {
      const bytes = store.get(ownKey(call));
      return bytes === null ? null : decode(serde, bytes, 'value');
    },
    put: value => store.put(ownKey(call), encode(serde, defined(value), 'state'), call.unit.timestamp),
    delete: () => store.put(ownKey(call), null, call.unit.timestamp),
    get timestamp() {
      return store.get(ownKey(call)) === null ? -1 : store.timestamp;
    },
  };
}

function keyValueStore({ key, value: serde }: StoreDeclaration, store: Store, call: Call): KeyValueStore<never, never> {
  const textOf = (given: never): string => {
    call.check();
    const bytes = encode(key!, given, "store's key");
    return asBuffer(bytes).latin1Slice(0, bytes.length);
  };
  return {
    get(given) {
      const bytes = store.get(textOf(given));
      return bytes === null ? null : decode(serde, bytes, 'value');
    },
    put: (given, value) => store.put(textOf(given), encode(serde, defined(value), 'state'), call.unit.timestamp),
    delete: given => store.put(textOf(given), null, call.unit.timestamp),
  };
}

/**
 * Entries of a list: the key and a number of four bytes. Number 0 holds how many there are, and by its timestamp their largest;
 * the values follow from 1.
 */
function listStore({ value: serde }: StoreDeclaration, store: Store, call: Call): ListStore<never> {
  const countOf = (key: string): number => {
    const head = store.get(key + numberText(0));
    return head === null ? 0 : asBuffer(head).readUInt32BE(0);
  };
  return {
    push(value) {
      const key = ownKey(call);
      const count = countOf(key) + 1;
      const latest = count === 1 ? -1 : store.timestamp;
      const { timestamp } = call.unit;
      const head = Buffer.allocUnsafe(4);
      head.writeUInt32BE(count);
      store.put(key + numberText(count), encode(serde, value, 'state'), timestamp);
      store.put(key + numberText(0), head, Math.max(latest, timestamp));
      return count;
    },
    take() {
      const key = ownKey(call);
      const count = countOf(key);
      const values = Array.from({ length: count }, (_, index) => {
        const entry = key + numberText(index + 1);
        const value = decode(serde, store.get(entry)!, 'value');
        store.put(entry, null, call.unit.timestamp);
        return value;
      });
      if (count > 0) store.put(key + numberText(0), null, call.unit.timestamp);
      return values;
    },
    get timestamp() {
      return countOf(ownKey(call)) === 0 ? -1 : store.timestamp;
    },
  };
}

/** Four bytes, big endian, one character each. */
export const numberText = (number: number): string =>
  String.fromCharCode(number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff);

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
