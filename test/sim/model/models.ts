import type {
  KeyNode,
  Node,
  ProcessorNode,
  RxNode,
  SinkNode,
  SourceNode,
  TransformNode,
} from '../../../src/graph/topology.ts';
import { aggregateModel, aggregateTableModel, timeWindowModel } from './aggregates.ts';
import { mapAsyncModel } from './calls.ts';
import { keyModel, pipeModel, sinkModel, transformModel } from './stateless.ts';
import { dedupeModel, processModel } from './process.ts';
import { streamJoinModel } from './stream-join.ts';
import { joinModel, tableJoinModel, tableModel } from './tables.ts';
import type { Modelled, ModelSite } from './parts.ts';

type Model<N extends Node> = (node: N, site: ModelSite) => Modelled;

const source: Model<SourceNode> = (_, { next }) => ({ inputs: [next] });
const sink: Model<SinkNode> = sinkModel;
const transform: Model<TransformNode> = transformModel;
const key: Model<KeyNode> = keyModel;
const rx: Model<RxNode> = pipeModel;
const process: Model<ProcessorNode> = processModel;

/** A naive model of each kind of node and processor that random topologies have. */
export const MODELS: Readonly<Record<string, Model<never>>> = {
  source,
  sink,
  transform,
  key,
  rx,
  table: tableModel,
  toTable: tableModel,
  join: joinModel,
  tableJoin: tableJoinModel,
  streamJoin: streamJoinModel,
  aggregate: aggregateModel,
  aggregateTable: aggregateTableModel,
  timeWindow: timeWindowModel,
  dedupe: dedupeModel,
  mapAsync: mapAsyncModel,
  process,
  scan: process,
  distinctUntilChanged: process,
  pairwise: process,
  bufferCount: process,
  bufferTime: process,
  debounceTime: process,
  throttleTime: process,
};
