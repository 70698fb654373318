import type { PageReader } from './join-page.ts';

/** The waiting records that one record joins, by timestamp, then in order of arrival. Filled anew for each record. */
export class Matches {
  count = 0;
  readonly #pages: Uint8Array[] = [];
  readonly #pageOf: number[] = [];
  readonly #positions: number[] = [];
  readonly #times: number[] = [];
  /** Where the stretch of time begins that is being filled. */
  #stretch = 0;
  #isInOrder = true;

  clear(): void {
    this.count = this.#pages.length = 0;
  }

  /** What follows is later than all that is there. */
  beginStretch(): void {
    this.#stretch = this.count;
    this.#isInOrder = true;
  }

  /** An entry of this page follows. */
  add(page: Uint8Array, position: number, time: number): void {
    const at = this.count++;
    if (this.#pages[this.#pages.length - 1] !== page) this.#pages.push(page);
    if (at > this.#stretch && this.#times[at - 1]! > time) this.#isInOrder = false;
    this.#pageOf[at] = this.#pages.length - 1;
    this.#positions[at] = position;
    this.#times[at] = time;
  }

  endStretch(): void {
    if (this.#isInOrder) return;
    const order: number[] = [];
    for (let at = this.#stretch; at < this.count; at++) order.push(at);
    order.sort((a, b) => this.#times[a]! - this.#times[b]! || a - b);
    for (const values of [this.#pageOf, this.#positions, this.#times]) {
      const sorted = order.map(at => values[at]!);
      for (let i = 0; i < sorted.length; i++) values[this.#stretch + i] = sorted[i]!;
    }
  }

  timeOf(index: number): number {
    return this.#times[index]!;
  }

  /** Turns the reader to a match. */
  read(index: number, reader: PageReader): void {
    reader.load(this.#pages[this.#pageOf[index]!]!, this.#positions[index]).next();
  }
}
