/** Units that the share of dead letters is taken of. */
const WINDOW = 10_000;
const SHARE = 0.05;
/** So many dead letters say something, in a row or by their share. */
const LEAST = 100;

/**
 * Tells a broken deploy from bad data: 100 units in a row that were dead-lettered, or more than 5 % of the last 10,000 and at
 * least 100. It costs nothing until something is dead-lettered.
 */
export class DeadLetterLimit {
  /** Units so far, the one under way included: it counts when it ends, however often it is tried. */
  #units = 1;
  #inARow = 0;
  /** Numbers of the units that were dead-lettered, of the last `WINDOW`. */
  #recent: number[] = [];

  unitEnded(): void {
    this.#units++;
  }

  /** The unit under way is dead-lettered. Returns what is wrong where that is once too often. */
  deadLettered(): string | null {
    const last = this.#recent.at(-1);
    if (last === this.#units) return null;
    this.#inARow = last === this.#units - 1 ? this.#inARow + 1 : 1;
    this.#recent.push(this.#units);
    if (this.#inARow >= LEAST) return `${LEAST} units in a row were dead-lettered`;
    const seen = Math.min(this.#units, WINDOW);
    while (this.#recent[0]! <= this.#units - seen) this.#recent.shift();
    const { length } = this.#recent;
    if (length < LEAST || length <= seen * SHARE) return null;
    return `${length} of the last ${seen} units were dead-lettered`;
  }
}
