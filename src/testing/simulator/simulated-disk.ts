import type { Disk, DiskFile } from '../../adapters/embedded/disk.ts';
import { FatalError } from '../../errors.ts';
import type { DiskFaults } from './disk-faults.ts';
import type { Random } from './random.ts';
import type { Turns } from './scheduler.ts';

const PAGE_BYTES = 512;

/** What was done to a file since its last sync: applied to what is durable, it gives what its readers see. */
type Change = { readonly position: number; readonly bytes: Buffer } | { readonly size: number };

interface StoredFile {
  readonly durable: Bytes;
  readonly seen: Bytes;
  pending: Change[];
}

/** What lies on a disk: what is durable, and what was done since and may go with the power. It outlives the processes that use it. */
export class Storage {
  readonly files = new Map<string, StoredFile>();
  readonly #durableNames = new Map<string, StoredFile>();
  /** Names that came or went since they were synced. */
  #renames: { readonly name: string; readonly file: StoredFile | null }[] = [];

  create(name: string): void {
    const file = { durable: new Bytes(), seen: new Bytes(), pending: [] };
    this.files.set(name, file);
    this.#renames.push({ name, file });
  }

  remove(name: string): void {
    this.files.delete(name);
    this.#renames.push({ name, file: null });
  }

  change(file: StoredFile, change: Change): void {
    file.pending.push(change);
    file.seen.apply(change);
  }

  sync(file: StoredFile): void {
    for (const change of file.pending) file.durable.apply(change);
    file.pending = [];
  }

  /** What a sync that failed leaves durable is anybody's guess, and nothing is tried again. */
  syncSome(file: StoredFile, random: Random): void {
    applySome(file.durable, file.pending, random);
    file.pending = [];
  }

  syncNames(): void {
    for (const rename of this.#renames) this.#rename(rename);
    this.#renames = [];
  }

  /** Time passes: what was written may have become durable by itself. */
  settle(random: Random): void {
    if (random.chance(0.5)) this.syncNames();
    for (const file of this.files.values()) if (random.chance(0.5)) this.sync(file);
  }

  copy(): Storage {
    const copy = new Storage();
    const files = new Map<StoredFile, StoredFile>();
    const copyOf = (file: StoredFile): StoredFile => {
      const known = files.get(file);
      if (known !== undefined) return known;
      const made = { durable: file.durable.copy(), seen: file.seen.copy(), pending: [...file.pending] };
      files.set(file, made);
      return made;
    };
    for (const [name, file] of this.files) copy.files.set(name, copyOf(file));
    for (const [name, file] of this.#durableNames) copy.#durableNames.set(name, copyOf(file));
    copy.#renames = this.#renames.map(({ name, file }) => ({ name, file: file && copyOf(file) }));
    return copy;
  }

  /** As the power's return finds it. */
  afterPowerCut(random: Random): Storage {
    for (const rename of this.#renames) if (random.chance(0.5)) this.#rename(rename);
    const found = new Storage();
    for (const [name, { durable, pending }] of this.#durableNames) {
      applySome(durable, pending, random);
      const file = { durable, seen: durable.copy(), pending: [] };
      found.files.set(name, file);
      found.#durableNames.set(name, file);
    }
    return found;
  }

  #rename({ name, file }: { readonly name: string; readonly file: StoredFile | null }): void {
    if (file === null) this.#durableNames.delete(name);
    else this.#durableNames.set(name, file);
  }
}

/** A bit that reads as another one until it is written again. */
interface Rot {
  readonly file: StoredFile;
  readonly position: number;
  readonly mask: number;
}

/**
 * A disk in memory that does what disks do: what was not synced before the power went is lost, kept or kept in part, page by
 * page and name by name; it fills up, cuts writes short, fails, and reads wrong bits, where `faults` says so.
 */
export class SimulatedDisk implements Disk {
  #rot: Rot | undefined;
  /** The file with a bit that reads as another one; undefined: there is none. */
  readonly rotten: string | undefined;
  #holder: string | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly turns: Turns,
    private readonly faults: DiskFaults,
    random: Random,
  ) {
    if (faults.kind !== 'bit-rot' || storage.files.size === 0) return;
    // at the end of a log, damage is hard to tell from a commit that never was
    const last = lastSegment(storage);
    const name = last !== undefined && random.chance(0.5) ? last : random.oneOf([...storage.files.keys()]);
    const file = storage.files.get(name)!;
    const { size } = file.seen;
    if (size === 0) return;
    const position = random.chance(0.5) ? size - 1 - random.below(Math.min(size, 300)) : random.below(size);
    this.rotten = name;
    this.#rot = { file, position, mask: 1 << random.below(8) };
  }

  pathOf(name: string): string {
    return `simulated:${name}`;
  }

  list(): Promise<string[]> {
    return this.turns.turn('list', () => [...this.storage.files.keys()]);
  }

  async lock(holder: string): Promise<() => Promise<void>> {
    if (this.#holder !== undefined)
      throw new FatalError('TOPO_FOLDER_LOCKED', `This disk is in use by ${this.#holder}.`);
    this.#holder = holder;
    return async () => {
      this.#holder = undefined;
    };
  }

  open(name: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    return this.turns.turn(`${mode === 'create' ? 'create' : 'open'} ${name}`, () => {
      if (mode === 'create') {
        this.#fail('create', name);
        this.storage.create(name);
      }
      const file = this.storage.files.get(name);
      if (file === undefined) throw new FatalError('TOPO_DISK', `There is no ${this.pathOf(name)}.`);
      return this.#handle(name, file);
    });
  }

  remove(name: string): Promise<void> {
    return this.turns.turn(`remove ${name}`, () => {
      this.#fail('remove', name);
      this.storage.remove(name);
    });
  }

  sync(): Promise<void> {
    return this.turns.turn('sync the folder', () => {
      this.#fail('sync', 'the folder');
      this.storage.syncNames();
    });
  }

  #handle(name: string, file: StoredFile): DiskFile {
    const { turns } = this;
    const change = (one: Change) => {
      if (this.#rot?.file === file && covers(one, this.#rot.position)) this.#rot = undefined;
      this.storage.change(file, one);
    };
    return {
      size: () => turns.turn(`size ${name}`, () => file.seen.size),
      read: (position, into) =>
        turns.turn(`read ${name} ${position} ${into.length}`, () => {
          this.#fail('read', name);
          const filled = file.seen.read(position, into);
          this.faults.flip(filled);
          if (this.#rot?.file === file) this.#spoil(this.#rot, position, filled);
          return filled;
        }),
      write: (position, buffers) => {
        const bytes = Buffer.concat(buffers);
        const part = (random: Random) => {
          const length = random.below(bytes.length);
          if (length > 0) change({ position, bytes: bytes.subarray(0, length) });
        };
        return turns.turn(
          `write ${name} ${position} ${bytes.length}`,
          () => {
            this.#fail('write', name, part);
            change({ position, bytes });
          },
          part,
        );
      },
      truncate: size =>
        turns.turn(`truncate ${name} ${size}`, () => {
          this.#fail('truncate', name);
          change({ size });
        }),
      sync: () =>
        turns.turn(`sync ${name}`, () => {
          this.#fail('sync', name, random => this.storage.syncSome(file, random));
          this.storage.sync(file);
        }),
      close: async () => {},
    };
  }

  #spoil({ position, mask }: Rot, from: number, filled: Buffer): void {
    if (position < from || position >= from + filled.length) return;
    this.faults.isHit = true;
    filled[position - from]! ^= mask;
  }

  #fail(operation: string, name: string, partly?: (random: Random) => void): void {
    const why = this.faults.next(operation, partly);
    if (why !== undefined)
      throw new FatalError('TOPO_DISK', `${this.pathOf(name)}: ${operation} failed, ${why}.`, { path: name });
  }
}

/** The file that a log is appended to. */
export const lastSegment = ({ files }: Storage): string | undefined =>
  [...files.keys()]
    .filter(name => name.endsWith('.seg'))
    .sort()
    .at(-1);

/** What a power cut leaves of changes that were not synced: all up to one that is torn, or some of them, whole or in part. */
function applySome(bytes: Bytes, changes: readonly Change[], random: Random): void {
  if (random.chance(0.4)) {
    const whole = random.below(changes.length + 1);
    for (const change of changes.slice(0, whole)) bytes.apply(change);
    const torn = changes[whole];
    if (torn !== undefined && 'bytes' in torn)
      bytes.apply({ position: torn.position, bytes: torn.bytes.subarray(0, random.below(torn.bytes.length)) });
    return;
  }
  for (const change of changes) {
    if (random.chance(0.25)) continue;
    const isWhole = random.chance(0.3);
    if (!('bytes' in change)) bytes.apply(change);
    else
      for (let at = 0; at < change.bytes.length; at += PAGE_BYTES)
        if (isWhole || random.chance(0.5))
          bytes.apply({ position: change.position + at, bytes: change.bytes.subarray(at, at + PAGE_BYTES) });
  }
}

const covers = (change: Change, position: number): boolean =>
  'size' in change
    ? change.size <= position
    : change.position <= position && position < change.position + change.bytes.length;

/** A file's bytes, which grow. */
class Bytes {
  size: number;
  #buffer: Buffer;

  constructor(content: Uint8Array = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(content);
    this.size = content.length;
  }

  copy(): Bytes {
    return new Bytes(this.#buffer.subarray(0, this.size));
  }

  read(position: number, into: Buffer): Buffer {
    const content = this.#buffer.subarray(0, this.size);
    return into.subarray(0, position < this.size ? content.copy(into, 0, position, position + into.length) : 0);
  }

  apply(change: Change): void {
    if ('size' in change) {
      if (change.size < this.size) this.#buffer.fill(0, change.size, this.size);
      this.size = Math.min(change.size, this.size);
      return;
    }
    const { position, bytes } = change;
    const end = position + bytes.length;
    if (end > this.#buffer.length) {
      const larger = Buffer.alloc(2 * end);
      this.#buffer.copy(larger, 0, 0, this.size);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, position);
    this.size = Math.max(this.size, end);
  }
}
