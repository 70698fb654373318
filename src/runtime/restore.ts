import { FatalError } from '../errors.ts';
import { keptName } from '../graph/names.ts';
import type { Topology } from '../graph/topology.ts';
import { BatchReader } from '../records/batch-reader.ts';
import { openNumbered } from './numbered-state.ts';
import type { StorePlan } from './plan.ts';
import type { Broker, Log, StateBackend, TaskState, TopicPartition } from './ports.ts';
import { stamped } from './stamped.ts';
import { storePrefix } from './store.ts';
import type { StateWrite } from './store.ts';

const WRITES_AT_ONCE = 10_000;
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

export interface Restored {
  readonly state: TaskState;
  /** Changelog records read; 0 where the state was up to date. */
  readonly records: number;
}

export interface RestoreRequest {
  readonly topology: Topology;
  readonly task: string;
  readonly partition: number;
  readonly stores: readonly StorePlan[];
  /** The task's last commit as the broker knows it. */
  readonly commit: number;
  readonly backend: StateBackend;
  readonly broker: Broker;
  readonly log: Log;
  onProgress?(restored: number, total: number): void;
}

/**
 * Opens a task's state and replays what its changelogs have beyond it. A state is never wiped: one that is damaged, has a hole
 * (LevelDB is not fsynced, so a power cut may leave one), or belongs to another log is set aside and made anew.
 * @throws FatalError `TOPO_LOG_DAMAGED` when a state is ahead of the log
 */
export async function restore(request: RestoreRequest): Promise<Restored> {
  const state = await openState(request);
  try {
    let records = 0;
    for (const store of request.stores) records += await replay(state, store, request);
    return { state, records };
  } catch (error) {
    await state.close();
    throw error;
  }
}

async function openState({ topology, task, backend, broker, commit, log }: RestoreRequest): Promise<TaskState> {
  const state = await openNumbered({ id: task, of: `task ${task}`, backend, clusterId: broker.clusterId, log });
  const last = numberIn(state.get(COMMIT_KEY));
  if (last <= commit) return state;
  await state.close();
  // the broker's commit is durable before the state is written
  throw new FatalError(
    'TOPO_LOG_DAMAGED',
    `the state of task ${task} has commit ${last}, and the log of the same broker ends with commit ${commit}: commits were lost from the ` +
      `log's end. Bring the log back from a backup.`,
    { topology: topology.name },
  );
}

function withoutKey({ topic, partition }: TopicPartition, offset: number): FatalError {
  return new FatalError(
    'TOPO_LOG_DAMAGED',
    `${topic}-${partition} holds a record without a key at offset ${offset}: somebody else wrote to it. Bring the topic back from a backup.`,
    { topic, partition, offset },
  );
}

async function replay(state: TaskState, { store, changelog }: StorePlan, request: RestoreRequest): Promise<number> {
  const { broker, partition, task } = request;
  const [range] = await broker.offsets([{ topic: changelog, partition }]);
  const from = numberIn(state.get(changelogKey(keptName(store))));
  if (from > range!.end)
    throw new FatalError(
      'TOPO_LOG_DAMAGED',
      `the state of task ${task} reflects ${changelog}-${partition} up to offset ${from}, but that ends at ${range!.end}: records were lost. ` +
        'Bring the log back from a backup.',
      { topic: changelog, partition, offset: range!.end },
    );
  const reader = broker.reader();
  const records = new BatchReader();
  const prefix = storePrefix(keptName(store));
  let count = 0;
  let writes: StateWrite[] = [];
  const flush = async (offset: number) => {
    await state.write([...writes, [changelogKey(keptName(store)), number(offset)]]);
    writes = [];
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
          count++;
        }
      }
      offset = fetched!.nextOffset;
      if (writes.length >= WRITES_AT_ONCE) await flush(offset);
      request.onProgress?.(offset - from, range!.end - from);
    }
    if (offset > from) await flush(offset);
  } finally {
    await reader.close();
  }
  return count;
}
