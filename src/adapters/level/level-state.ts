import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { MemoryLevel } from 'memory-level';
import { FatalError } from '../../errors.ts';
import type { StateBackend, TaskState } from '../../runtime/ports.ts';
import { damagedTable } from './table-check.ts';

/** What the two databases have in common, of what is used here. */
interface Database {
  open(): Promise<void>;
  close(): Promise<void>;
  /** Of a database on disk. */
  approximateSize?(from: string, to: string): Promise<number>;
  getSync(key: string): Uint8Array | undefined;
  batch(): Batch;
  iterator(range: { gte: string; lt: string }): {
    nextv(size: number): Promise<[key: string, value: Uint8Array][]>;
    close(): Promise<void>;
  };
}

interface Batch {
  put(key: string, value: Uint8Array): void;
  del(key: string): void;
  write(): Promise<void>;
}

/** The file in a database's folder that says that it was closed in order. */
const CLEAN = 'CLEAN';
/** Entries a read-through hands over at a time. */
const SLICE = 1000;
const MiB = 1024 * 1024;
/** Half of a state's memory is for two write buffers and a batch that is on its way into one; half for tables. */
const WRITE_BUFFER_PART = 1 / 6;
const TABLES_PART = 1 / 2;
const MOST_WRITE_BUFFER_BYTES = 16 * MiB;
/** LevelDB keeps no fewer tables open, and makes none smaller. */
const FEWEST_TABLES = 64;
const SMALLEST_TABLE_BYTES = 1 * MiB;
const LARGEST_TABLE_BYTES = 2 * MiB;
/** Of its open files, those that are no tables. */
const OTHER_FILES = 10;

/**
 * State in LevelDB, one database a task, each in a folder of its own under `folder`. Not fsynced: the changelog can rebuild it. After
 * a stop that was not in order, the checksums of its tables are checked before it is opened.
 */
export function levelState(folder: string): StateBackend {
  const locationOf = (task: string) => join(folder, encodeURIComponent(task));
  return {
    async open(task, memoryBytes) {
      const location = locationOf(task);
      await mkdir(location, { recursive: true });
      await checkTables(location);
      const database = new Level<string, Uint8Array>(location, {
        keyEncoding: 'utf8',
        valueEncoding: 'view',
        compression: false,
        blockSize: 16_384,
        ...levelBuffers(memoryBytes),
      });
      try {
        await database.open();
      } catch (cause) {
        throw openFailed(location, cause);
      }
      return new LevelTaskState(database, { location, close: () => closeInOrder(database, location) });
    },
    async setAside(task) {
      const location = locationOf(task);
      for (let n = 1; ; n++) {
        const aside = `${location}.damaged-${n}`;
        try {
          await mkdir(aside);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
          throw error;
        }
        await rename(location, aside);
        return aside;
      }
    },
  };
}

/** Its tables are mapped; without compression they are read where they are mapped, and nothing comes into LevelDB's block cache. */
export function levelBuffers(memoryBytes: number) {
  const tablesBytes = memoryBytes * TABLES_PART;
  const tableBytes = Math.min(LARGEST_TABLE_BYTES, Math.max(SMALLEST_TABLE_BYTES, tablesBytes / FEWEST_TABLES));
  return {
    writeBufferSize: Math.min(MOST_WRITE_BUFFER_BYTES, Math.floor(memoryBytes * WRITE_BUFFER_PART)),
    maxFileSize: Math.floor(tableBytes),
    maxOpenFiles: Math.max(FEWEST_TABLES, Math.floor(tablesBytes / tableBytes)) + OTHER_FILES,
    cacheSize: 0,
  };
}

/** State in memory, for tests. What was written stays until the backend is dropped, across `open` and `close`. */
export function memoryState(): StateBackend {
  const databases = new Map<string, Database>();
  return {
    async open(task) {
      const database =
        databases.get(task) ?? new MemoryLevel<string, Uint8Array>({ storeEncoding: 'view', valueEncoding: 'view' });
      databases.set(task, database);
      await database.open();
      return new LevelTaskState(database, { location: `memory:${task}`, close: async () => {} });
    },
    async setAside(task) {
      databases.delete(task);
      return `${task} (in memory)`;
    },
  };
}

class LevelTaskState implements TaskState {
  constructor(
    private readonly database: Database,
    private readonly options: { readonly location: string; readonly close: () => Promise<void> },
  ) {}

  get(key: string): Uint8Array | undefined {
    return this.database.getSync(key);
  }

  async write(entries: Iterable<readonly [key: string, value: Uint8Array | null]>): Promise<void> {
    // a chained batch takes two thirds of the time of one from an array
    const batch = this.database.batch();
    try {
      for (const [key, value] of entries)
        if (value === null) batch.del(key);
        else batch.put(key, value);
      await batch.write();
    } catch (cause) {
      throw new FatalError(
        'TOPO_DISK',
        `the state in ${this.options.location} cannot be written: ${(cause as Error).message}. Make room or mend the disk, then start ` +
          'again: what was committed is rebuilt from the changelog.',
        { path: this.options.location },
        { cause },
      );
    }
  }

  async *entries(from: string, to: string): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    const iterator = this.database.iterator({ gte: from, lt: to });
    try {
      for (let slice = await iterator.nextv(SLICE); slice.length > 0; slice = await iterator.nextv(SLICE)) yield* slice;
    } finally {
      await iterator.close();
    }
  }

  async approximateBytes(from: string, to: string): Promise<number> {
    if (this.database.approximateSize) return this.database.approximateSize(from, to);
    let bytes = 0;
    for await (const [key, value] of this.entries(from, to)) bytes += key.length + value.length;
    return bytes;
  }

  async close(): Promise<void> {
    await this.options.close();
  }
}

/** @throws FatalError `TOPO_STATE_DAMAGED` */
async function checkTables(location: string): Promise<void> {
  const mark = join(location, CLEAN);
  const isClean = await rm(mark).then(
    () => true,
    () => false,
  );
  const damaged = isClean ? null : await damagedTable(location);
  if (damaged === null) return;
  const path = join(location, damaged);
  throw new FatalError('TOPO_STATE_DAMAGED', `${path} is not what was written`, {
    path,
  });
}

async function closeInOrder(database: Database, location: string): Promise<void> {
  await database.close();
  // without it the next start checks the tables
  await writeFile(join(location, CLEAN), '').catch(() => {});
}

function openFailed(location: string, cause: unknown): FatalError {
  const { code, message } = ((cause as Error).cause ?? cause) as NodeJS.ErrnoException;
  if (code === 'LEVEL_LOCKED')
    return new FatalError(
      'TOPO_FOLDER_LOCKED',
      `another process has the state in ${location} open`,
      { path: location },
      { cause },
    );
  // a file that LevelDB's own list names and the folder lacks is damage too
  if (code === 'LEVEL_CORRUPTION' || /corrupt|no such file/i.test(message))
    return new FatalError('TOPO_STATE_DAMAGED', `the state in ${location} is damaged`, { path: location }, { cause });
  return new FatalError(
    'TOPO_FOLDER_UNUSABLE',
    `the state in ${location} cannot be opened: ${message}`,
    { path: location },
    { cause },
  );
}
