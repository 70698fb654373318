import type { Random } from './random.ts';

/** What may go wrong with a disk while a process uses it. `bit-rot`: one bit of what lies there is another one. */
export const DISK_FAULTS = ['full', 'failed-write', 'failed-sync', 'failed-read', 'flipped-read', 'bit-rot'] as const;
export type DiskFaultKind = (typeof DISK_FAULTS)[number];

const OPERATIONS: Readonly<Record<DiskFaultKind, readonly string[]>> = {
  full: ['create', 'write'],
  'failed-write': ['create', 'write', 'truncate', 'remove'],
  'failed-sync': ['sync'],
  'failed-read': ['read'],
  'flipped-read': [],
  'bit-rot': [],
};

/** The disk fault of one process: its n-th operation of that kind meets it. A disk that is full stays so. */
export class DiskFaults {
  /** Whether it happened. */
  isHit = false;
  #left: number;

  constructor(
    readonly kind: DiskFaultKind | 'none',
    at: number,
    private readonly random: Random,
  ) {
    this.#left = at;
  }

  /** Why the operation that is about to happen fails; undefined: it does not. A write that fails may leave a part. */
  next(operation: string, partly?: (random: Random) => void): string | undefined {
    const { kind } = this;
    if (kind === 'none' || !OPERATIONS[kind].includes(operation)) return undefined;
    if (--this.#left > 0 || (this.#left < 0 && kind !== 'full')) return undefined;
    this.isHit = true;
    if (partly !== undefined && this.random.chance(0.5)) partly(this.random);
    return kind === 'full' ? 'there is no room (ENOSPC)' : 'the device reports an error (EIO)';
  }

  /** Whether bits come out other than they were written, which only who reads them can notice. */
  get flipsBits(): boolean {
    return this.kind === 'flipped-read' || this.kind === 'bit-rot';
  }

  /** Turns a bit of what was read over. */
  flip(bytes: Uint8Array): void {
    if (this.kind !== 'flipped-read' || bytes.length === 0 || --this.#left !== 0) return;
    this.isHit = true;
    bytes[this.random.below(bytes.length)]! ^= 1 << this.random.below(8);
  }
}
