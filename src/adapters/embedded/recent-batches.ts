/** What a batch costs beyond its bytes: its view, and its entry in the map. */
const OVERHEAD_BYTES = 200;

/** The batches of the newest commits, as long as the memory behind them stays under a limit. */
export class RecentBatches {
  readonly #limitBytes: number;
  /** By file and place in it. */
  readonly #files = new Map<string, Map<number, Buffer>>();
  /** One entry a commit, the oldest first. */
  #commits: { readonly file: string; readonly positions: readonly number[]; readonly bytes: number }[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get(file: string, position: number): Buffer | undefined {
    return this.#files.get(file)?.get(position);
  }

  /** The batches of one commit, with their places in the file. They keep all the memory alive that they are views of. */
  add(file: string, batches: readonly (readonly [position: number, batch: Buffer])[]): void {
    if (batches.length === 0) return;
    let byPosition = this.#files.get(file);
    if (byPosition === undefined) this.#files.set(file, (byPosition = new Map()));
    const memory = new Set<ArrayBufferLike>();
    let bytes = batches.length * OVERHEAD_BYTES;
    for (const [position, batch] of batches) {
      if (!memory.has(batch.buffer)) bytes += batch.buffer.byteLength;
      memory.add(batch.buffer);
      byPosition.set(position, batch);
    }
    this.#commits.push({ file, positions: batches.map(([position]) => position), bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#limitBytes) this.#dropOldest();
  }

  #dropOldest(): void {
    const { file, positions, bytes } = this.#commits[this.#head++]!;
    const byPosition = this.#files.get(file)!;
    for (const position of positions) byPosition.delete(position);
    if (byPosition.size === 0) this.#files.delete(file);
    this.#bytes -= bytes;
    if (this.#head < 1000 || this.#head * 2 < this.#commits.length) return;
    this.#commits = this.#commits.slice(this.#head);
    this.#head = 0;
  }
}
