import { TopologyError } from '../errors.ts';
import type { Aggregator } from '../graph/functions.ts';
import { repartitionTopic } from '../graph/names.ts';
import type { KeyNode, Node, Slots, Topology } from '../graph/topology.ts';
import { NOTHING } from './chain.ts';
import type { Compiled, Drop, Kind, Lookup, Site, Step, Work, WrittenRow } from './chain.ts';
import { confluencesOf } from './confluence.ts';
import type { Confluence } from './confluence.ts';
import { SAYS_NOTHING, dropColumn } from './counters.ts';
import type { Counters, DropPolicy, DropReason } from './counters.ts';
import { sameFormat } from './key-view.ts';
import type { TopicOutput } from './outputs.ts';
import { consumersOf } from './plan.ts';
import type { Input, SubTopology } from './plan.ts';
import type { Clock } from './ports.ts';
import { PROCESSORS } from './processors/index.ts';
import { Schedule } from './schedule.ts';
import type { TimeLog } from './schedule.ts';
import type { Store } from './store.ts';
import { transformedRows } from './transforms.ts';
import { isUnchanged, isUnread } from './unchanged.ts';
import type { Unit } from './unit.ts';
import { defined, synchronous } from './values.ts';

/** What a task brings to its chain. */
export interface Parts {
  readonly topology: Topology;
  readonly subTopology: SubTopology;
  readonly kinds: Readonly<Record<string, Kind<never>>>;
  readonly unit: Unit;
  readonly counters: Counters;
  readonly stores: ReadonlyMap<string, Store>;
  /** Rows of global tables, by node id. */
  readonly globals: ReadonlyMap<string, Lookup>;
  /** Of sinks and repartitions, by topic. */
  readonly outputs: ReadonlyMap<string, TopicOutput>;
  readonly appended: (row: number) => void;
  readonly clock: Clock;
  readonly pipeDeadlineMs: number;
  readonly timeLog: TimeLog;
  readonly submit: (work: Work) => void;
  /** Of a step with a function as `onError`: what that gives in place of the result for `value`. */
  readonly substituteOf: (step: string) => Site['substitute'];
  /** Dead-letters the record under way, which `step` dropped. */
  readonly dropped: (step: string, reason: DropReason) => void;
  /** What steps do with what they drop, unless they say. */
  readonly onDrop: DropPolicy;
}

export interface Chain {
  /** What is to be done with a record of each input. */
  readonly entries: ReadonlyMap<Input, Step>;
  /** Inputs whose values no step looks at: they need not be decoded. */
  readonly unread: ReadonlySet<Input>;
  readonly drains: readonly (() => void | Promise<void>)[];
  /** Every node as it was compiled, in declaration order. */
  readonly nodes: readonly Compiled[];
  readonly schedules: readonly TaskSchedule[];
}

/** A schedule, and the store that it is made from and that keeps its time. */
export interface TaskSchedule {
  readonly schedule: Schedule;
  readonly store: Store;
  readonly time: 'stream' | 'wall';
}

/** Fuses a sub-topology into one chain of closures for one task: no allocation and no promise a record. */
export function compile(parts: Parts): Chain {
  const { topology, subTopology, kinds, counters, outputs } = parts;
  const nodes = new Map(topology.nodes.map(node => [node.id, node]));
  const members = new Set(subTopology.nodes.map(node => node.id));
  const consumers = consumersOf(topology);
  const compiled = new Map<string, Compiled>();
  const schedules: TaskSchedule[] = [];
  const confluences = confluencesOf(subTopology.nodes);

  const readersOf = (id: string): Step => {
    const readers = (consumers.get(id) ?? [])
      .filter(reader => members.has(reader))
      .flatMap(reader => stepsReading(nodes.get(reader)!, id, compiled.get(reader)!));
    return parted(fanOut(readers), confluences.partings.get(id));
  };
  const isCut = (id: string) => outputs.has(repartitionTopic(topology.name, id));
  const graph = { topology, nodes, isCut };

  const written = new Map<string, WrittenRow>();
  const writtenBy = (id: string): WrittenRow => {
    const known = written.get(id) ?? { now: null, old: null };
    written.set(id, known);
    return known;
  };

  // readers first: a node is compiled with the steps behind it
  for (const node of [...subTopology.nodes].reverse()) {
    const substitute = parts.substituteOf(node.id);
    const site: Site = {
      unit: parts.unit,
      counters,
      slots: guarded(node, topology.functions[node.id] ?? {}, substitute),
      substitute,
      next: node.kind === 'key' && isCut(node.id) ? NOTHING : readersOf(node.id),
      branch: name => compiled.get(branchOf(topology, node.id, name))!.steps[0]!,
      store: name => parts.stores.get(name)!,
      lookup: table => lookupOf(nodes.get(table)!, nodes, parts, schedules),
      confluence: confluences.steps.get(node.id) ?? null,
      schedule(store, entries, time = 'stream') {
        const schedule = new Schedule(node.id, entries, parts.timeLog, parts.unit);
        schedules.push({ schedule, store: parts.stores.get(store)!, time });
        return schedule;
      },
      submit: parts.submit,
      clock: parts.clock,
      pipeDeadlineMs: parts.pipeDeadlineMs,
      drop: reason => dropOf(node, reason, parts),
      output: topic => outputs.get(topic)!,
      repartition: () => outputs.get(repartitionTopic(topology.name, node.id)),
      needsOld: needsOld(node.id, nodes, consumers),
      aggregates: (consumers.get(node.id) ?? []).flatMap((reader): [string, Aggregator][] => {
        const aggregator = topology.functions[reader]?.['aggregator'] as Aggregator | undefined;
        return aggregator ? [[reader, aggregator]] : [];
      }),
      written: writtenBy(node.id),
      writtenAs(serde) {
        const [input] = node.inputs.map(id => nodes.get(id)!);
        if (input?.kind !== 'processor') return undefined;
        const shown = PROCESSORS[input.processor]?.shows?.(topology.functions[input.id]!);
        return shown && sameFormat(shown, serde) ? writtenBy(input.id) : undefined;
      },
      isUnchanged: serde => isUnchanged(node, serde, graph),
      appended: parts.appended,
    };
    const kind = kinds[node.kind];
    if (!kind) throw new TopologyError('TOPO_GRAPH_INVALID', `step '${node.id}': there is no kind '${node.kind}'`);
    compiled.set(node.id, kind.compile(node as never, site));
  }
  const entries = subTopology.inputs.map((input): [Input, Step] => {
    const { node } = input;
    return [
      input,
      node.kind === 'source' ? compiled.get(node.id)!.steps[0]! : behindRepartition(node, readersOf(node.id)),
    ];
  });
  const unread = subTopology.inputs.filter(
    ({ node }) => (node.kind === 'source' || !node.table) && isUnread(node, graph),
  );
  const inOrder = [...compiled.values()].reverse();
  return {
    entries: new Map(entries),
    unread: new Set(unread),
    drains: inOrder.flatMap(({ drain }) => drain ?? []),
    nodes: inOrder,
    schedules,
  };
}

/** Its function of a value asks `onError` where it throws. An asynchronous one's step does so itself, when the last call has failed. */
function guarded(node: Node, slots: Slots, substitute: Site['substitute']): Slots {
  const { fn } = slots as { fn?: (...given: unknown[]) => unknown };
  if (substitute === null || fn === undefined || (node.kind === 'processor' && node.processor === 'mapAsync'))
    return slots;
  const isValue = node.kind !== 'transform' || (node.op !== 'filter' && node.op !== 'peek');
  const result = isValue ? defined : synchronous;
  const safe = (...given: unknown[]): unknown => {
    try {
      return result(fn(...given));
    } catch (thrown) {
      return substitute(thrown, given[0]);
    }
  };
  return { ...slots, fn: safe };
}

/** The readers of a node where ways part. */
function parted(readers: Step, confluences: readonly Confluence[] = []): Step {
  if (confluences.length === 0) return readers;
  return (value, old) => {
    for (const confluence of confluences) confluence.enter();
    try {
      readers(value, old);
      for (const confluence of confluences) confluence.leave();
    } catch (error) {
      for (const confluence of confluences) confluence.fail();
      throw error;
    }
  };
}

/** Counts, and keeps what is lost where that is asked for. */
function dropOf(node: Node, reason: DropReason, { counters, dropped, onDrop }: Parts): Drop {
  const { values } = counters;
  const at = counters.row(node.id) + dropColumn(reason);
  if ((node.onDrop ?? onDrop) === 'count' || SAYS_NOTHING.has(reason))
    return (times = 1) => void (values[at]! += times);
  return (times = 1, isLost = true) => {
    values[at]! += times;
    if (isLost) dropped(node.id, reason);
  };
}

/** A table's repartition carries old and new value as one. */
function behindRepartition(node: KeyNode, next: Step): Step {
  if (!node.table) return value => next(value, null);
  return value => {
    const change = value as { old: unknown; new: unknown };
    next(change.new, change.old);
  };
}

/** The steps of `reader` for the inputs that are `id`. The branches of a split are its steps' own business. */
function stepsReading(reader: Node, id: string, { steps }: Compiled): Step[] {
  return reader.inputs.flatMap((input, index) => (input === id ? [steps[index]!] : []));
}

function fanOut(steps: readonly Step[]): Step {
  if (steps.length === 0) return NOTHING;
  if (steps.length === 1) return steps[0]!;
  if (steps.length === 2) {
    const [first, second] = steps as [Step, Step];
    return (value, old) => {
      first(value, old);
      second(value, old);
    };
  }
  return (value, old) => {
    for (const step of steps) step(value, old);
  };
}

function branchOf(topology: Topology, split: string, name: string): string {
  const branch = topology.nodes.find(
    node => node.kind === 'transform' && node.op === 'branch' && node.branch === name && node.inputs[0] === split,
  );
  return branch!.id;
}

/** Whether somebody behind a table asks for a row's value before the change. */
function needsOld(
  id: string,
  nodes: ReadonlyMap<string, Node>,
  consumers: ReadonlyMap<string, readonly string[]>,
): boolean {
  return (consumers.get(id) ?? []).some(reader => {
    const node = nodes.get(reader)!;
    if (node.kind === 'transform') return node.table && (node.op === 'filter' || needsOld(reader, nodes, consumers));
    return (node.kind === 'key' && node.table) || (node.kind === 'processor' && node.table);
  });
}

/** A table's rows: of its store, or made from those of the tables it is made of. */
function lookupOf(
  node: Node,
  nodes: ReadonlyMap<string, Node>,
  parts: Parts,
  schedules: readonly TaskSchedule[],
): Lookup {
  const { unit } = parts;
  const slots = parts.topology.functions[node.id] ?? {};
  const lookup = (id: string) => lookupOf(nodes.get(id)!, nodes, parts, schedules);
  const store = (name: string) => parts.stores.get(name)!;
  // the table is compiled after those that look it up
  const streamTime = (name: string) => {
    let found: Schedule | undefined;
    return () => (found ??= schedules.find(one => one.store === store(name))!.schedule).now;
  };
  const rows =
    node.kind === 'processor'
      ? PROCESSORS[node.processor]?.rows?.(node, { slots, store, lookup, unit, streamTime })
      : node.kind === 'transform' && node.table
        ? transformedRows(node, lookup(node.inputs[0]!), slots, unit)
        : parts.globals.get(node.id);
  if (rows === undefined)
    throw new TopologyError('TOPO_GRAPH_INVALID', `step '${node.id}' keeps no rows that could be looked up`);
  return rows;
}
