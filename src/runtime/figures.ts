import type { Topology } from '../graph/topology.ts';
import { Counters, DROP_REASONS } from './counters.ts';
import type { DropReason, StepFigures } from './counters.ts';
import type { LatencyFigures } from './latencies.ts';
import type { StoreFigures } from './store-figures.ts';

/** What a run has done since its start, and what is left to do. */
export interface Figures {
  /** Records read from the topology's source topics. */
  readonly in: number;
  /** Records written to its sinks. */
  readonly out: number;
  readonly deadLettered: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** Records that wait in its sources and repartitions, as last seen (gaps in the offsets count). */
  readonly lag: number;
  readonly isIdle: boolean;
  readonly steps: readonly StepFigures[];
  /** Of each store the caches of all tasks together. */
  readonly stores: readonly StoreFigures[];
  readonly latencies: LatencyFigures;
}

type Parts = Pick<Figures, 'isIdle' | 'lag' | 'stores' | 'latencies'>;

/** `counters`: of all tasks. */
export function figuresOf(topology: Topology, counters: readonly Counters[], parts: Parts): Figures {
  const total = new Counters(topology);
  for (const one of counters) total.add(one);
  const steps = total.figures();
  const kinds = new Map(topology.nodes.map(({ id, kind }) => [id, kind]));
  const sum = (of: (step: StepFigures) => number) => steps.reduce((total, step) => total + of(step), 0);
  const dropped: Partial<Record<DropReason, number>> = {};
  for (const reason of DROP_REASONS) {
    const count = sum(step => step.dropped[reason] ?? 0);
    if (count > 0) dropped[reason] = count;
  }
  return {
    in: sum(({ step, in: count }) => (kinds.get(step) === 'source' ? count : 0)),
    out: sum(({ step, out }) => (kinds.get(step) === 'sink' ? out : 0)),
    deadLettered: sum(step => step.deadLettered),
    dropped,
    steps,
    ...parts,
  };
}
