import { TopologyError } from '../errors.ts';
import { rootsOf } from '../graph/edges.ts';
import { keptName } from '../graph/names.ts';
import type { ProcessorNode, Topology } from '../graph/topology.ts';
import { PROCESSORS } from './processors/index.ts';
import { payloadOf } from './stamped.ts';
import { storeEnd, storePrefix } from './store.ts';
import type { Task } from './task.ts';
import { bytesOfKey, textOfKey } from './store-key.ts';
import { partitionOfKey } from './partitioning.ts';

/** A store of a running topology as it was committed last; over all its tasks. */
export interface ReadOnlyStore<K = unknown, V = unknown> {
  get(key: K): Promise<V | null>;
  /** In no order that means anything. */
  entries(): AsyncIterable<readonly [key: K, value: V]>;
}

/** Who holds a store that can be read, and how. @throws TopologyError `TOPO_USAGE` when there is none of that name */
export function findStore(topology: Topology, tasks: readonly Task[], name: string) {
  const node = topology.nodes.find(
    (one): one is ProcessorNode => one.kind === 'processor' && one.stores.some(store => store.name === name),
  );
  if (!node) throw noStore(topology, name);
  const index = node.stores.findIndex(store => store.name === name);
  const reading = readingOf(topology, node, index);
  if (!reading)
    throw new TopologyError(
      'TOPO_USAGE',
      `store '${name}' of '${topology.name}' holds no rows: only its step reads it. Keep what comes of ` +
        `it in a table: .toTable('a-name') behind the step's stream.`,
      { topology: topology.name, step: node.id },
    );
  const holders = tasks
    .filter(task => task.stores.some(store => store.name === name))
    .sort((a, b) => a.partition - b.partition);
  // the store has the keys and the partitioning of what its step hangs on; other inputs of the task may have others
  const roots = new Set(rootsOf(node, new Map(topology.nodes.map(one => [one.id, one]))).map(root => root.id));
  const { keySerde, input } = holders[0]!.inputs.find(one => roots.has(one.input.node.id))!;
  return { reference: node.stores[index]!, holders, keySerde, partitions: input.partitions, reading };
}

const readingOf = (topology: Topology, node: ProcessorNode, index: number) =>
  PROCESSORS[node.processor]?.read?.(node, topology.functions[node.id] ?? {}, index);

function noStore(topology: Topology, name: string): TopologyError {
  const global = topology.nodes.find(one => one.kind === 'global' && one.id === name);
  const names = topology.nodes.flatMap(one => {
    if (one.kind === 'global') return [one.id];
    return one.kind === 'processor'
      ? one.stores.flatMap((store, index) => (readingOf(topology, one, index) ? store.name : []))
      : [];
  });
  const known = names.length > 0 ? `those that can be read are ${names.join(', ')}` : 'it has none that can be read';
  const problem =
    global === undefined
      ? `'${topology.name}' has no store '${name}': ${known}.`
      : `'${name}' is a global table, whose changes are the records of its topic: they cannot be followed as a store's.`;
  return new TopologyError('TOPO_USAGE', problem, { topology: topology.name, ...(global && { step: name }) });
}

/** @throws TopologyError `TOPO_USAGE` when there is no store of that name, or it holds no rows */
export function openStore<K, V>(topology: Topology, tasks: readonly Task[], name: string): ReadOnlyStore<K, V> {
  const { reference, holders, keySerde, partitions, reading } = findStore(topology, tasks, name);
  const kept = keptName(reference);
  const prefix = storePrefix(kept);
  const { key: keys = keySerde, place = key => key, rows, isAnywhere } = reading;
  return {
    async get(key) {
      const bytes = keys.encode(key);
      const text = textOfKey(bytes);
      const partition = partitionOfKey(keys, bytes, partitions);
      const storeKey = place(text);
      for (const { state } of isAnywhere ? holders : [holders[partition]!]) {
        const stored = state.get(prefix + storeKey);
        if (stored === undefined) continue;
        for (const [found, row] of rows(storeKey, payloadOf(stored))) if (found === text) return row as V;
      }
      return null;
    },
    async *entries() {
      for (const { state } of holders)
        for await (const [key, stored] of state.entries(prefix, storeEnd(kept)))
          for (const [found, row] of rows(key.slice(prefix.length), payloadOf(stored)))
            yield [keys.decode(bytesOfKey(found)) as K, row as V] as const;
    },
  };
}
