import { undecodable, unencodable } from './refusal.ts';
import type { Serde, SerdeDescription } from './serde.ts';
import { slab } from './slab.ts';

// What the steps of a foreign-key join tell one another (KIP-213). Keys and values in it are bytes already, as the serdes of the
// two tables write them; what `decode` returns are views, to be used before the record ends.

/** A left row tells its foreign key what it is now. */
export interface Subscription {
  /** The left row's. */
  readonly key: Uint8Array;
  /** Rises with every change of a left row. */
  readonly version: number;
  /** Null: the row has no business with this foreign key any more. */
  readonly left: Uint8Array | null;
  /** The row had a foreign key before this change: there may be a result to take back. */
  readonly wasReferring: boolean;
  /** That was another one. */
  readonly moved: boolean;
}

/** The right row of a foreign key, or null, for one version of a left row. */
export interface Answer {
  readonly version: number;
  readonly left: Uint8Array;
  readonly right: Uint8Array | null;
  /** The left row came from another foreign key. */
  readonly moved: boolean;
}

/** A left value in a subscription, a right one in an answer. */
const HAS_SECOND = 1;
const MOVED = 2;
const WAS_REFERRING = 4;
const VERSION_BYTES = 8;
/** Flags, version, the first part's length. */
const FRONT_BYTES = 1 + VERSION_BYTES + 4;

/** One byte of flags, the version (eight bytes), the key's length (four), key, left value. All big endian. */
export function subscription(key: SerdeDescription, left: SerdeDescription): Serde<Subscription> {
  return {
    description: { type: 'subscription', key, of: left },
    encode: value => {
      const flags =
        (value.left === null ? 0 : HAS_SECOND) | (value.moved ? MOVED : 0) | (value.wasReferring ? WAS_REFERRING : 0);
      return framed(flags, value.version, value.key, value.left);
    },
    decode: bytes => {
      const { flags, version, first, second } = parts(bytes, HAS_SECOND | MOVED | WAS_REFERRING);
      const [moved, wasReferring] = [(flags & MOVED) !== 0, (flags & WAS_REFERRING) !== 0];
      return { key: first, version, left: second, wasReferring, moved };
    },
  };
}

/** One byte of flags, the version (eight bytes), the left value's length (four), left value, right value. All big endian. */
export function answer(left: SerdeDescription, right: SerdeDescription): Serde<Answer> {
  return {
    description: { type: 'joined', left, right },
    encode: value =>
      framed(
        (value.right === null ? 0 : HAS_SECOND) | (value.moved ? MOVED : 0),
        value.version,
        value.left,
        value.right,
      ),
    decode: bytes => {
      const { flags, version, first, second } = parts(bytes, HAS_SECOND | MOVED);
      return { version, left: first, right: second, moved: (flags & MOVED) !== 0 };
    },
  };
}

function framed(flags: number, version: number, first: Uint8Array, second: Uint8Array | null): Uint8Array {
  if (!Number.isSafeInteger(version)) throw unencodable('expected the version of a row');
  const start = slab.open(FRONT_BYTES + first.length + (second?.length ?? 0));
  const { buffer } = slab;
  buffer[start] = flags;
  buffer.writeDoubleBE(version, start + 1);
  let position = buffer.writeUInt32BE(first.length, start + 1 + VERSION_BYTES);
  buffer.set(first, position);
  position += first.length;
  if (second !== null) {
    buffer.set(second, position);
    position += second.length;
  }
  return slab.close(position);
}

/** `known`: the flags there may be. */
function parts(bytes: Uint8Array, known: number) {
  if (bytes.length < FRONT_BYTES) throw undecodable('a message of a foreign-key join ends early');
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRONT_BYTES);
  const flags = bytes[0]!;
  const version = view.getFloat64(1);
  if ((flags & ~known) !== 0 || !Number.isSafeInteger(version))
    throw undecodable('expected a message of a foreign-key join');
  const end = FRONT_BYTES + view.getUint32(1 + VERSION_BYTES);
  if (end > bytes.length) throw undecodable('a message of a foreign-key join ends early');
  const hasSecond = (flags & HAS_SECOND) !== 0;
  if (!hasSecond && end < bytes.length) throw undecodable('a message of a foreign-key join has bytes behind its end');
  return { flags, version, first: bytes.subarray(FRONT_BYTES, end), second: hasSecond ? bytes.subarray(end) : null };
}
