import type { Topology } from '../src/index.ts';
import { TopologyTestDriver } from '../src/testing/index.ts';
import type { DriverOptions, InputRecord, OutputRecord } from '../src/testing/index.ts';

/** A driver that closes with the test that uses it. */
export const drive = (topology: Topology, options?: DriverOptions): Promise<TopologyTestDriver> =>
  TopologyTestDriver.start(topology, options);

/** `key`, `value@timestamp` of records, as `semantics` writes them. */
export const brief = (records: readonly OutputRecord[]): string[] =>
  records.map(
    ({ key, value, timestamp }) =>
      `${key as string}=${value === null ? 'null' : typeof value === 'string' ? value : JSON.stringify(value)}@${timestamp}`,
  );

/** Records of one topic from `key=value@timestamp` texts; `null` is a tombstone. */
export const records = (topic: string, ...texts: readonly string[]): InputRecord[] =>
  texts.map(text => {
    const [, key, value, timestamp] = /^(.*?)=(.*)@(\d+)$/.exec(text)!;
    return { topic, key: key!, value: value === 'null' ? null : value, timestamp: Number(timestamp) };
  });
