/** The seed of a random test: `TOPO_SEED`, or a new one. It is printed, so that a run can be repeated. */
export function seedOf(test: string): number {
  const given = Number(process.env['TOPO_SEED']);
  const seed = Number.isSafeInteger(given) && given > 0 ? given : 1 + Math.floor(Math.random() * 0x7fff_fffe);
  process.stdout.write(`${test}: TOPO_SEED=${seed}\n`);
  return seed;
}

/** Numbers from a seed (mulberry32): `below(n)` is a whole number from 0 to n - 1. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
