/** What a batch costs beyond its bytes: its view, and its entry in the map. */
const OVERHEAD_BYTES = 200;

/** The batches of the newest commits, as long as the memory behind them stays under a limit. */
export class RecentBatches {
  readonly #limitBytes: number;
  readonly #batches = new Map<number, Buffer>();
  /** One entry a commit, the oldest first. */
  #commits: { readonly keys: readonly number[]; readonly bytes: number }[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get(segment: number, position: number): Buffer | undefined {
    return this.#batches.get(keyOf(segment, position));
  }

  /** The batches of one commit, with their places in the segment. They keep all the memory alive that they are views of. */
  add(segment: number, batches: readonly (readonly [position: number, batch: Buffer])[]): void {
    if (batches.length === 0) return;
    const memory = new Set<ArrayBufferLike>();
    let bytes = batches.length * OVERHEAD_BYTES;
    const keys = batches.map(([position, batch]) => {
      if (!memory.has(batch.buffer)) bytes += batch.buffer.byteLength;
      memory.add(batch.buffer);
      const key = keyOf(segment, position);
      this.#batches.set(key, batch);
      return key;
    });
    this.#commits.push({ keys, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#limitBytes) this.#dropOldest();
  }

  #dropOldest(): void {
    const { keys, bytes } = this.#commits[this.#head++]!;
    for (const key of keys) this.#batches.delete(key);
    this.#bytes -= bytes;
    if (this.#head < 1000 || this.#head * 2 < this.#commits.length) return;
    this.#commits = this.#commits.slice(this.#head);
    this.#head = 0;
  }
}

const keyOf = (segment: number, position: number): number => segment * 0x100000000 + position;
