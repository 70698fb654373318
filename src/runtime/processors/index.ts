import type { ProcessorNode, Slots } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Compiled, Lookup, RowsSite, Site } from '../chain.ts';
import { foreignKeyJoin } from '../foreign-key/join.ts';
import { foreignKey, foreignKeyVersions } from '../foreign-key/referrers.ts';
import { foreignKeySubscribers } from '../foreign-key/subscribers.ts';
import { aggregate, aggregateTable } from './aggregate.ts';
import { dedupe } from './dedupe.ts';
import { graceJoin } from './grace-join.ts';
import { globalJoin, join } from './join.ts';
import { mapAsync } from './map-async.ts';
import { process } from './process.ts';
import {
  aggregateReading,
  keptReading,
  processReading,
  sessionReading,
  storedReading,
  timeWindowReading,
} from './reading.ts';
import type { Read } from './reading.ts';
import { aggregateRows, keptRows, shownState, storedRow, storedRows } from './rows.ts';
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
  /** What writes its rows to the store, where each row that it hands on is what it has just written. */
  shows?(slots: Slots): Serde<unknown> | undefined;
  /** How its stores read for those outside. Absent: they hold no rows, only what the step makes of them. */
  readonly read?: Read;
}

/** Every processor by the name its nodes carry. */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  table: { compile: table, rows: storedRows, read: storedReading, shows: storedRow },
  versionedTable: { compile: versionedTable, rows: versionedRows, read: storedReading },
  toTable: { compile: table, rows: storedRows, read: storedReading, shows: storedRow },
  join: { compile: join },
  globalJoin: { compile: globalJoin },
  graceJoin: { compile: graceJoin },
  tableJoin: { compile: tableJoin, rows: tableJoinRows },
  streamJoin: { compile: streamJoin },
  aggregate: { compile: aggregate, rows: aggregateRows, read: aggregateReading, shows: shownState },
  aggregateTable: { compile: aggregateTable, rows: aggregateRows, read: aggregateReading, shows: shownState },
  timeWindow: { compile: timeWindow, read: timeWindowReading },
  slidingWindow: { compile: slidingWindow },
  sessionWindow: { compile: sessionWindow, read: sessionReading },
  suppress: { compile: suppress },
  foreignKey: { compile: foreignKey, rows: foreignKeyVersions },
  foreignKeySubscribers: { compile: foreignKeySubscribers },
  foreignKeyJoin: { compile: foreignKeyJoin, rows: keptRows, read: keptReading },
  mapAsync: { compile: mapAsync },
  dedupe: { compile: dedupe },
  process: { compile: process, read: processReading },
  // written on `process`; a name each, since the state of one is no state of another
  scan: { compile: process, read: processReading },
  distinctUntilChanged: { compile: process, read: processReading },
  pairwise: { compile: process, read: processReading },
  bufferCount: { compile: process, read: processReading },
  bufferTime: { compile: process, read: processReading },
  debounceTime: { compile: process, read: processReading },
  throttleTime: { compile: process, read: processReading },
};
