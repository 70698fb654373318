import type { HistogramFigures } from '../runtime/histogram.ts';
import type { PartitionLag } from '../runtime/lag.ts';
import type { StepFigures } from '../runtime/counters.ts';
import type { StoreFigures } from '../runtime/store-figures.ts';
import type { Observed } from './observed.ts';

export type Label = 'topology' | 'step' | 'reason' | 'topic' | 'partition' | 'store';
export type Labels = Readonly<Partial<Record<Label, string | number>>>;
export type Sample<V> = readonly [labels: Labels, value: V];

/** A metric, and how its values are read off the runs. Names and units follow Prometheus' conventions. */
export type Definition = {
  readonly name: string;
  /** The first sentence of its row in `docs/metrics.md`. */
  readonly help: string;
  readonly labels: readonly Label[];
} & (
  | { readonly type: 'counter' | 'gauge'; readonly read: (runs: readonly Observed[]) => Sample<number>[] }
  | { readonly type: 'histogram'; readonly read: (runs: readonly Observed[]) => Sample<HistogramFigures>[] }
);

type Read<V> = (runs: readonly Observed[]) => Sample<V>[];

const perRun =
  <V>(samples: (run: Observed) => readonly Sample<V>[]): Read<V> =>
  runs =>
    runs.flatMap(run => samples(run).map(([labels, value]) => [{ topology: run.topology, ...labels }, value] as const));

const perStep = (value: (step: StepFigures) => number): Read<number> =>
  perRun(({ figures }) => figures.steps.map(one => [{ step: one.step }, value(one)]));

const perReason = (counts: (step: StepFigures) => Readonly<Record<string, number>>): Read<number> =>
  perRun(({ figures }) =>
    figures.steps.flatMap(one =>
      Object.entries(counts(one)).map(([reason, count]) => [{ step: one.step, reason }, count] as const),
    ),
  );

const perPartition = (value: (lag: PartitionLag) => number): Read<number> =>
  perRun(({ lag }) => lag.map(one => [{ topic: one.topic, partition: one.partition }, value(one)]));

const perStore = (value: (store: StoreFigures) => number): Read<number> =>
  perRun(({ figures }) => figures.stores.map(one => [{ store: one.store }, value(one)]));

/** Every metric of ours; those of the process and of Node come from prom-client besides. */
export const DEFINITIONS: readonly Definition[] = [
  {
    name: 'topo_records_in_total',
    help: 'Records handed to a step.',
    type: 'counter',
    labels: ['topology', 'step'],
    read: perStep(step => step.in),
  },
  {
    name: 'topo_records_out_total',
    help: 'Records handed on by a step; of a sink those written.',
    type: 'counter',
    labels: ['topology', 'step'],
    read: perStep(step => step.out),
  },
  {
    name: 'topo_records_dead_lettered_total',
    help: 'Records that a step could not process, by error code.',
    type: 'counter',
    labels: ['topology', 'step', 'reason'],
    read: perReason(step => step.deadLetters),
  },
  {
    name: 'topo_records_dropped_total',
    help: 'Records that a step dropped, by reason.',
    type: 'counter',
    labels: ['topology', 'step', 'reason'],
    read: perReason(step => step.dropped),
  },
  {
    name: 'topo_processing_duration_seconds',
    help: 'What a unit takes: a record with all it leads to in its task, or what fell due.',
    type: 'histogram',
    labels: ['topology'],
    read: perRun(({ figures }) => [[{}, figures.latencies.unit]]),
  },
  {
    name: 'topo_end_to_end_latency_seconds',
    help: "From a record's timestamp to the commit of what it led to in its task.",
    type: 'histogram',
    labels: ['topology', 'topic'],
    read: perRun(({ figures }) => [...figures.latencies.endToEnd].map(([topic, figure]) => [{ topic }, figure])),
  },
  {
    name: 'topo_commit_duration_seconds',
    help: 'What a commit of a task takes, until outputs are durable and state is written.',
    type: 'histogram',
    labels: ['topology'],
    read: perRun(({ figures }) => [[{}, figures.latencies.commit]]),
  },
  {
    name: 'topo_lag_records',
    help: 'Records of an input partition that are not committed yet.',
    type: 'gauge',
    labels: ['topology', 'topic', 'partition'],
    read: perPartition(({ lag }) => lag),
  },
  {
    name: 'topo_lag_seconds',
    help: 'How old the first record of an input partition is that is not committed yet.',
    type: 'gauge',
    labels: ['topology', 'topic', 'partition'],
    read: perPartition(({ lagMs }) => lagMs / 1000),
  },
  {
    name: 'topo_store_cache_hits_total',
    help: 'Looks into a store that its cache answered.',
    type: 'counter',
    labels: ['topology', 'store'],
    read: perStore(store => store.cacheHits),
  },
  {
    name: 'topo_store_cache_misses_total',
    help: 'Looks into a store that had to read the disk.',
    type: 'counter',
    labels: ['topology', 'store'],
    read: perStore(store => store.cacheMisses),
  },
  {
    name: 'topo_store_cache_bytes',
    help: "Memory that a store's cache takes.",
    type: 'gauge',
    labels: ['topology', 'store'],
    read: perStore(store => store.cachedBytes),
  },
  {
    name: 'topo_store_bytes',
    help: 'Disk that a store takes, about.',
    type: 'gauge',
    labels: ['topology', 'store'],
    read: perRun(({ sizes }) => [...sizes.stores].map(([store, bytes]) => [{ store }, bytes])),
  },
  {
    name: 'topo_state_bytes',
    help: 'Disk that the state of all tasks takes.',
    type: 'gauge',
    labels: ['topology'],
    read: perRun(({ sizes }) => [[{}, sizes.state]]),
  },
  {
    name: 'topo_log_bytes',
    help: "Disk that the embedded broker's log takes.",
    type: 'gauge',
    labels: [],
    // all runs of a process are on one log
    read: runs => runs.slice(0, 1).map(({ sizes }) => [{}, sizes.log]),
  },
];
