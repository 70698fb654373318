import type { FatalError, Place } from '../errors.ts';
import type { RowSlot, TopicSlot } from '../graph/functions.ts';
import type { GlobalNode, Topology } from '../graph/topology.ts';
import { BatchReader } from '../records/batch-reader.ts';
import { partitionsOf } from './global-partition.ts';
import type { GlobalPartition } from './global-partition.ts';
import type { Lookup } from './chain.ts';
import { IN, OUT, dropColumn } from './counters.ts';
import type { Counters, DropReason } from './counters.ts';
import { asRecordError, isRetry } from './error-policy.ts';
import type { ErrorPolicies } from './error-policy.ts';
import { lost } from './lost.ts';
import { openNumbered } from './numbered-state.ts';
import type { Broker, Fetched, FetchRequest, Log, StateBackend, TaskState } from './ports.ts';
import { rowsIn } from './processors/rows.ts';
import type { ReadOnlyStore } from './read-only-store.ts';
import { payloadOf } from './stamped.ts';
import { Store, UndoLog, storeEnd, storePrefix } from './store.ts';
import type { StateWrite } from './store.ts';
import type { StorePart } from './store-figures.ts';
import { StoppedByPolicy } from './unit-runner.ts';
import { decode, encode } from './values.ts';
import { bytesOfKey, textOfKey } from './store-key.ts';

export interface GlobalTableOptions {
  readonly topology: Topology;
  readonly node: GlobalNode;
  readonly partitions: number;
  /** The topic's: a topic that was made again has other rows. */
  readonly topicId: string;
  readonly broker: Broker;
  readonly state: StateBackend;
  readonly counters: Counters;
  readonly log: Log;
  readonly policies: ErrorPolicies;
  /** For the rows' cache. */
  readonly cacheBytes: number;
  readonly stateBytes: number;
  /** Of a partition, fetched at a time. */
  readonly readAheadBytes: number;
  /** A state that is ahead of the topic is set aside and read anew. */
  readonly acceptLoss: boolean;
  /** While it is read at the start, in offsets. */
  readonly onProgress: (read: number, total: number) => void;
}

const ROWS = 'rows';
const ORIGIN_KEY = 'm/topic';
const LOAD_WAIT_MS = 1000;
/** A topic's name holds no colon, so no task has such an id. */
const stateId = (table: string): string => `global:${table}`;

/**
 * A topic's last row of each key, of all its partitions, in one store that all tasks of the process look up. It is read to its end
 * before the first task's record, and kept up to date between records. There is no changelog: the topic is what it can be made
 * from. Its state holds the offsets it reflects; where it does not fit the topic any more, it is set aside and read anew.
 *
 * Its records are no units of a task, and there is nobody to write dead letters: one that cannot be read is counted (`unreadable`)
 * and logged, and leaves the row as it was; with `onError: 'stop'` of the run or topology it ends the run. A function is not asked.
 */
export class GlobalTable {
  readonly partitions: readonly GlobalPartition[];
  readonly rows: Lookup;
  readonly #options: GlobalTableOptions;
  readonly #state: TaskState;
  readonly #store: Store;
  readonly #undo = new UndoLog();
  readonly #cursor = new BatchReader();
  readonly #topic: TopicSlot;
  readonly #row: RowSlot;

  private constructor(options: GlobalTableOptions, state: TaskState, partitions: readonly GlobalPartition[]) {
    const { topology, node, cacheBytes } = options;
    const { topic, row } = topology.functions[node.id] as { readonly topic: TopicSlot; readonly row: RowSlot };
    this.#options = options;
    this.#state = state;
    this.partitions = partitions;
    this.#topic = topic;
    this.#row = row;
    this.#store = new Store(ROWS, state, this.#undo, cacheBytes, Infinity);
    this.rows = rowsIn(this.#store, row.serde, one => one);
  }

  /** Opens it and reads it to the end that the topic has now. @throws FatalError; StoppedByPolicy */
  static async open(options: GlobalTableOptions): Promise<GlobalTable> {
    const { broker, node, state: backend, stateBytes, readAheadBytes, log } = options;
    const origin = originOf(options);
    const places = Array.from({ length: options.partitions }, (_, partition) => ({
      topic: node.topic.name,
      partition,
    }));
    const ranges = await broker.offsets(places);
    const state = await openNumbered(
      { id: stateId(node.id), of: `global table '${node.id}'`, backend, stateBytes, clusterId: broker.clusterId, log },
      opened => {
        const found = opened.get(ORIGIN_KEY);
        if (found !== undefined && Buffer.from(found).toString() !== origin) return 'is of another topic';
        const partitions = partitionsOf(opened, node.topic.name, ranges, readAheadBytes);
        if (partitions.every(({ isWithin }) => isWithin)) return null;
        const ahead = partitions.find(({ isAhead }) => isAhead);
        if (ahead !== undefined && !options.acceptLoss) throw lostEnd(node.id, ahead);
        return 'stands where the topic has no records';
      },
    );
    const table = new GlobalTable(options, state, partitionsOf(state, node.topic.name, ranges, readAheadBytes));
    try {
      await table.#load(ranges.map(({ end }) => end));
      return table;
    } catch (error) {
      await state.close();
      throw error;
    }
  }

  get name(): string {
    return this.#options.node.id;
  }

  /** Its rows, as a store. */
  get part(): StorePart {
    return { name: this.name, store: this.#store, state: this.#state };
  }

  /** Every record up to the ends, as last seen, is in the rows. */
  get isAtEnd(): boolean {
    return this.partitions.every(({ isAtEnd }) => isAtEnd);
  }

  requests(): FetchRequest[] {
    return this.partitions.map(partition => partition.request());
  }

  /** Takes the answer to a request; its records are in the rows after `apply`. @throws FatalError `TOPO_OFFSET_OUT_OF_RANGE` */
  accept(fetched: Fetched, requestedOffset: number): void {
    this.partitions[fetched.partition]!.accept(fetched, requestedOffset);
  }

  /** Brings what was fetched into the rows, and to disk, with the offsets it reaches to. @throws FatalError, StoppedByPolicy */
  async apply(): Promise<void> {
    let hasMoved = false;
    for (const partition of this.partitions) {
      for (const batch of partition.take()) {
        this.#cursor.load(batch, partition);
        while (this.#cursor.next()) if (this.#cursor.offset >= partition.position) this.#record(partition.partition);
      }
      hasMoved = partition.settle() || hasMoved;
    }
    this.#cursor.unload();
    if (!hasMoved) return;
    const writes: StateWrite[] = [[ORIGIN_KEY, Buffer.from(originOf(this.#options))]];
    for (const partition of this.partitions) writes.push(partition.write());
    this.#store.closeEpoch(null, writes);
    this.#options.counters.closeEpoch();
    await this.#state.write(writes);
    this.#store.flushed();
  }

  /** Its rows on disk. */
  readOnly<K, V>(): ReadOnlyStore<K, V> {
    const [state, prefix, keySerde, { serde }] = [this.#state, storePrefix(ROWS), this.#topic.key, this.#row];
    return {
      get: async key => {
        const stored = state.get(prefix + textOfKey(keySerde.encode(key)));
        return stored === undefined ? null : (serde.decode(payloadOf(stored)) as V);
      },
      async *entries() {
        for await (const [key, stored] of state.entries(prefix, storeEnd(ROWS))) {
          const keyBytes = bytesOfKey(key.slice(prefix.length));
          yield [keySerde.decode(keyBytes) as K, serde.decode(payloadOf(stored)) as V] as const;
        }
      },
    };
  }

  async close(): Promise<void> {
    await this.#state.close();
  }

  async #load(ends: readonly number[]): Promise<void> {
    const { broker, onProgress } = this.#options;
    const reader = broker.reader();
    const behind = () => this.partitions.reduce((sum, one, i) => sum + Math.max(0, ends[i]! - one.position), 0);
    const total = behind();
    try {
      for (;;) {
        const requests = this.partitions
          .filter((one, partition) => one.position < ends[partition]!)
          .map(one => one.request());
        if (requests.length === 0) return;
        const fetched = await reader.fetch(requests, LOAD_WAIT_MS);
        fetched.forEach((one, index) => this.accept(one, requests[index]!.offset));
        await this.apply();
        onProgress(total - behind(), total);
      }
    } finally {
      await reader.close();
    }
  }

  /** The record under the cursor. */
  #record(partition: number): void {
    const cursor = this.#cursor;
    const { counters, node } = this.#options;
    const row = counters.row(node.id);
    counters.values[row + IN]!++;
    const drop = (reason: DropReason) => void counters.values[row + dropColumn(reason)]!++;
    if (cursor.keyStart < 0) return drop('null-key');
    try {
      const current = this.#rowAfter(cursor.keyText());
      if (current === undefined) return drop('no-row');
      this.#store.put(cursor.keyText(), current, cursor.timestamp);
      this.#undo.endUnit();
      counters.values[row + OUT]!++;
    } catch (thrown) {
      this.#refuse(thrown, { partition, offset: cursor.offset });
      drop('unreadable');
    }
  }

  /** Encoded; null: deleted; undefined: the record says nothing of it. */
  #rowAfter(key: string): Uint8Array | null | undefined {
    const bytes = this.#cursor.valueBytes();
    const { serde, toRow } = this.#row;
    const value = bytes === null ? null : decode(this.#topic.value, bytes, 'value');
    const row = value === null ? null : toRow(value, () => this.rows.get(key));
    return row === null || row === undefined ? row : encode(serde, row, 'row');
  }

  /** @throws StoppedByPolicy, FatalError */
  #refuse(thrown: unknown, at: Pick<Place, 'partition' | 'offset'>): void {
    const { topology, node, policies, log } = this.#options;
    const place: Place = { topology: topology.name, step: node.id, topic: node.topic.name, ...at };
    const error = asRecordError(thrown, place);
    const policy = policies.of(node.id);
    // it is not tried again: its bytes stay what they are
    if ((isRetry(policy) ? policy.then : policy) === 'stop') throw new StoppedByPolicy(error);
    log.warn(
      { code: error.code, ...error.place },
      `a record of global table '${node.id}' cannot be read: it is passed over`,
    );
  }
}

const lostEnd = (table: string, { topic, partition, position }: GlobalPartition): FatalError =>
  lost(
    `global table '${table}' has read ${topic}-${partition} up to offset ${position}, and that ends before: records were lost.`,
    {
      topic,
      partition,
      offset: position,
    },
  );

const originOf = ({ node, topicId }: GlobalTableOptions): string => JSON.stringify([node.topic.name, topicId]);
