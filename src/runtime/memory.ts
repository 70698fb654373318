import type { Plan } from './plan.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** What takes memory in a topology that runs. */
export interface Takers {
  readonly tasks: number;
  /** Partitions that are read: by tasks, and by global tables. */
  readonly inputs: number;
  /** Databases: of tasks that have stores, and of global tables. */
  readonly states: number;
  /** Stores of tasks, and partitions of global tables. */
  readonly stores: number;
}

/** What each of them may take, in bytes. */
export interface MemoryShares {
  /** An input: what is fetched ahead of its task. */
  readonly readAheadBytes: number;
  /** A task: outputs, and entries that are not written yet. An epoch ends where it comes to that. */
  readonly epochBytes: number;
  /** A state: what its database buffers, and maps of its files. */
  readonly stateBytes: number;
  /** A store, or a partition of a global table: what it keeps of its entries. */
  readonly cacheBytes: number;
}

/** What the broker of the process may take, in bytes. */
export interface BrokerShares {
  /** The newest batches, to be read without the disk. */
  readonly recentBytes: number;
  /** Keys, while it compacts. */
  readonly keyBytes: number;
  /** Where batches lie in sealed files. */
  readonly indexBytes: number;
}

/** A part of the whole, for all of a kind together; the most that each can make use of; the least that each needs. */
interface Share {
  readonly part: number;
  readonly most: number;
  readonly least: number;
}

const RECENT: Share = { part: 1 / 16, most: 64 * MiB, least: 1 * MiB };
const KEYS: Share = { part: 1 / 32, most: 32 * MiB, least: 1 * MiB };
const INDEX: Share = { part: 1 / 32, most: 32 * MiB, least: 1 * MiB };

const READ_AHEAD: Share = { part: 1 / 16, most: 2 * MiB, least: 128 * KiB };
const EPOCH: Share = { part: 1 / 16, most: 32 * MiB, least: 256 * KiB };
const STATE: Share = { part: 3 / 8, most: 192 * MiB, least: 2 * MiB };
/** Or what the others leave, where that is less. A JavaScript map holds 16 million entries, of more than 200 bytes each. */
const CACHE: Share = { part: 1 / 3, most: 3 * GiB, least: 256 * KiB };

/** An epoch that is being written lies in memory as batches for the log and as one for the state; the next one is open meanwhile. */
const EPOCH_COPIES = 3;
/** What a heap grows to before it is collected, by what lives in it. */
const HEAP_GROWTH = 1.5;
/** Of the whole process. What is not the broker's is for the topologies. */
export function processShares(bytes: number): BrokerShares & { readonly topologiesBytes: number } {
  const recentBytes = shareOf(bytes, RECENT);
  const keyBytes = shareOf(bytes, KEYS);
  const indexBytes = shareOf(bytes, INDEX);
  return { recentBytes, keyBytes, indexBytes, topologiesBytes: bytes - recentBytes - keyBytes - indexBytes };
}

/** What part of their memory each of several topologies gets: by the least that it needs. Undefined: that is not known. */
export function sharesAmong(topologies: readonly (Takers | undefined)[]): number[] {
  const needs = topologies.map(takers => takers && leastBytes(takers));
  const known = needs.filter(need => need !== undefined);
  const mean = known.length === 0 ? 1 : known.reduce((sum, need) => sum + need) / known.length;
  const total = needs.reduce<number>((sum, need) => sum + (need ?? mean), 0);
  return needs.map(need => (need ?? mean) / total);
}

/** The budget that topologies of one process cannot do with less than: what is not known of them left out. */
export function leastBudget(topologies: readonly (Takers | undefined)[]): number {
  const least = topologies.reduce((sum, takers) => sum + (takers ? leastBytes(takers) : 0), 0);
  return Math.ceil(least / (1 - RECENT.part - KEYS.part - INDEX.part));
}

/** Of a topology. */
function leastBytes({ tasks, inputs, states, stores }: Takers): number {
  return inputs * READ_AHEAD.least + tasks * EPOCH.least + states * STATE.least + stores * CACHE.least;
}

/** Of a topology. */
export function memoryShares(bytes: number, { tasks, inputs, states, stores }: Takers): MemoryShares {
  const readAheadBytes = shareOf(bytes, READ_AHEAD, inputs);
  const epochBytes = shareOf(bytes, EPOCH, tasks);
  const stateBytes = shareOf(bytes, STATE, states);
  const taken = inputs * readAheadBytes + tasks * epochBytes * EPOCH_COPIES + states * stateBytes;
  const left = stores === 0 ? 0 : Math.floor((bytes - taken) / HEAP_GROWTH / stores);
  const cacheBytes = Math.min(left, shareOf(bytes, CACHE, stores));
  return { readAheadBytes, epochBytes, stateBytes, cacheBytes };
}

function shareOf(bytes: number, { part, most }: Share, among = 1): number {
  return Math.floor(Math.min(most, (bytes * part) / Math.max(1, among)));
}

/** `partitionsOf` tells a topic's partition count. */
export function takersOf({ subTopologies, globals }: Plan, partitionsOf: (topic: string) => number): Takers {
  const takers = { tasks: 0, inputs: 0, states: 0, stores: 0 };
  for (const { partitions, inputs, stores } of subTopologies) {
    takers.tasks += partitions;
    takers.inputs += inputs.reduce((sum, input) => sum + input.partitions, 0);
    takers.stores += partitions * stores.length;
    if (stores.length > 0) takers.states += partitions;
  }
  for (const { topic } of globals) {
    const partitions = partitionsOf(topic.name);
    takers.inputs += partitions;
    takers.stores += partitions;
    takers.states++;
  }
  return takers;
}
