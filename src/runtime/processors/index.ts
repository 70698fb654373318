import type { ProcessorNode } from '../../graph/topology.ts';
import type { Compiled, Lookup, Site } from '../chain.ts';
import { aggregate, aggregateTable } from './aggregate.ts';
import { join } from './join.ts';
import { aggregateRows, storedRows } from './rows.ts';
import { table } from './table.ts';

/** How one sort of processor runs. All are written on `Site`. */
export interface Processor {
  compile(node: ProcessorNode, site: Site): Compiled;
  /** How others look up its rows, if it is a table they can look up. */
  rows?(node: ProcessorNode, site: Pick<Site, 'slots' | 'store' | 'lookup'>): Lookup;
}

/** Every processor by the name its nodes carry. */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  table: { compile: table, rows: storedRows },
  toTable: { compile: table, rows: storedRows },
  join: { compile: join },
  aggregate: { compile: aggregate, rows: aggregateRows },
  aggregateTable: { compile: aggregateTable, rows: aggregateRows },
};
