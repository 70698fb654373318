/** How often which values came, as Prometheus counts them. */
export interface HistogramFigures {
  /** Ascending. */
  readonly upperBounds: readonly number[];
  /** How many values were at most their bound and above the one before; the last count is of those above all bounds. */
  readonly counts: readonly number[];
  /** Of all values. */
  readonly sum: number;
}

/** Counts values by size; an observation allocates nothing. */
export class Histogram {
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(private readonly upperBounds: readonly number[]) {
    this.#counts = new Float64Array(upperBounds.length + 1);
  }

  /** Counts one value, `times` over. */
  observe(value: number, times = 1): void {
    const { upperBounds } = this;
    let at = 0;
    while (at < upperBounds.length && value > upperBounds[at]!) at++;
    this.#counts[at]! += times;
    this.#sum += value * times;
  }

  figures(): HistogramFigures {
    return { upperBounds: this.upperBounds, counts: [...this.#counts], sum: this.#sum };
  }
}
