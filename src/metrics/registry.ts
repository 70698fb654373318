import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { DEFINITIONS } from './definitions.ts';
import type { Definition } from './definitions.ts';
import { keptHistogram } from './kept-histogram.ts';
import { observe } from './observed.ts';
import type { Observed, Watched } from './observed.ts';

/** The metrics of the runs in this process, and of the process. Everything is read off at the scrape. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #runs: () => readonly Watched[];
  #observed: readonly Observed[] = [];

  /** `runs`: those to be shown, asked at each scrape. */
  constructor(runs: () => readonly Watched[]) {
    this.#runs = runs;
    collectDefaultMetrics({ register: this.#registry });
    for (const definition of DEFINITIONS) this.#register(definition);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    this.#observed = await Promise.all(this.#runs().map(observe));
    return this.#registry.metrics();
  }

  #register(definition: Definition): void {
    if (definition.type === 'histogram') {
      this.#registry.registerMetric(keptHistogram(definition, () => definition.read(this.#observed)));
      return;
    }
    const { name, help, labels, type, read } = definition;
    const samples = () => read(this.#observed);
    const configuration = { name, help, labelNames: labels, registers: [this.#registry] };
    if (type === 'gauge')
      new Gauge({
        ...configuration,
        collect() {
          this.reset();
          for (const [of, value] of samples()) this.set(of, value);
        },
      });
    else
      new Counter({
        ...configuration,
        collect() {
          this.reset();
          for (const [of, value] of samples()) this.inc(of, value);
        },
      });
  }
}
