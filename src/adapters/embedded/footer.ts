import { crc32c } from '@node-rs/crc32';
import { BatchIndex } from './batch-index.ts';
import type { DiskFile } from './disk.ts';
import { HEAD_BYTES, headCrc, readHead, storedCrc, writeHead, type FrameHead } from './frame.ts';
import type { PlacedSlice, Totals } from './slice.ts';

/** One partition's part of a file, and where its index stands in it. */
export interface FooterEntry extends Readonly<Totals> {
  readonly topic: number;
  readonly partition: number;
  readonly firstOffset: number;
  readonly endOffset: number;
  readonly position: number;
  readonly count: number;
  readonly crc: number;
}

/** The directory of a footer frame. Its body holds the indexes. */
export interface Footer {
  /** The commits of the file: `first` to `last`. None when `first > last`. */
  readonly first: number;
  readonly last: number;
  readonly entries: readonly FooterEntry[];
}

/** Behind the footer frame: magic, its place, the file's size, CRC. So opening a log reads the end of each sealed file, not the file. */
const TRAILER_BYTES = 16;
const TRAILER_MAGIC = 0x544f5045;

/** The bytes that seal a file whose frames end at `position`. */
export function packFooter(
  head: Pick<FrameHead, 'logTag' | 'segment' | 'previousCrc'>,
  range: Pick<Footer, 'first' | 'last'>,
  slices: readonly PlacedSlice[],
  position: number,
): { footer: Footer; bytes: Buffer[] } {
  const bodies = slices.map(({ slice }) => slice.loaded.encode());
  let bodyBytes = 0;
  const placed = slices.map(({ topic, partition, slice }, i) => {
    const { firstOffset, endOffset, bytes, records, maxTimestamp } = slice;
    const totals = { bytes, records, maxTimestamp };
    const { count } = slice.loaded;
    const crc = crc32c(bodies[i]!);
    const entry = { topic, partition, firstOffset, endOffset, ...totals, position: bodyBytes, count, crc };
    bodyBytes += bodies[i]!.length;
    return entry;
  });
  const directory = Buffer.from(JSON.stringify({ ...range, entries: placed } satisfies Footer));
  const front = Buffer.concat([Buffer.alloc(HEAD_BYTES), directory]);
  writeHead(front, { ...head, kind: 'footer', number: range.last, directoryBytes: directory.length, bodyBytes });
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32BE(TRAILER_MAGIC, 0);
  trailer.writeUInt32BE(position, 4);
  trailer.writeUInt32BE(position + front.length + bodyBytes + TRAILER_BYTES, 8);
  trailer.writeUInt32BE(crc32c(trailer.subarray(0, 12)), 12);
  return { footer: decodeFooter(directory, position + front.length), bytes: [front, ...bodies, trailer] };
}

/** The footer of a sealed file; undefined when there is none, or none that checks. */
export async function readFooter(file: DiskFile, segment: number): Promise<Footer | undefined> {
  const size = await file.size();
  if (size < TRAILER_BYTES) return undefined;
  const trailer = await file.read(size - TRAILER_BYTES, Buffer.alloc(TRAILER_BYTES));
  if (trailer.length < TRAILER_BYTES || trailer.readUInt32BE(0) !== TRAILER_MAGIC) return undefined;
  if (trailer.readUInt32BE(8) !== size || trailer.readUInt32BE(12) !== crc32c(trailer.subarray(0, 12)))
    return undefined;
  const position = trailer.readUInt32BE(4);
  const head = readHead(await file.read(position, Buffer.alloc(HEAD_BYTES)));
  if (typeof head === 'string' || head.kind !== 'footer' || head.segment !== segment) return undefined;
  if (position + HEAD_BYTES + head.directoryBytes + head.bodyBytes + TRAILER_BYTES !== size) return undefined;
  const front = await file.read(position, Buffer.alloc(HEAD_BYTES + head.directoryBytes));
  if (headCrc(front, head.directoryBytes) !== storedCrc(front)) return undefined;
  return decodeFooter(front.subarray(HEAD_BYTES), position + front.length);
}

/** Whether an index in it is not what was written. */
export async function hasBadIndex(file: DiskFile, { entries }: Footer): Promise<boolean> {
  for (const { position, count, crc } of entries) {
    const length = BatchIndex.byteLength(count);
    const bytes = await file.read(position, Buffer.allocUnsafeSlow(length));
    if (bytes.length < length || crc32c(bytes) !== crc) return true;
  }
  return false;
}

/** In the directory, places count from the body's beginning; here, from the file's. */
export function decodeFooter(directory: Buffer, bodyPosition: number): Footer {
  const footer = JSON.parse(directory.toString()) as Footer;
  return { ...footer, entries: footer.entries.map(entry => ({ ...entry, position: bodyPosition + entry.position })) };
}
