import { undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';

/**
 * A key in one of its windows, ms since 1970. A tumbling or hopping window ends before `end`; a sliding window and a session
 * hold what lies at their `end`.
 */
export interface Windowed<K> {
  readonly key: K;
  readonly start: number;
  readonly end: number;
}

/** Behind the key: start and end. */
const WINDOW_BYTES = 16;

/**
 * Windowed keys: the key's bytes, then start and end, eight bytes each, big endian, as in Kafka Streams' session keys (which put
 * the end first). A windowed key lies in the partition of its key.
 */
export function windowed<K>(of: Serde<K>): Serde<Windowed<K>> {
  return {
    description: { type: 'windowed', of: of.description },
    unpartitionedBytes: WINDOW_BYTES + (of.unpartitionedBytes ?? 0),
    encode(value) {
      if (typeof value !== 'object' || value === null || !isTime(value.start) || !isTime(value.end))
        throw unencodable('expected a windowed key: key, start and end in ms');
      return Buffer.concat([of.encode(value.key), Buffer.from(windowText(value.start, value.end), 'latin1')]);
    },
    decode(bytes) {
      if (bytes.length < WINDOW_BYTES) throw undecodable('expected a windowed key');
      const keyEnd = bytes.length - WINDOW_BYTES;
      const start = timeIn(bytes, keyEnd);
      const end = timeIn(bytes, keyEnd + WINDOW_BYTES / 2);
      if (!isTime(start) || !isTime(end)) throw undecodable('expected a windowed key');
      return { key: of.decode(bytes.subarray(0, keyEnd)), start, end };
    },
  };
}

const isTime = (time: unknown): time is number => Number.isSafeInteger(time) && (time as number) >= 0;

/** What stands behind a key of these bytes, as text: in the order of time. */
export const windowText = (start: number, end: number): string => timeText(start) + timeText(end);

/** Eight bytes, big endian, one character each. Times from 0 to 2^53. */
export function timeText(time: number): string {
  const high = Math.floor(time / 0x1_0000_0000);
  const low = time >>> 0;
  return String.fromCharCode(
    0,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
}

/** The time that `timeText` wrote at `at`. */
export function timeAt(text: string, at: number): number {
  let time = 0;
  for (let i = at; i < at + 8; i++) time = time * 256 + text.charCodeAt(i);
  return time;
}

/** The same of bytes; above 2^53 where they are no time. */
function timeIn(bytes: Uint8Array, at: number): number {
  let time = 0;
  for (let i = at; i < at + 8; i++) time = time * 256 + bytes[i]!;
  return time;
}

/** A windowed key as stores know it, taken apart. */
export const endOf = (text: string): number => timeAt(text, text.length - WINDOW_BYTES / 2);
export const keyOf = (text: string): string => text.slice(0, text.length - WINDOW_BYTES);
