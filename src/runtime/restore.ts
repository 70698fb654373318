import { FatalError } from '../errors.ts';
import { keptName } from '../graph/names.ts';
import type { Topology } from '../graph/topology.ts';
import { BatchReader } from '../records/batch-reader.ts';
import { lost } from './lost.ts';
import { openNumbered } from './numbered-state.ts';
import type { StorePlan } from './plan.ts';
import type { Broker, Log, StateBackend, TaskState, TopicPartition } from './ports.ts';
import { stamped } from './stamped.ts';
import { storePrefix } from './store.ts';
import type { StateWrite } from './store.ts';

/** A write to the state comes at the first of these. */
const WRITES_AT_ONCE = 10_000;
const WRITE_BYTES = 4 * 1024 * 1024;
const FETCH_BYTES = 4 * 1024 * 1024;
const FETCH_WAIT_MS = 1000;

const COMMIT_KEY = 'm/commit';
const changelogKey = (store: string) => `m/changelog/${store}`;

const numberIn = (bytes: Uint8Array | undefined): number =>
  bytes === undefined ? 0 : Number(Buffer.from(bytes).toString());
const number = (value: number): Buffer => Buffer.from(String(value));

/** What a state write of a commit says besides the stores' entries: which commit it is, and what of the changelogs it reflects. */
export function commitWrites(commit: number, changelogs: ReadonlyMap<string, number>): StateWrite[] {
  const writes: StateWrite[] = [[COMMIT_KEY, number(commit)]];
  for (const [store, offset] of changelogs) writes.push([changelogKey(store), number(offset)]);
  return writes;
}

/** What a state write says of how far it reflects a changelog. */
export const reflects = ({ store }: StorePlan, offset: number): StateWrite => [
  changelogKey(keptName(store)),
  number(offset),
];

export interface Restored {
  readonly state: TaskState;
  /** Stores whose changelogs lack records that damage took: those are to be written anew. */
  readonly lossy: readonly StorePlan[];
}

export interface RestoreRequest {
  readonly topology: Topology;
  readonly task: string;
  readonly partition: number;
  readonly stores: readonly StorePlan[];
  /** The task's last commit as the broker knows it. */
  readonly commit: number;
  readonly backend: StateBackend;
  readonly stateBytes: number;
  readonly broker: Broker;
  readonly log: Log;
  /** A state that is ahead of the log is set aside, too. */
  readonly acceptLoss: boolean;
  onProgress?(restored: number, total: number): void;
}

/**
 * Opens a task's state and replays what its changelogs have beyond it. A state is never wiped: one that is damaged, has a hole
 * (LevelDB is not fsynced, so a power cut may leave one), or belongs to another log is set aside and made anew.
 * @throws FatalError `TOPO_LOG_DAMAGED` when a state is ahead of the log, unless that is accepted
 */
export async function restore(request: RestoreRequest): Promise<Restored> {
  const state = await openState(request);
  try {
    const lossy: StorePlan[] = [];
    for (const store of request.stores) if (await replay(state, store, request)) lossy.push(store);
    return { state, lossy };
  } catch (error) {
    await state.close();
    throw error;
  }
}

/** The broker's commit is durable before the state is written: a state with a later one shows that the log has lost its end. */
async function openState(request: RestoreRequest): Promise<TaskState> {
  const { topology, task, backend, stateBytes, broker, commit, log, acceptLoss } = request;
  const ahead = (state: TaskState): string | null => {
    const last = numberIn(state.get(COMMIT_KEY));
    return last > commit ? `has commit ${last}, and the log of the same broker ends with commit ${commit}` : null;
  };
  const numbered = { id: task, of: `task ${task}`, backend, stateBytes, clusterId: broker.clusterId, log };
  const state = await openNumbered(numbered, acceptLoss ? ahead : undefined);
  const flaw = ahead(state);
  if (flaw === null) return state;
  await state.close();
  throw lost(`the state of task ${task} ${flaw}: commits were lost from the log's end.`, { topology: topology.name });
}

function withoutKey({ topic, partition }: TopicPartition, offset: number): FatalError {
  return new FatalError(
    'TOPO_LOG_DAMAGED',
    `${topic}-${partition} holds a record without a key at offset ${offset}: somebody else wrote to it. Bring the topic back from a backup.`,
    { topic, partition, offset },
  );
}

/** Returns whether the changelog lacks records that damage took. */
async function replay(state: TaskState, plan: StorePlan, request: RestoreRequest): Promise<boolean> {
  const { store, changelog } = plan;
  const { broker, partition, task, log } = request;
  const [range] = await broker.offsets([{ topic: changelog, partition }]);
  const from = numberIn(state.get(changelogKey(keptName(store))));
  const place = { topic: changelog, partition, offset: range!.end };
  if (from > range!.end && !request.acceptLoss)
    throw lost(
      `the state of task ${task} reflects ${changelog}-${partition} up to offset ${from}, but that ends at ${range!.end}: records were lost.`,
      place,
    );
  const isLossy = from > range!.end || range!.lostBefore !== undefined;
  if (from < (range!.lostBefore ?? 0))
    log.warn(
      { code: 'TOPO_LOG_DAMAGED', task, ...place, offset: from },
      `store '${store.name}' is made from a changelog that has lost records: what they said of their keys is lost`,
    );
  const reader = broker.reader();
  const records = new BatchReader();
  const prefix = storePrefix(keptName(store));
  let writes: StateWrite[] = [];
  let bytes = 0;
  const flush = async (offset: number) => {
    await state.write([...writes, reflects(plan, offset)]);
    writes = [];
    bytes = 0;
  };
  try {
    let offset = Math.max(from, range!.start);
    while (offset < range!.end) {
      const [fetched] = await reader.fetch(
        [{ topic: changelog, partition, offset, maxBytes: FETCH_BYTES }],
        FETCH_WAIT_MS,
      );
      for (const batch of fetched!.batches) {
        records.load(batch, fetched!);
        while (records.next()) {
          if (records.offset < offset) continue;
          if (records.keyStart < 0) throw withoutKey(fetched!, records.offset);
          const value = records.valueBytes();
          writes.push([prefix + records.keyText(), value === null ? null : stamped(value, records.timestamp)]);
          bytes += records.recordEnd - records.bodyStart;
        }
      }
      offset = fetched!.nextOffset;
      if (writes.length >= WRITES_AT_ONCE || bytes >= WRITE_BYTES) await flush(offset);
      request.onProgress?.(offset - from, range!.end - from);
    }
    if (offset > from) await flush(offset);
  } finally {
    await reader.close();
  }
  return isLossy;
}
