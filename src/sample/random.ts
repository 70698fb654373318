/**
 * Seeded random numbers by counter: `at(purpose, subject, round)` is always the same start for one seed, whatever was drawn
 * before. So what happens to one policy does not depend on the others, and nothing of the generator has to be remembered.
 * The sequence behind each start is sfc32 (Doty-Humphrey, PractRand).
 */
export class Random {
  readonly #seed: number;
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;

  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  /** Goes to the start that belongs to these three integers. */
  at(purpose: number, subject: number, round: number): this {
    this.#a = this.#seed;
    this.#b = subject | 0;
    this.#c = Math.imul(purpose + 1, 0x9e3779b1) ^ round;
    this.#counter = 1;
    for (let i = 0; i < 12; i++) this.#next();
    return this;
  }

  /** In [0, 1). */
  unit(): number {
    return this.#next() / 0x100000000;
  }

  between(from: number, to: number): number {
    return from + (to - from) * this.unit();
  }

  /** An integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  oneOf<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
