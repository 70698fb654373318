import { TopologyError } from '../errors.ts';
import type { Aggregator, RowSlot } from '../graph/functions.ts';
import { rootsOf } from '../graph/edges.ts';
import { keptName } from '../graph/names.ts';
import type { ProcessorNode, Topology } from '../graph/topology.ts';
import { partitionOf } from '../records/murmur2.ts';
import { payloadOf, storeEnd, storePrefix } from './store.ts';
import type { Task } from './task.ts';

/** A store of a running topology as it was committed last; over all its tasks. */
export interface ReadOnlyStore<K = unknown, V = unknown> {
  get(key: K): Promise<V | null>;
  /** In no order that means anything. */
  entries(): AsyncIterable<readonly [key: K, value: V]>;
}

/** @throws TopologyError `TOPO_USAGE` when there is no store of that name */
export function openStore<K, V>(topology: Topology, tasks: readonly Task[], name: string): ReadOnlyStore<K, V> {
  const node = topology.nodes.find(
    (one): one is ProcessorNode => one.kind === 'processor' && one.stores.some(store => store.name === name),
  );
  if (!node) {
    const names = topology.nodes.flatMap(one => (one.kind === 'processor' ? one.stores.map(store => store.name) : []));
    const known = names.length > 0 ? `its stores are ${names.join(', ')}` : 'it has no stores';
    throw new TopologyError('TOPO_USAGE', `'${topology.name}' has no store '${name}': ${known}.`, {
      topology: topology.name,
    });
  }
  const { aggregator, row } = topology.functions[node.id] as { aggregator?: Aggregator; row?: RowSlot };
  const decode = (stored: Uint8Array): V => {
    const bytes = payloadOf(stored);
    return (aggregator ? aggregator.result(aggregator.serde.decode(bytes)) : row!.serde.decode(bytes)) as V;
  };
  const holders = tasks.filter(task => task.stores.includes(name)).sort((a, b) => a.partition - b.partition);
  const kept = keptName(node.stores.find(store => store.name === name)!);
  const prefix = storePrefix(kept);
  // the store has the keys and the partitioning of what its step hangs on; other inputs of the task may have others
  const roots = new Set(rootsOf(node, new Map(topology.nodes.map(one => [one.id, one]))).map(root => root.id));
  const { keySerde, input } = holders[0]!.inputs.find(one => roots.has(one.input.node.id))!;
  return {
    async get(key) {
      const bytes = keySerde.encode(key);
      const stored = holders[partitionOf(bytes, input.partitions)]!.state.get(
        prefix + Buffer.from(bytes).toString('latin1'),
      );
      return stored === undefined ? null : decode(stored);
    },
    async *entries() {
      for (const { state } of holders)
        for await (const [key, stored] of state.entries(prefix, storeEnd(kept)))
          yield [keySerde.decode(Buffer.from(key.slice(prefix.length), 'latin1')) as K, decode(stored)] as const;
    },
  };
}
