import type { ValueCodec } from '../bare/bounded-cache.ts';
import type { KeyedState } from '../bare/keyed-state.ts';
import type { Output } from '../bare/output.ts';
import type { RecordCursor } from '../bare/record-cursor.ts';
import { eventOf } from './fold.ts';

/** Key and value, about. */
export const ROW_BYTES = 320;

/** A row as JSON; empty where it is gone. */
export const rowText: ValueCodec<string> = {
  encode: row => Buffer.from(row),
  decode: bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(),
};

/** Keeps the row that the event at the cursor leaves behind. Undefined where that changes nothing. */
export function keepRow<Row>(cursor: RecordCursor, partition: number, rows: KeyedState<string>, deadLetters: Output) {
  const value = cursor.value();
  // a tombstone
  if (value.length === 0) return undefined;
  const event = eventOf<Row>(value);
  if (event === undefined) {
    deadLetters.partitions[partition]!.append(cursor, value);
    return undefined;
  }
  const entry = rows.get(partition, cursor.keyText());
  const old = entry.value ?? '';
  const row = event.after === null ? '' : JSON.stringify(event.after);
  rows.put(partition, entry, row, cursor.timestamp);
  return { event, old, row };
}
