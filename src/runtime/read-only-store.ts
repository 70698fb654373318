import { TopologyError } from '../errors.ts';
import type { KeptSlot, RowSlot } from '../graph/functions.ts';
import type { ProcessSlot } from '../graph/process.ts';
import { rootsOf } from '../graph/edges.ts';
import { keptName } from '../graph/names.ts';
import type { ProcessorNode, Topology } from '../graph/topology.ts';
import { partitionOf } from '../records/murmur2.ts';
import type { Serde } from '../serdes/serde.ts';
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
  const {
    aggregator,
    kept: shown = aggregator,
    row,
    process,
  } = topology.functions[node.id] as {
    readonly aggregator?: KeptSlot;
    readonly kept?: KeptSlot;
    readonly row?: RowSlot;
    readonly process?: ProcessSlot;
  };
  const own = process?.stores[node.stores.findIndex(store => store.name === name)]?.[1];
  const rowSerde = own === undefined || own.kind === 'list' ? row?.serde : own.value;
  if (!shown && !rowSerde)
    throw new TopologyError(
      'TOPO_USAGE',
      `store '${name}' of '${topology.name}' holds no rows: only its step reads it.`,
      {
        topology: topology.name,
        step: node.id,
      },
    );
  const decode = (stored: Uint8Array): V => {
    const bytes = payloadOf(stored);
    return (shown ? shown.result(shown.serde.decode(bytes)) : rowSerde!.decode(bytes)) as V;
  };
  const holders = tasks.filter(task => task.stores.includes(name)).sort((a, b) => a.partition - b.partition);
  const kept = keptName(node.stores.find(store => store.name === name)!);
  const prefix = storePrefix(kept);
  // the store has the keys and the partitioning of what its step hangs on; other inputs of the task may have others
  const roots = new Set(rootsOf(node, new Map(topology.nodes.map(one => [one.id, one]))).map(root => root.id));
  const { keySerde, input } = holders[0]!.inputs.find(one => roots.has(one.input.node.id))!;
  const keys = (own?.key as Serde<unknown> | undefined) ?? keySerde;
  return {
    async get(key) {
      const bytes = keys.encode(key);
      // a key of the step's own choice may lie with any of them
      const asked = own?.key ? holders : [holders[partitionOf(bytes, input.partitions)]!];
      for (const { state } of asked) {
        const stored = state.get(prefix + Buffer.from(bytes).toString('latin1'));
        if (stored !== undefined) return decode(stored);
      }
      return null;
    },
    async *entries() {
      for (const { state } of holders)
        for await (const [key, stored] of state.entries(prefix, storeEnd(kept)))
          yield [keys.decode(Buffer.from(key.slice(prefix.length), 'latin1')) as K, decode(stored)] as const;
    },
  };
}
