export type { Serde, SerdeDescription } from './serde.ts';
export { aggregateState } from './aggregate-state.ts';
export { bytes } from './bytes.ts';
export { change } from './change.ts';
export type {
  Change,
  ChangeSource,
  ChangeTransaction,
  LogicalMessage,
  RowCreated,
  RowDeleted,
  RowUpdated,
  TableTruncated,
} from './debezium.ts';
export { changeEvent, row } from './debezium-change.ts';
export { debeziumKey } from './debezium-key.ts';
export { toRow } from './debezium-row.ts';
export { json } from './json.ts';
export { cents } from './money.ts';
export { string } from './string.ts';
export { windowed } from './windowed.ts';
export type { Windowed } from './windowed.ts';
export type { Branded } from './string.ts';
export { protobuf } from './protobuf.ts';
export type { ProtobufLimits } from './protobuf.ts';
export { message } from './protobuf/message.ts';
export type { MessageType } from './protobuf/message.ts';
export { serdeOf } from './from-description.ts';
