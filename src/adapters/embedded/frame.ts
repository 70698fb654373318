import { crc32c } from '@node-rs/crc32';
import { readInt64, writeInt64 } from '../../records/batch.ts';

/**
 * A frame is what the log writes at once: a head, a directory, a body. Big endian, as the record batches in it are.
 *
 * | at | field | |
 * |---|---|---|
 * | 0 | magic uint32 | "TOPO" |
 * | 4 | version uint16 | of the whole format |
 * | 6 | kind uint16 | |
 * | 8 | number int64 | counts `commit` and `change` frames from 1; `state` and `footer` carry the one before them |
 * | 16 | directoryBytes uint32, 20 bodyBytes uint32 | |
 * | 24 | logTag uint32 | from the log's id: a frame of another log, stored as a record's value, is none of this one |
 * | 28 | segment uint32 | of a compacted partition: the file's number |
 * | 32 | previousCrc uint32 | of the head before it: what remains of an older end is no continuation |
 * | 36 | crc uint32 | CRC-32C over bytes 0–35 and the directory |
 *
 * The body of a `commit` or `compacted` frame is its record batches, each covered by its own CRC, which the directory repeats.
 */
export const HEAD_BYTES = 40;
const CRC_AT = 36;
const MAGIC = 0x544f504f;
const VERSION = 2;

/** `state` begins a segment, `footer` ends a sealed file; a file of a compacted partition has `compacted` frames. */
export const FRAME_KINDS = { state: 1, commit: 2, change: 3, footer: 4, compacted: 5 } as const;
export type FrameKind = keyof typeof FRAME_KINDS;
const KIND_NAMES = Object.fromEntries(Object.entries(FRAME_KINDS).map(([name, kind]) => [kind, name as FrameKind]));

/** What a head says, apart from its CRC. */
export interface FrameHead {
  readonly kind: FrameKind;
  readonly number: number;
  readonly directoryBytes: number;
  readonly bodyBytes: number;
  readonly logTag: number;
  readonly segment: number;
  readonly previousCrc: number;
}

export const MAGIC_BYTES = Buffer.alloc(4);
MAGIC_BYTES.writeUInt32BE(MAGIC);

export const tagOf = (logId: string): number => crc32c(logId);

/** Writes a head in front of the directory that already stands at `HEAD_BYTES`. Returns the head's CRC. */
export function writeHead(buffer: Buffer, head: FrameHead): number {
  buffer.writeUInt32BE(MAGIC, 0);
  buffer.writeUInt16BE(VERSION, 4);
  buffer.writeUInt16BE(FRAME_KINDS[head.kind], 6);
  writeInt64(buffer, 8, head.number);
  buffer.writeUInt32BE(head.directoryBytes, 16);
  buffer.writeUInt32BE(head.bodyBytes, 20);
  buffer.writeUInt32BE(head.logTag, 24);
  buffer.writeUInt32BE(head.segment, 28);
  buffer.writeUInt32BE(head.previousCrc, 32);
  const crc = headCrc(buffer, head.directoryBytes);
  buffer.writeUInt32BE(crc, CRC_AT);
  return crc;
}

/** A frame whose directory is the given bytes, and which has no body. */
export function packFrame(
  head: Omit<FrameHead, 'directoryBytes' | 'bodyBytes'>,
  directory: Buffer,
): { bytes: Buffer; crc: number } {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + directory.length);
  directory.copy(bytes, HEAD_BYTES);
  return { bytes, crc: writeHead(bytes, { ...head, directoryBytes: directory.length, bodyBytes: 0 }) };
}

/** Reads a head without checking its CRC; a text when these 40 bytes are none. */
export function readHead(buffer: Buffer): FrameHead | string {
  if (buffer.length < HEAD_BYTES) return 'it ends within its head';
  if (buffer.readUInt32BE(0) !== MAGIC) return 'it does not begin with a head';
  const version = buffer.readUInt16BE(4);
  if (version !== VERSION) return `its format is version ${version}, this program reads ${VERSION}`;
  const kind = KIND_NAMES[buffer.readUInt16BE(6)];
  if (kind === undefined) return 'its kind is unknown';
  return {
    kind,
    number: readInt64(buffer, 8),
    directoryBytes: buffer.readUInt32BE(16),
    bodyBytes: buffer.readUInt32BE(20),
    logTag: buffer.readUInt32BE(24),
    segment: buffer.readUInt32BE(28),
    previousCrc: buffer.readUInt32BE(32),
  };
}

/** The CRC that stands in a head. */
export const storedCrc = (buffer: Buffer): number => buffer.readUInt32BE(CRC_AT);

/** The CRC over a head and the directory behind it. */
export const headCrc = (buffer: Buffer, directoryBytes: number): number =>
  crc32c(buffer.subarray(HEAD_BYTES, HEAD_BYTES + directoryBytes), crc32c(buffer.subarray(0, CRC_AT)));
