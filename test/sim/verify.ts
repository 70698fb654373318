import { changelogTopic } from '../../src/graph/names.ts';
import type { Topology } from '../../src/graph/topology.ts';
import { plan } from '../../src/runtime/plan.ts';
import type { SubTopology } from '../../src/runtime/plan.ts';
import { timestampOf } from '../../src/runtime/stamped.ts';
import { taskId } from '../../src/runtime/task.ts';
import { ACCIDENTAL, compacts } from '../../src/testing/simulator/comparison.ts';
import type { LogContent, RawRecord } from '../../src/testing/simulator/outcome.ts';
import type { ModelStore, Output } from './model/parts.ts';
import { TaskModel, slotOf, timeOf } from './model/task-model.ts';
import { called } from './taps.ts';
import type { Taps, Unit } from './taps.ts';

/** Not the model's business. */
const UNMODELLED = new Set([...ACCIDENTAL, '__streams.errors.exception', '__streams.errors.message', 'topo.attempt']);

/** By topic and partition. */
type Records = ReadonlyMap<string, readonly RawRecord[]>;

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) =>
  `${topic}/${partition}`;
const inputsOf = ({ sub, partition }: TaskModel) => sub.inputs.filter(input => partition < input.partitions);

/**
 * What a log holds is what the model writes, whose tasks take the units that the application's tasks committed, in that order
 * (rule G1); or, where results follow from the input alone, in the order that the input has (rule G2). So do the stores, timers
 * and stream times. @throws Error for what is not so
 */
export function verify(topology: Topology, log: LogContent, taps: Taps, rule: 'G1' | 'G2'): void {
  const counts = new Map(log.topics.map(({ name, partitions }) => [name, partitions]));
  const partitionsOf = (topic: string) => counts.get(topic)!;
  const tasks = plan(topology, partitionsOf).subTopologies.flatMap(sub =>
    Array.from({ length: sub.partitions }, (_, partition) => new TaskModel(topology, sub, partition, partitionsOf)),
  );
  const records = new Map<string, RawRecord[]>();
  for (const all of log.records.values())
    for (const record of all) {
      const place = records.get(placeOf(record)) ?? [];
      records.set(placeOf(record), place);
      place.push(record);
    }
  const units = taps.units(partitionsOf);
  for (const task of tasks) {
    const taken = units.get(taskId(task.sub, task.partition))!;
    checkOrder(task, taken, records);
    if (rule === 'G2') checkG2(topology, task, taken, records);
    for (const unit of taken) take(unit, task, records);
  }
  for (const [place, found] of written(topology, tasks, records)) compare(place, found, log);
  for (const sub of new Set(tasks.map(task => task.sub))) {
    const its = tasks.filter(task => task.sub === sub);
    compareStores(topology, sub, its, log);
  }
}

/** Each record was taken once, in the order of its partition. */
function checkOrder(task: TaskModel, units: readonly Unit[], records: Records): void {
  const positions = new Map<string, number>();
  for (const unit of units) {
    if (unit.kind !== 'record') continue;
    const place = placeOf(unit);
    const at = positions.get(place) ?? 0;
    const expected = records.get(place)?.[at];
    if (expected?.offset !== unit.offset)
      throw new Error(
        `${place}: the record at ${unit.offset} was taken where the next one was ${expected?.offset ?? 'none'}`,
      );
    positions.set(place, at + 1);
  }
  for (const { topic } of inputsOf(task)) {
    const place = placeOf({ topic, partition: task.partition });
    const left = (records.get(place)?.length ?? 0) - (positions.get(place) ?? 0);
    if (left > 0) throw new Error(`${place}: ${left} records were not taken`);
  }
}

/** Of the heads the one with the smallest timestamp, tables first, then by declaration; a table that is read first before all. */
function checkG2(topology: Topology, task: TaskModel, units: readonly Unit[], records: Records): void {
  const queues = inputsOf(task)
    .sort((a, b) => Number(b.tableOnly) - Number(a.tableOnly))
    .map(input => ({
      input,
      slot: slotOf(input, topology),
      left: [...(records.get(placeOf({ topic: input.topic, partition: task.partition })) ?? [])],
    }));
  for (const unit of units) {
    if (unit.kind !== 'record') continue;
    const unread = queues.filter(({ input, left }) => input.readFirst && left.length > 0);
    const [first] = (unread.length > 0 ? unread : queues)
      .filter(({ left }) => left.length > 0)
      .map(queue => ({ queue, time: timeOf(queue.left[0]!, queue.slot) }))
      .sort((a, b) => a.time - b.time);
    const head = first!.queue.left.shift()!;
    if (head.topic !== unit.topic || head.offset !== unit.offset)
      throw new Error(
        `${placeOf(unit)} @${unit.offset} was taken before ${placeOf(head)} @${head.offset}, which rule G2 puts first`,
      );
  }
}

function take(unit: Unit, task: TaskModel, records: Records): void {
  task.clock = unit.clock;
  if (unit.kind === 'record')
    return task.take(records.get(placeOf(unit))!.find(({ offset }) => offset === unit.offset)!);
  const node = task.nodes.get(unit.node)!;
  if (unit.kind === 'clock') task.fire(node.schedules![1]!, unit.key, unit.due);
  else node.result!({ value: unit.value, isFailed: unit.isFailed, result: called(unit.value) });
}

interface Written {
  readonly records: readonly RawRecord[];
  readonly tasks: Output[][];
}

/** By partition: what it holds, and what each task of the model writes to it. Only of topics that the tasks write. */
function written(topology: Topology, tasks: readonly TaskModel[], records: Records): Map<string, Written> {
  const topics = new Set([`${topology.name}.dead-letters`, ...tasks.flatMap(({ sub }) => sub.writes)]);
  const all = new Map<string, Written>();
  for (const [place, its] of records) if (topics.has(its[0]!.topic)) all.set(place, { records: its, tasks: [] });
  for (const { outputs } of tasks)
    for (const place of new Set(outputs.map(placeOf))) {
      const entry = all.get(place) ?? { records: [], tasks: [] };
      entry.tasks.push(outputs.filter(output => placeOf(output) === place));
      all.set(place, entry);
    }
  return all;
}

const text = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('latin1');

function lineOf({ key, value, timestamp, headers }: Output | RawRecord): string {
  const kept = headers.filter(([name]) => !UNMODELLED.has(name)).map(([name, bytes]) => `${name}: ${text(bytes)}`);
  return `${text(key)} = ${text(value)} @${timestamp} {${kept.join(', ')}}`;
}

/** A partition holds what its tasks write, each task's records in their order. Of a compacted one, some may have gone. */
function compare(place: string, { records, tasks }: Written, log: LogContent): void {
  const lines = tasks.map(outputs => outputs.map(lineOf));
  const isCompacted = records.length > 0 && compacts(log, records[0]!.topic);
  // some record with its key is left, and may have come later
  const mayBeGone = (task: number, at: number) => {
    if (!isCompacted) return false;
    const key = text(tasks[task]![at]!.key);
    const others = tasks.flatMap((outputs, other) => (other === task ? outputs.slice(at + 1) : outputs));
    return key !== null && [records, others].every(all => all.some(one => text(one.key) === key));
  };
  // how much of each task's records may have come so far
  let states = new Map([['', lines.map(() => 0)]]);
  records.forEach((record, index) => {
    const line = lineOf(record);
    const next = new Map<string, number[]>();
    for (const state of states.values())
      state.forEach((from, task) => {
        for (let at = from; at < lines[task]!.length; at++) {
          if (lines[task]![at] === line) next.set(state.with(task, at + 1).join(), state.with(task, at + 1));
          if (!mayBeGone(task, at)) break;
        }
      });
    if (next.size === 0) {
      const due = [...states.values()][0]!.map((at, task) => lines[task]![at] ?? 'nothing more');
      throw new Error(`${place}: record ${index} is ${line}, where the model has ${due.join(', or ') || 'nothing'}`);
    }
    states = next;
  });
  const isOver = (at: number, task: number) => lines[task]!.every((_, index) => index < at || mayBeGone(task, index));
  const isComplete = [...states.values()].some(state => state.every(isOver));
  if (isComplete) return;
  const missing = [...states.values()][0]!.map((at, task) => lines[task]![at] ?? 'nothing more');
  throw new Error(`${place} ends after ${records.length} records, where the model has ${missing.join(', or ')}`);
}

function compareStores(topology: Topology, sub: SubTopology, tasks: readonly TaskModel[], log: LogContent): void {
  for (const node of sub.nodes)
    if (node.kind === 'processor')
      node.stores.forEach((store, at) => {
        const changes = log.records.get(changelogTopic(topology.name, store))!;
        for (const task of tasks) {
          const model = task.nodes.get(node.id)!.stores?.[at];
          const kept = new Map<string, RawRecord>();
          for (const record of changes) if (record.partition === task.partition) kept.set(text(record.key)!, record);
          for (const [key, { value }] of kept) if (value === null) kept.delete(key);
          if (model !== undefined) compareStore(`store ${store.name}-${task.partition}`, model, kept);
        }
      });
}

/** The key under which a store keeps its step's stream time. */
const TIME = '';

function compareStore(place: string, model: ModelStore, kept: ReadonlyMap<string, RawRecord>): void {
  const time = kept.get(TIME)?.timestamp ?? -1;
  if (model.schedule !== undefined && model.schedule.now !== time)
    throw new Error(`${place}: its step's stream time is ${time}, the model's ${model.schedule.now}`);
  const same = (what: string, found: string[], expected: string[]) => {
    const [a, b] = [found.sort().join('; '), expected.sort().join('; ')];
    if (a !== b) throw new Error(`${place} holds the ${what} ${a}, the model's ${b}`);
  };
  const rows = [...kept].filter(([key]) => key !== TIME);
  if (model.entries !== undefined)
    same(
      'entries',
      rows.map(([key, { value, timestamp }]) => `${key} = ${text(value)} @${timestamp}`),
      [...model.entries()].map(([key, value, timestamp]) => `${key} = ${text(value)} @${timestamp}`),
    );
  if (model.timers !== undefined)
    same(
      'timers',
      rows.filter(([key]) => key.includes('\0')).map(([key, { value }]) => `${key} @${timestampOf(value!)}`),
      [...model.timers()].map(([key, due]) => `${key} @${due}`),
    );
}
