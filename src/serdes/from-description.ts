import { aggregateState } from './aggregate-state.ts';
import { bytes } from './bytes.ts';
import { change } from './change.ts';
import { changeEvent, row } from './debezium-change.ts';
import { debeziumKey } from './debezium-key.ts';
import { json } from './json.ts';
import { protobuf } from './protobuf.ts';
import { message } from './protobuf/message.ts';
import type { Serde, SerdeDescription } from './serde.ts';
import { string } from './string.ts';
import { windowed } from './windowed.ts';

/**
 * The serde that a manifest's entry describes; undefined for a user's own, whose code is in the topology file.
 * @throws TopologyError on a Protobuf descriptor that is none
 */
export function serdeOf(description: SerdeDescription): Serde<unknown> | undefined {
  switch (description.type) {
    case 'bytes':
      return bytes();
    case 'string':
      return string();
    case 'json':
      return json();
    case 'protobuf':
      return protobuf(message(description.message, description.descriptor));
    case 'debezium':
      return changeEvent(row());
    case 'debezium-key':
      return isNotEmpty(description.fields) ? debeziumKey(description.fields) : undefined;
    case 'change': {
      const of = serdeOf(description.of);
      return of && change(of);
    }
    case 'windowed': {
      const of = serdeOf(description.of);
      return of && windowed(of);
    }
    case 'aggregate':
      return aggregateState(description.fields);
    default:
      return undefined;
  }
}

function isNotEmpty(fields: readonly string[]): fields is readonly [string, ...string[]] {
  return fields.length > 0;
}
