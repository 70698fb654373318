import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Lookup, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import type { Store } from '../store.ts';
import { defined, encode } from '../values.ts';
import type { Reference } from './messages.ts';

/** In front of a row's key in the store: a key may be empty. */
const ROW = 'r';
/** The store's entry that counts versions. */
const COUNTER = 'v';
const VERSION_BYTES = 8;

/**
 * The left side of a foreign-key join: remembers which foreign key each row has, and hands on what a change of it is to tell
 * the former foreign key and the present one (KIP-213). Every change has a version of its own, for good, so that an answer to
 * an earlier one is known as such even where the row was deleted in between.
 */
export function foreignKey(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const { fn } = site.slots;
  const keySerde = site.slots['key'] as Serde<unknown>;
  const leftSerde = site.slots['left'] as Serde<unknown>;
  const store = site.store(node.stores[0]!.name);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, tombstone] = [site.drop('null-key'), site.drop('tombstone')];
  const foreignKeyOf = (value: unknown): Uint8Array | null => {
    const found: unknown = defined(fn(value, unit));
    return found === null ? null : encode(keySerde, found, 'foreign key');
  };
  const send = (reference: Reference) => {
    values[row + OUT]!++;
    next(reference, null);
  };

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    const { storeKey } = unit;
    if (storeKey === null) return nullKey();
    const stored = store.get(ROW + storeKey);
    if (value === null && stored === null) return tombstone();
    const before = stored === null ? null : foreignKeyIn(stored);
    const current = value === null ? null : foreignKeyOf(value);
    const left = value === null ? null : encode(leftSerde, value, 'value');
    const version = nextVersion(store, unit.timestamp);
    store.put(ROW + storeKey, value === null ? null : written(version, current), unit.timestamp);
    const key = unit.keyView.bytes!;
    const wasReferring = before !== null;
    const moved = before !== null && (current === null || Buffer.compare(before, current) !== 0);
    if (moved) send({ foreignKey: before, key, version, left: null, wasReferring, moved });
    send({ foreignKey: current, key, version, left, wasReferring, moved });
  });
}

/** The version of each row, as the answers to it must have. */
export function foreignKeyVersions(node: ProcessorNode, site: Pick<Site, 'store'>): Lookup {
  const store = site.store(node.stores[0]!.name);
  const versions = {
    timestamp: -1,
    get(key: string): unknown {
      const stored = store.get(ROW + key);
      versions.timestamp = store.timestamp;
      return stored === null ? null : versionIn(stored);
    },
  };
  return versions;
}

function nextVersion(store: Store, timestamp: number): number {
  const counter = store.get(COUNTER);
  const version = counter === null ? 1 : versionIn(counter) + 1;
  store.put(COUNTER, written(version, null), timestamp);
  return version;
}

/** Eight bytes of version, and behind a byte the foreign key where there is one: it may be empty. */
function written(version: number, current: Uint8Array | null): Buffer {
  const bytes = Buffer.allocUnsafe(VERSION_BYTES + (current === null ? 0 : 1 + current.length));
  bytes.writeDoubleBE(version, 0);
  if (current === null) return bytes;
  bytes[VERSION_BYTES] = 1;
  bytes.set(current, VERSION_BYTES + 1);
  return bytes;
}

const versionIn = (stored: Uint8Array): number => new DataView(stored.buffer, stored.byteOffset).getFloat64(0);

const foreignKeyIn = (stored: Uint8Array): Uint8Array | null =>
  stored.length === VERSION_BYTES ? null : stored.subarray(VERSION_BYTES + 1);
