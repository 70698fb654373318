import { partitionOf } from '../records/murmur2.ts';
import type { Serde } from '../serdes/serde.ts';

/** Where a record with this key lies, as `serde` wrote it in `bytes[start..end)`: all windows of a key lie where the key does. */
export const partitionOfKey = (
  { unpartitionedBytes = 0 }: Serde<unknown>,
  bytes: Uint8Array,
  partitions: number,
  start = 0,
  end = bytes.length,
): number => partitionOf(bytes, partitions, start, end - unpartitionedBytes);
