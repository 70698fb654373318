import { FatalError } from '../errors.ts';
import { keptName } from '../graph/names.ts';
import { BatchReader } from '../records/batch-reader.ts';
import type { StorePlan } from './plan.ts';
import type { Broker, Log, StateBackend, TaskState } from './ports.ts';
import { stamped, storePrefix } from './store.ts';
import type { StateWrite } from './store.ts';

const COMMITS_KEPT = 10_000;
const WRITES_AT_ONCE = 10_000;
const FETCH_BYTES = 4 * 1024 * 1024;
const FETCH_WAIT_MS = 1000;

const COMMIT_KEY = 'm/commit';
const changelogKey = (store: string) => `m/changelog/${store}`;
const numberedKey = (commit: number) => `commit/${String(commit).padStart(16, '0')}`;

const numberIn = (bytes: Uint8Array | undefined): number =>
  bytes === undefined ? 0 : Number(Buffer.from(bytes).toString());
const number = (value: number): Buffer => Buffer.from(String(value));

/** What a state write of a commit says besides the stores' entries: which commit it is, and what of the changelogs it reflects. */
export function commitWrites(commit: number, changelogs: ReadonlyMap<string, number>): StateWrite[] {
  const writes: StateWrite[] = [
    [COMMIT_KEY, number(commit)],
    [numberedKey(commit), number(commit)],
    [numberedKey(commit - COMMITS_KEPT), null],
  ];
  for (const [store, offset] of changelogs) writes.push([changelogKey(store), number(offset)]);
  return writes;
}

export interface Restored {
  readonly state: TaskState;
  /** Changelog records read; 0 where the state was up to date. */
  readonly records: number;
}

export interface RestoreRequest {
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
 * Opens a task's state and replays what its changelogs have beyond it. A state is never wiped: one that is damaged, or has a
 * hole in its commit numbers (LevelDB is not fsynced, so a power cut may leave one), is set aside and made anew.
 * @throws FatalError `TOPO_LOG_DAMAGED` when a state is ahead of its changelog
 */
export async function restore(request: RestoreRequest): Promise<Restored> {
  const { task, backend, log } = request;
  let state = await openState(request);
  const hole = await findHole(state, request.commit);
  if (hole !== undefined) {
    await state.close();
    const path = await backend.setAside(task);
    log.warn(
      { code: 'TOPO_STATE_DAMAGED', task, path },
      `the state of task ${task} ${hole}: it is set aside and rebuilt`,
    );
    state = await backend.open(task);
  }
  let records = 0;
  for (const store of request.stores) records += await replay(state, store, request);
  return { state, records };
}

async function openState({ task, backend, log }: RestoreRequest): Promise<TaskState> {
  try {
    return await backend.open(task);
  } catch (error) {
    if (!(error instanceof FatalError) || error.code !== 'TOPO_STATE_DAMAGED') throw error;
    const path = await backend.setAside(task);
    log.warn({ code: error.code, task, path }, `the state of task ${task} does not open: it is set aside and rebuilt`);
    return backend.open(task);
  }
}

async function findHole(state: TaskState, committed: number): Promise<string | undefined> {
  const last = numberIn(state.get(COMMIT_KEY));
  if (last > committed) return `has commit ${last}, the broker only ${committed}`;
  let expected: number | undefined;
  for await (const [, value] of state.entries('commit/', 'commit0')) {
    const commit = numberIn(value);
    if (expected !== undefined && commit !== expected) return `lacks commit ${expected}`;
    expected = commit + 1;
  }
  return (expected ?? 1) - 1 === last ? undefined : `lacks commit ${last}`;
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
        records.load(batch);
        while (records.next()) {
          if (records.offset < offset) continue;
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
