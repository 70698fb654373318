import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maskedCrc, readNumber, type Place } from './format.ts';
import { liveTables } from './manifest.ts';

// LevelDB's table format: https://github.com/google/leveldb/blob/main/doc/table_format.md

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Behind a block: how it is compressed, and the checksum of both. */
const TYPE_BYTES = 1;
const CHECKSUM_BYTES = 4;

interface Block {
  readonly offset: number;
  readonly size: number;
}

/**
 * The first table of the LevelDB in a folder that does not hold what was written, or null. LevelDB itself checks no block when it
 * reads: a flipped bit in a value comes back as another value.
 */
export async function damagedTable(folder: string): Promise<string | null> {
  for (const file of await liveTables(folder)) if (!isWhole(await readFile(join(folder, file)))) return file;
  return null;
}

/** Whether every block of a table is as its checksum says. */
function isWhole(table: Buffer): boolean {
  const footer = table.length - FOOTER_BYTES;
  if (footer < 0 || table.readBigUInt64LE(table.length - 8) !== MAGIC) return false;
  try {
    const handles = { buffer: table, position: footer };
    for (const directory of [readHandle(handles), readHandle(handles)])
      for (const block of entriesOf(checked(table, directory, footer))) checked(table, block, footer);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** A block's content. @throws RangeError where it is not what was written */
function checked(table: Buffer, { offset, size }: Block, end: number): Buffer {
  const over = offset + size + TYPE_BYTES;
  if (over + CHECKSUM_BYTES > end) throw new RangeError('a block reaches beyond its file');
  if (table.readUInt32LE(over) !== maskedCrc(table.subarray(offset, over)))
    throw new RangeError('a block is not what was written');
  return table.subarray(offset, offset + size);
}

/** The blocks that a directory names: its entries' values. Keys share what they begin with; the restart points stand at the end. */
function entriesOf(directory: Buffer): Block[] {
  const end = directory.length - 4 - 4 * directory.readUInt32LE(directory.length - 4);
  const reader = { buffer: directory, position: 0 };
  const blocks: Block[] = [];
  while (reader.position < end) {
    readNumber(reader);
    const keyBytes = readNumber(reader);
    const valueBytes = readNumber(reader);
    const value = reader.position + keyBytes;
    blocks.push(readHandle({ buffer: directory, position: value }));
    reader.position = value + valueBytes;
  }
  return blocks;
}

function readHandle(at: Place): Block {
  return { offset: readNumber(at), size: readNumber(at) };
}
