export { topology } from './dsl/topology.ts';
export type { StreamOptions, TableOptions, TopologyBuilder, TopologyOptions } from './dsl/topology.ts';
export { topic } from './dsl/topic.ts';
export type { Sink, Topic, TopicOptions } from './dsl/topic.ts';
export { debezium } from './dsl/debezium.ts';
export type { DebeziumOptions } from './dsl/debezium.ts';
export { avg, count, sum } from './dsl/aggregators.ts';
export { collect, countDistinct, first, last, max, min, topN } from './dsl/value-aggregators.ts';
export type { FieldAggregator, InvertibleAggregator, ResultOf } from './dsl/aggregators.ts';
export type {
  CustomAggregator,
  CustomSessionAggregator,
  CustomState,
  CustomTableAggregator,
} from './dsl/custom-aggregator.ts';
export { store } from './dsl/process.ts';
export type { Interval, ProcessDefinition } from './dsl/process.ts';
export type { Stream } from './dsl/stream.ts';
export type { CallContext, MapAsyncOptions } from './dsl/map-async.ts';
export type { Pipe, PipeContext, PipedRecord, PipeOperator, StreamRecord } from './dsl/pipe.ts';
export type { GraceOptions } from './dsl/stream-table-join.ts';
export type { Table } from './dsl/table.ts';
export type { GlobalTable } from './dsl/global-table.ts';
export type { VersionedTable } from './dsl/versioned-table.ts';
export type { GroupedStream } from './dsl/grouped-stream.ts';
export type { WindowedStream } from './dsl/windowed-stream.ts';
export type { SuppressOptions } from './dsl/suppress.ts';
export type { CogroupedStream, WindowedCogroupedStream } from './dsl/cogrouped-stream.ts';
export type { CustomCogroupedStream, WindowedCustomCogroupedStream } from './dsl/custom-cogrouped-stream.ts';
export { hopping, session, sliding, tumbling } from './dsl/window.ts';
export type { SessionWindow, TimeWindow, Window, WindowOptions } from './dsl/window.ts';
export type { GroupedTable } from './dsl/grouped-table.ts';
export { within } from './dsl/join-window.ts';
export type { JoinWindow } from './dsl/join-window.ts';
export type { Duration } from './dsl/duration.ts';
export type { StepOptions, StoreOptions } from './dsl/flow.ts';
export type { ErrorOptions, OnError } from './dsl/on-error.ts';
export type { ErrorAction, ErrorFunction } from './graph/error-policy.ts';
export type { RecordContext } from './graph/functions.ts';
export type {
  ForwardOptions,
  IntervalContext,
  KeyValueStore,
  ProcessContext,
  StoreDeclaration,
  StoreDeclarations,
  TimerContext,
  Timers,
  ValueStore,
} from './graph/process.ts';
export type { Topology } from './graph/topology.ts';
export type { Header, Headers } from './records/headers.ts';
export { FatalError, RecordError, TopoError, TopologyError, TransientError } from './errors.ts';
export type { ErrorCode, Place } from './errors.ts';
export { bytes, cents, json, message, protobuf, row, string, windowed } from './serdes/index.ts';
export type {
  Branded,
  Change,
  ChangeSource,
  ChangeTransaction,
  LogicalMessage,
  MessageType,
  ProtobufLimits,
  RowCreated,
  RowDeleted,
  RowUpdated,
  Serde,
  SerdeDescription,
  TableTruncated,
  Windowed,
} from './serdes/index.ts';
