import { logTarget } from './batches/log.ts';
import { batchTarget } from './batches/target.ts';
import type { Target } from './fuzzer.ts';
import { internalTarget } from './internal/target.ts';
import { debeziumKeyTarget, debeziumTarget } from './json/debezium.ts';
import { jsonTarget } from './json/target.ts';
import { protobufTarget } from './protobuf/target.ts';
import { brokerTarget } from './topology/broker.ts';
import { topologyTarget } from './topology/target.ts';

/** What takes bytes from outside. They share the time evenly. */
export const TARGETS: readonly Target[] = [
  protobufTarget,
  jsonTarget,
  debeziumTarget,
  debeziumKeyTarget,
  internalTarget,
  batchTarget,
  logTarget,
  brokerTarget,
  topologyTarget,
];
