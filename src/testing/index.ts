export { TopologyTestDriver } from './topology-test-driver.ts';
export type { DriverOptions, OutputRecord } from './topology-test-driver.ts';
export type { InputRecord } from './feed.ts';
