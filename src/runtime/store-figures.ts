import type { TaskState } from './ports.ts';
import { storeEnd, storePrefix } from './store.ts';
import type { Store } from './store.ts';

/** What a store's caches do. */
export interface StoreFigures {
  readonly store: string;
  /** How often an entry was looked for and was in the cache, and how often not; several looks at one in a row are one. */
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cachedBytes: number;
}

/** One task's part of a store, and the state it lies in. */
export interface StorePart {
  /** As the topology calls it; the store itself has the name under which it is kept. */
  readonly name: string;
  readonly store: Store;
  readonly state: TaskState;
}

export function storeFiguresOf(parts: readonly StorePart[]): StoreFigures[] {
  return [...byName(parts)].map(([store, ofStore]) => {
    const sum = (of: (store: Store) => number) => ofStore.reduce((total, one) => total + of(one.store), 0);
    return {
      store,
      cacheHits: sum(({ lookups, misses }) => lookups - misses),
      cacheMisses: sum(({ misses }) => misses),
      cachedBytes: sum(({ cachedBytes }) => cachedBytes),
    };
  });
}

/** About how many bytes of the states' files each store takes. */
export async function storeBytesOf(parts: readonly StorePart[]): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  for (const { name, store, state } of parts) {
    const part = await state.approximateBytes(storePrefix(store.name), storeEnd(store.name));
    bytes.set(name, (bytes.get(name) ?? 0) + part);
  }
  return bytes;
}

function byName(parts: readonly StorePart[]): Map<string, StorePart[]> {
  const names = new Map<string, StorePart[]>();
  for (const part of parts) names.set(part.name, [...(names.get(part.name) ?? []), part]);
  return names;
}
