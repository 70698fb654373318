import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Aggregator, TopicSlot } from '../../../src/graph/functions.ts';
import { repartitionTopic } from '../../../src/graph/names.ts';
import type { KeyNode, RxNode, SinkNode, TransformNode } from '../../../src/graph/topology.ts';
import { partitionOfKey } from '../../../src/runtime/partitioning.ts';
import { consumersOf } from '../../../src/runtime/plan.ts';
import type { Serde } from '../../../src/serdes/serde.ts';
import type { Event, Modelled, ModelSite, Push, Row } from './parts.ts';
import type { TaskModel } from './task-model.ts';

type Fn = (value: unknown, record: unknown) => unknown;

/** What a function sees of a record. */
export const contextOf = ({ key, timestamp, headers }: Event, task: TaskModel) => ({
  key,
  timestamp,
  headers,
  topic: task.record?.topic ?? '',
  partition: task.partition,
  offset: task.record?.offset ?? -1,
});

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const partitionOf = (task: TaskModel, topic: string, serde: Serde<unknown>, key: Uint8Array | null): number =>
  key === null ? task.partition % task.partitionsOf(topic) : partitionOfKey(serde, key, task.partitionsOf(topic));

export function transformModel(node: TransformNode, { task, next }: ModelSite): Modelled {
  const fn = task.slots(node)['fn'] as Fn | undefined;
  const call = (value: unknown, event: Event) => {
    task.step = node.id;
    return value === null && node.table ? null : fn!(value, contextOf(event, task));
  };
  const steps: Record<TransformNode['op'], Push> = {
    values: event => (event.value !== null || node.tombstones ? next(event) : undefined),
    filter: event => {
      if (!node.table) return call(event.value, event) ? next(event) : undefined;
      const value = event.value !== null && call(event.value, event) ? event.value : null;
      const old = event.old !== null && call(event.old, event) ? event.old : null;
      if (value !== null || old !== null) next({ ...event, value, old });
    },
    map: event => {
      const value = call(event.value, event);
      next({ ...event, value, old: node.table ? call(event.old, event) : null });
    },
    flatMap: event => {
      for (const value of call(event.value, event) as Iterable<unknown>) next({ ...event, value });
    },
    peek: event => {
      call(event.value, event);
      next(event);
    },
    merge: next,
    toStream: next,
    branch: next,
    split: () => {
      throw new Error('the model has no split');
    },
  };
  const row = (key: string): Row | null => {
    const before = task.nodes.get(node.inputs[0]!)!.row!(key);
    if (before === null) return null;
    const result = fn!(before.value, {});
    if (node.op === 'filter') return result ? before : null;
    return { ...before, value: result };
  };
  return { inputs: node.inputs.map(() => steps[node.op]), ...(node.table && { row }) };
}

export function sinkModel(node: SinkNode, { task }: ModelSite): Modelled {
  const slot = task.slots(node)['topic'] as TopicSlot;
  const topic = node.topic.name;
  const push: Push = event => {
    task.step = node.id;
    const key = event.key === null ? null : slot.key.encode(event.key);
    task.emit({
      topic,
      partition: partitionOf(task, topic, slot.key, key),
      key,
      value: event.value === null ? null : slot.value.encode(event.value),
      timestamp: event.timestamp,
      headers: event.headers,
    });
  };
  return { inputs: node.inputs.map(() => push) };
}

export function keyModel(node: KeyNode, { task, next }: ModelSite): Modelled {
  const {
    fn,
    key: keySerde,
    value: valueSerde,
  } = task.slots(node) as {
    fn: Fn;
    key?: Serde<unknown>;
    value: Serde<unknown>;
  };
  const topic = repartitionTopic(task.topology.name, node.id);
  const send = (event: Event, key: Uint8Array, value: unknown) =>
    task.emit({
      topic,
      partition: partitionOf(task, topic, keySerde!, key),
      key,
      value: value === null ? null : valueSerde.encode(value),
      timestamp: event.timestamp,
      headers: event.headers,
    });
  const stream: Push = event => {
    task.step = node.id;
    const key = fn(event.value, contextOf(event, task));
    const text = key === null || keySerde === undefined ? null : textOf(keySerde.encode(key));
    if (!task.isCut(node)) return next({ ...event, key, text });
    if (key !== null) send(event, keySerde!.encode(key), event.value);
  };
  const table: Push = event => {
    if (event.value !== null)
      for (const reader of consumersOf(task.topology).get(node.id) ?? []) {
        const aggregator = task.topology.functions[reader]?.['aggregator'] as Aggregator | undefined;
        task.step = reader;
        aggregator?.add(aggregator.init(), event.value);
      }
    task.step = node.id;
    const groupOf = (value: unknown) => {
      const group = value === null ? null : fn(value, contextOf(event, task));
      return group === null ? null : keySerde!.encode(group);
    };
    const [group, oldGroup] = [groupOf(event.value), groupOf(event.old)];
    if (group !== null && oldGroup !== null && textOf(group) === textOf(oldGroup))
      return send(event, group, { old: event.old, new: event.value });
    if (oldGroup !== null) send(event, oldGroup, { old: event.old, new: null });
    if (group !== null) send(event, group, { old: null, new: event.value });
  };
  return { inputs: node.inputs.map(() => (node.table ? table : stream)) };
}

/** Of operators that hand on at once and keep nothing. */
export function pipeModel(node: RxNode, { task, next }: ModelSite): Modelled {
  const operators = task.slots(node)['operators'] as readonly ((source: Observable<unknown>) => Observable<unknown>)[];
  const push: Push = event => {
    task.step = node.id;
    const source = new Subject<unknown>();
    const emitted: Partial<Event>[] = [];
    let failure: { readonly thrown: unknown } | undefined;
    const result = operators.reduce((before: Observable<unknown>, operator) => operator(before), source);
    result.subscribe({ next: one => emitted.push(one as Event), error: (thrown: unknown) => (failure = { thrown }) });
    source.next({ key: event.key, value: event.value, timestamp: event.timestamp, headers: event.headers });
    for (const { value, timestamp = event.timestamp } of emitted) next({ ...event, value, timestamp });
    task.step = node.id;
    if (failure !== undefined) throw failure.thrown;
  };
  return { inputs: node.inputs.map(() => push) };
}
