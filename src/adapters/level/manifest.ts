import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maskedCrc, readNumber, skipBytes } from './format.ts';

// A manifest is a log (https://github.com/google/leveldb/blob/main/doc/log_format.md) of edits to the list of tables
// (https://github.com/google/leveldb/blob/main/db/version_edit.cc).

const BLOCK_BYTES = 32_768;
/** Checksum, length and type. */
const HEAD_BYTES = 7;
const RECORD = { none: 0, full: 1, first: 2, middle: 3, last: 4 } as const;
const EDIT = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedTable: 6,
  newTable: 7,
  previousLog: 9,
} as const;

/**
 * The names of the tables that a LevelDB in a folder consists of. Others may lie there, whole or not: a process that dies while it
 * writes a table leaves what it has of it, and the next opening removes that.
 *
 * What is behind damage in the list is left out: LevelDB refuses such a list when it opens.
 */
export async function liveTables(folder: string): Promise<string[]> {
  const numbers = new Set<number>();
  try {
    for (const edit of recordsOf(await currentManifest(folder))) apply(edit, numbers);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return (await readdir(folder))
    .filter(name => /^\d+\.(ldb|sst)$/.test(name) && numbers.has(parseInt(name, 10)))
    .sort();
}

/** Empty where there is none: no database yet, or one that LevelDB refuses or begins anew. */
async function currentManifest(folder: string): Promise<Buffer> {
  try {
    const name = /^(MANIFEST-\d+)\n$/.exec(await readFile(join(folder, 'CURRENT'), 'latin1'))?.[1];
    return name === undefined ? Buffer.alloc(0) : await readFile(join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** The records of a log, up to its end or to one that is not whole. */
function* recordsOf(log: Buffer): Generator<Buffer, void> {
  let parts: Buffer[] = [];
  for (let position = 0; position + HEAD_BYTES <= log.length;) {
    const left = BLOCK_BYTES - (position % BLOCK_BYTES);
    const start = position + HEAD_BYTES;
    const end = start + log.readUInt16LE(position + 4);
    const type = log[position + 6]!;
    // what is left of a block that was not filled
    if (left < HEAD_BYTES || (type === RECORD.none && end === start)) {
      position += left;
      continue;
    }
    if (end > log.length || log.readUInt32LE(position) !== maskedCrc(log.subarray(start - 1, end))) return;
    if (type === RECORD.full || type === RECORD.first) parts = [];
    parts.push(log.subarray(start, end));
    if (type === RECORD.full || type === RECORD.last) yield Buffer.concat(parts);
    position = end;
  }
}

function apply(edit: Buffer, numbers: Set<number>): void {
  const at = { buffer: edit, position: 0 };
  while (at.position < edit.length) {
    const tag = readNumber(at);
    switch (tag) {
      case EDIT.comparator:
        skipBytes(at);
        break;
      case EDIT.logNumber:
      case EDIT.nextFile:
      case EDIT.lastSequence:
      case EDIT.previousLog:
        readNumber(at);
        break;
      case EDIT.compactPointer:
        readNumber(at);
        skipBytes(at);
        break;
      case EDIT.deletedTable:
        readNumber(at);
        numbers.delete(readNumber(at));
        break;
      case EDIT.newTable:
        readNumber(at);
        numbers.add(readNumber(at));
        readNumber(at);
        skipBytes(at);
        skipBytes(at);
        break;
      default:
        return; // LevelDB refuses what it does not know
    }
  }
}
