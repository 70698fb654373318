import { FatalError } from '../errors.ts';
import { keptName } from '../graph/names.ts';
import { recordCountOf } from '../records/batch.ts';
import type { StoredEntry } from './chain.ts';
import type { Outputs, TopicOutput } from './outputs.ts';
import type { StorePlan } from './plan.ts';
import type { Append, TaskState } from './ports.ts';
import { commitWrites } from './restore.ts';
import { payloadOf, timestampOf } from './stamped.ts';
import { Store, storeEnd, storePrefix } from './store.ts';
import type { StateWrite, UndoLog } from './store.ts';

export interface TaskStoresOptions {
  readonly task: string;
  readonly topology: string;
  readonly partition: number;
  /** For each of them. */
  readonly cacheBytes: number;
  topicLimits(topic: string): { readonly partitions: number; readonly maxMessageBytes: number };
}

/** A task's stores over its one state, each with its changelog. */
export class TaskStores {
  readonly byName = new Map<string, Store>();
  readonly #changelogs: { readonly store: Store; readonly output: TopicOutput }[];

  constructor(
    plans: readonly StorePlan[],
    readonly state: TaskState,
    undo: UndoLog,
    outputs: Outputs,
    private readonly options: TaskStoresOptions,
  ) {
    const { cacheBytes } = options;
    this.#changelogs = plans.map(({ store: reference, changelog }) => {
      const { partitions, maxMessageBytes } = options.topicLimits(changelog);
      const store = new Store(keptName(reference), state, undo, cacheBytes, maxMessageBytes);
      this.byName.set(reference.name, store);
      return { store, output: outputs.topic(changelog, partitions, maxMessageBytes) };
    });
  }

  get dirtyBytes(): number {
    let bytes = 0;
    for (const { store } of this.#changelogs) bytes += store.dirtyBytes;
    return bytes;
  }

  /** What is in a store as of the last commit. */
  async *entriesOf({ name }: Store): AsyncGenerator<StoredEntry> {
    const prefix = storePrefix(name);
    for await (const [key, stored] of this.state.entries(prefix, storeEnd(name)))
      yield [key.slice(prefix.length), payloadOf(stored), timestampOf(stored)];
  }

  /** Writes what the epoch changed to the changelogs' outputs, and returns what is to be written to the state. */
  closeEpoch(): StateWrite[] {
    const writes: StateWrite[] = [];
    for (const { store, output } of this.#changelogs)
      if (store.isDirty) store.closeEpoch(output.writer(this.options.partition), writes);
    return writes;
  }

  /**
   * Writes a closed epoch that the broker has, with the number of its commit and what of the changelogs it reflects.
   * @throws FatalError `TOPO_DISK`
   */
  async write(
    commit: number,
    writes: readonly StateWrite[],
    appends: readonly Append[],
    baseOffsets: readonly (readonly number[])[],
  ): Promise<void> {
    if (this.#changelogs.length === 0) return;
    const ends = new Map<string, number>();
    for (const { store, output } of this.#changelogs) {
      const index = appends.findIndex(append => append.topic === output.topic);
      if (index < 0) continue;
      ends.set(store.name, baseOffsets[index]!.at(-1)! + recordCountOf(appends[index]!.batches.at(-1)!));
    }
    try {
      await this.state.write([...writes, ...commitWrites(commit, ends)]);
    } catch (cause) {
      const { task, topology } = this.options;
      throw new FatalError(
        'TOPO_DISK',
        `the state of task ${task} cannot be written; the log has commit ${commit}.`,
        { topology },
        { cause },
      );
    }
    for (const { store } of this.#changelogs) store.flushed();
  }

  /** Forgets the open epoch. */
  abort(): void {
    for (const { store } of this.#changelogs) store.abort();
  }
}
