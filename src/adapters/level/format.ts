import { crc32c } from '@node-rs/crc32';

/** Where something is read. */
export interface Place {
  readonly buffer: Buffer;
  position: number;
}

const MASK_DELTA = 0xa282ead8;

/** The checksum of bytes as LevelDB stores it: https://github.com/google/leveldb/blob/main/util/crc32c.h */
export function maskedCrc(bytes: Buffer): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** Seven bits a byte, the lowest first; the top bit says that more follow. @throws RangeError past the end */
export function readNumber(at: Place): number {
  let value = 0;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = at.buffer.readUInt8(at.position++);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
}

/** Over bytes with their length in front. @throws RangeError past the end */
export function skipBytes(at: Place): void {
  const length = readNumber(at);
  at.position += length;
  if (at.position > at.buffer.length) throw new RangeError('a length reaches beyond the end');
}
