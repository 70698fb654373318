export { TopologyTestDriver } from './topology-test-driver.ts';
export type { DriverOptions } from './topology-test-driver.ts';
export type { OutputRecord } from './topic-records.ts';
export type { InputRecord } from './feed.ts';
export { SimulationFailure, simulate } from './simulator/simulate.ts';
export type { SimulateOptions } from './simulator/simulate.ts';
export type { SimulationOutcome } from './simulator/outcome.ts';
export type { FaultKind } from './simulator/fate.ts';
export type { Random } from './simulator/random.ts';
