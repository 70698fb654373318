import { kindOf, undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { slab } from './slab.ts';

/** What happened to a row of a table: null stands for "was not there" and "is gone". */
export interface RowChange<Row> {
  readonly old: Row | null;
  readonly new: Row | null;
}

export interface ChangeSerde<Row> extends Serde<RowChange<Row>> {
  /** Of the rows. */
  readonly of: Serde<Row>;
}

const HAS_OLD = 1;
const HAS_NEW = 2;

/**
 * A table's change as its repartition carries it: one byte of flags, the old value's length (four bytes, big endian, only where both
 * values are there), the values.
 */
export function change<Row>(of: Serde<Row>): ChangeSerde<Row> {
  return {
    of,
    description: { type: 'change', of: of.description },
    encode(value) {
      if (typeof value !== 'object' || value === null) throw unencodable(`expected a change, got ${kindOf(value)}`);
      return changeBytes(
        value.old === null ? null : of.encode(value.old),
        value.new === null ? null : of.encode(value.new),
      );
    },
    decode(bytes) {
      const flags = bytes[0];
      if (flags === undefined || flags > (HAS_OLD | HAS_NEW)) throw undecodable('expected the change of a row');
      if (flags === 0 && bytes.length > 1) throw undecodable('the change of a row has bytes behind its end');
      if (flags === HAS_OLD) return { old: of.decode(bytes.subarray(1)), new: null };
      if (flags === HAS_NEW) return { old: null, new: of.decode(bytes.subarray(1)) };
      if (flags === 0) return { old: null, new: null };
      if (bytes.length < 5) throw undecodable('the change of a row ends early');
      const length = ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0;
      if (5 + length > bytes.length) throw undecodable('the change of a row ends early');
      return { old: of.decode(bytes.subarray(5, 5 + length)), new: of.decode(bytes.subarray(5 + length)) };
    },
  };
}

/** The same of rows that are bytes already. */
export function changeBytes(before: Uint8Array | null, after: Uint8Array | null): Uint8Array {
  const start = slab.open(5 + (before?.length ?? 0) + (after?.length ?? 0));
  const { buffer } = slab;
  let position = start + 1;
  buffer[start] = (before === null ? 0 : HAS_OLD) | (after === null ? 0 : HAS_NEW);
  if (before !== null) {
    if (after !== null) position = buffer.writeUInt32BE(before.length, position);
    buffer.set(before, position);
    position += before.length;
  }
  if (after !== null) {
    buffer.set(after, position);
    position += after.length;
  }
  return slab.close(position);
}
