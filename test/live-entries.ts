import type { TopologyTestDriver } from '../src/testing/index.ts';

/** Counts what a store holds now, by its changelog: also of stores whose entries are no rows. Its step's stream time is no entry. */
export function liveEntries(driver: TopologyTestDriver, changelog: string): () => Promise<number> {
  const live = new Set<string>();
  return async () => {
    for (const { partition, key, value } of await driver.read<Buffer>(changelog)) {
      const entry = `${partition} ${Buffer.from(key!).toString('latin1')}`;
      if (value === null || key!.length === 0) live.delete(entry);
      else live.add(entry);
    }
    return live.size;
  };
}
