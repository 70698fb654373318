import type { TopologyTestDriver } from '../src/testing/index.ts';

/** What a store holds, by its changelog: its keys as text, without the one that keeps stream time. Call it once a driver. */
export async function keptKeys(driver: TopologyTestDriver, changelog: string): Promise<string[]> {
  const kept = new Set<string>();
  for (const { key, value } of await driver.read<Uint8Array, Uint8Array>(changelog)) {
    const text = Buffer.from(key!).toString('latin1');
    if (value === null) kept.delete(text);
    else kept.add(text);
  }
  kept.delete('');
  return [...kept];
}
