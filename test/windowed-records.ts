import { json, string, topic, windowed } from '../src/index.ts';
import type { Windowed } from '../src/index.ts';
import type { OutputRecord, TopologyTestDriver } from '../src/testing/index.ts';

/** Where tests write rows of windows. */
export const windowRows = topic('out', windowed(string()), json<unknown>());

/** New records of `out`, as `key[start,end]=value@timestamp`. */
export const readWindows = async (driver: TopologyTestDriver): Promise<string[]> =>
  (await driver.read<Windowed<string>>('out')).map(windowText);

export const windowText = ({ key, value, timestamp }: OutputRecord<Windowed<string>>): string =>
  `${key!.key}[${key!.start},${key!.end}]=${typeof value === 'string' ? value : JSON.stringify(value)}@${timestamp}`;

/** Keys of a store's rows, as `key[start,end]=value`. */
export async function storedWindows(driver: TopologyTestDriver, store: string): Promise<string[]> {
  const found: string[] = [];
  for await (const [{ key, start, end }, value] of driver.store<Windowed<string>>(store).entries())
    found.push(`${key}[${start},${end}]=${JSON.stringify(value)}`);
  return found.sort();
}
