import type { ProcessorNode } from '../../graph/topology.ts';
import type { Compiled, Site } from '../chain.ts';
import { aggregate, aggregateTable } from './aggregate.ts';
import { join } from './join.ts';
import { table } from './table.ts';

/** Every processor by the name its nodes carry. Joins, tables and aggregates are all written on `Site`, once. */
export const PROCESSORS: Readonly<Record<string, (node: ProcessorNode, site: Site) => Compiled>> = {
  table,
  toTable: table,
  join,
  aggregate,
  aggregateTable,
};
