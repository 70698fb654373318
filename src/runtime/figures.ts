import type { Topology } from '../graph/topology.ts';
import type { Counters, DropReason, StepFigures } from './counters.ts';
import { DROP_REASONS } from './counters.ts';
import type { Task } from './task.ts';

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
}

export function figuresOf(topology: Topology, counters: Counters, tasks: readonly Task[], isIdle: boolean): Figures {
  const steps = counters.figures();
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
    lag: tasks.reduce((total, task) => task.inputs.reduce((lag, input) => lag + input.lag, total), 0),
    isIdle,
    steps,
  };
}
