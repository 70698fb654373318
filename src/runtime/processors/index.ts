import type { ProcessorNode } from '../../graph/topology.ts';
import type { Compiled, Lookup, RowsSite, Site } from '../chain.ts';
import { foreignKeyJoin } from '../foreign-key/join.ts';
import { foreignKey, foreignKeyVersions } from '../foreign-key/referrers.ts';
import { foreignKeySubscribers } from '../foreign-key/subscribers.ts';
import { aggregate, aggregateTable } from './aggregate.ts';
import { globalJoin } from './global-join.ts';
import { dedupe } from './dedupe.ts';
import { graceJoin } from './grace-join.ts';
import { join } from './join.ts';
import { mapAsync } from './map-async.ts';
import { process } from './process.ts';
import { aggregateRows, keptRows, storedRows } from './rows.ts';
import { sessionWindow } from './session-window.ts';
import { slidingWindow } from './sliding-window.ts';
import { streamJoin } from './stream-join.ts';
import { suppress } from './suppress.ts';
import { tableJoin, tableJoinRows } from './table-join.ts';
import { table } from './table.ts';
import { timeWindow } from './time-window.ts';
import { versionedRows, versionedTable } from './versioned-table.ts';

/** How one sort of processor runs. All are written on `Site`. */
export interface Processor {
  compile(node: ProcessorNode, site: Site): Compiled;
  /** How others look up its rows, if it is a table they can look up. */
  rows?(node: ProcessorNode, site: RowsSite): Lookup;
}

/** Every processor by the name its nodes carry. */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  table: { compile: table, rows: storedRows },
  versionedTable: { compile: versionedTable, rows: versionedRows },
  toTable: { compile: table, rows: storedRows },
  join: { compile: join },
  globalJoin: { compile: globalJoin },
  graceJoin: { compile: graceJoin },
  tableJoin: { compile: tableJoin, rows: tableJoinRows },
  streamJoin: { compile: streamJoin },
  aggregate: { compile: aggregate, rows: aggregateRows },
  aggregateTable: { compile: aggregateTable, rows: aggregateRows },
  timeWindow: { compile: timeWindow, rows: aggregateRows },
  slidingWindow: { compile: slidingWindow },
  sessionWindow: { compile: sessionWindow },
  suppress: { compile: suppress },
  foreignKey: { compile: foreignKey, rows: foreignKeyVersions },
  foreignKeySubscribers: { compile: foreignKeySubscribers },
  foreignKeyJoin: { compile: foreignKeyJoin, rows: keptRows },
  mapAsync: { compile: mapAsync },
  dedupe: { compile: dedupe },
  process: { compile: process },
  // written on `process`; a name each, since the state of one is no state of another
  scan: { compile: process },
  distinctUntilChanged: { compile: process },
  pairwise: { compile: process },
  bufferCount: { compile: process },
  bufferTime: { compile: process },
  debounceTime: { compile: process },
  throttleTime: { compile: process },
};
