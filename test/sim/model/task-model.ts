import { RecordError } from '../../../src/errors.ts';
import type { TopicSlot } from '../../../src/graph/functions.ts';
import { deadLettersTopic, repartitionTopic } from '../../../src/graph/names.ts';
import type { Node, Slots, Topology } from '../../../src/graph/topology.ts';
import { consumersOf } from '../../../src/runtime/plan.ts';
import type { Input, SubTopology } from '../../../src/runtime/plan.ts';
import type { RawRecord } from '../../../src/testing/simulator/outcome.ts';
import { MODELS } from './models.ts';
import type { Event, Fired, Modelled, Output, Push, Schedule, Subject } from './parts.ts';

/**
 * One task as one reads the documentation: everything in maps and lists, looked through each time. It takes the records in the
 * order it is given.
 */
export class TaskModel {
  readonly outputs: Output[] = [];
  readonly undo: (() => void)[] = [];
  /** Numbers the attempts at units. */
  attempt = 0;
  /** What the unit under way has made due, the first one first. */
  fired: Fired[] = [];
  /** The times that the unit had reached that was taken back last, the last one first. */
  reached: { readonly schedule: Schedule; readonly time: number }[] = [];
  /** Whose code runs. */
  step = '';
  /** What the clock shows. */
  clock = 0;
  /** The record under way; null: something else is. */
  record: RawRecord | null = null;
  readonly nodes = new Map<string, Modelled>();
  readonly #inputs = new Map<string, { readonly input: Input; readonly push: Push }>();

  constructor(
    readonly topology: Topology,
    readonly sub: SubTopology,
    readonly partition: number,
    readonly partitionsOf: (topic: string) => number,
  ) {
    const consumers = consumersOf(topology);
    const members = new Map(sub.nodes.map(node => [node.id, node]));
    const readersOf = (id: string): Push => {
      const readers = (consumers.get(id) ?? [])
        .flatMap(reader => members.get(reader) ?? [])
        .flatMap(node =>
          node.inputs.flatMap((input, at) => (input === id ? [this.nodes.get(node.id)!.inputs[at]!] : [])),
        );
      return event => readers.forEach(reader => reader(event));
    };
    for (const node of [...sub.nodes].reverse()) {
      const next = this.isCut(node) ? () => {} : readersOf(node.id);
      this.nodes.set(node.id, modelOf(node)!(node as never, { task: this, next }));
    }
    for (const input of sub.inputs) {
      const { node } = input;
      const push = node.kind === 'source' ? this.nodes.get(node.id)!.inputs[0]! : readersOf(node.id);
      this.#inputs.set(input.topic, { input, push });
    }
  }

  /** Whether records behind a node go through a repartition topic. */
  isCut(node: Node): boolean {
    return node.kind === 'key' && this.sub.writes.includes(repartitionTopic(this.topology.name, node.id));
  }

  slots(node: Node): Slots {
    return this.topology.functions[node.id] ?? {};
  }

  emit(output: Output): void {
    this.outputs.push(output);
    this.undo.push(() => this.outputs.pop());
  }

  /** Takes a record of a topic. */
  take(record: RawRecord): void {
    const { input, push } = this.#inputs.get(record.topic)!;
    const attempt = () => {
      this.record = record;
      this.step = input.node.id;
      push(eventOf(record, input, slotOf(input, this.topology)));
    };
    const failure = this.#unit(attempt);
    if (failure !== undefined)
      this.#deadLetter(failure, { ...record }, [
        ['__streams.errors.topic', record.topic],
        ['__streams.errors.partition', String(record.partition)],
        ['__streams.errors.offset', String(record.offset)],
      ]);
  }

  /** Something of a schedule that goes by the clock falls due. */
  fire(schedule: Schedule, key: string, due: number): void {
    schedule.now = this.clock;
    this.#due(schedule, key, due, schedule.now);
  }

  /** A unit that is no record: returns why it failed. */
  work(step: string, run: () => void, discard: () => readonly Subject[]): void {
    const failure = this.#unit(() => {
      this.record = null;
      this.step = step;
      run();
    });
    if (failure === undefined) return;
    for (const subject of discard()) this.#deadLetter(failure, subject, []);
    this.undo.length = 0;
  }

  /** What is due runs by itself, before the unit that made it due. Returns whether there was something. */
  #runDue({ schedule, until }: Fired): boolean {
    for (let hasRun = false; ; hasRun = true) {
      const before = schedule.now;
      schedule.now = until;
      const entry = schedule.first();
      schedule.now = before;
      if (entry === undefined) return hasRun;
      this.#due(schedule, entry[1], entry[0], until);
    }
  }

  #due(schedule: Schedule, key: string, due: number, until: number): void {
    this.work(
      schedule.node,
      () => {
        if (until > schedule.now) schedule.reach(until);
        schedule.fire(key, due);
      },
      () => schedule.discard(key, due),
    );
  }

  #unit(attempt: () => void): { readonly code: string; readonly step: string } | undefined {
    for (;;) {
      this.undo.length = 0;
      this.attempt++;
      this.fired = [];
      this.reached = [];
      try {
        attempt();
        this.undo.length = 0;
        return undefined;
      } catch (thrown) {
        const failure = { code: codeOf(thrown), step: this.step };
        while (this.undo.length > 0) this.undo.pop()!();
        const { fired, reached } = this;
        if (fired.some(one => this.#runDue(one))) continue;
        // it is given up: the times stay
        for (const { schedule, time } of reached) schedule.now = Math.max(schedule.now, time);
        return failure;
      }
    }
  }

  #deadLetter(
    failure: { readonly code: string; readonly step: string },
    subject: Subject,
    place: [string, string][],
  ): void {
    const headers = [...place, ['topo.step', failure.step], ['topo.code', failure.code]] as const;
    const topic = deadLettersTopic(this.topology.name);
    this.outputs.push({
      topic,
      partition: this.partition % this.partitionsOf(topic),
      key: subject.key,
      value: subject.value,
      timestamp: subject.timestamp,
      headers: [...subject.headers, ...headers.map(([name, text]) => [name, Buffer.from(text)] as const)],
    });
  }
}

const modelOf = (node: Node) => MODELS[node.kind === 'processor' ? node.processor : node.kind];

/** Whether the model knows all of its steps. */
export const isModelled = ({ nodes }: Topology): boolean => nodes.every(node => modelOf(node) !== undefined);

function codeOf(thrown: unknown): string {
  if (thrown instanceof RecordError) return thrown.code;
  if (thrown instanceof Error) return 'TOPO_USER_FUNCTION';
  throw thrown;
}

export const slotOf = ({ node }: Input, topology: Topology): TopicSlot =>
  (node.kind === 'source' ? topology.functions[node.id]!['topic'] : topology.functions[node.id]) as TopicSlot;

/** Event time; a record's own where its topic's function fails. */
export function timeOf(record: RawRecord, { timestamp, value }: TopicSlot): number {
  if (timestamp === undefined || record.value === null) return record.timestamp;
  try {
    return timestamp(value.decode(record.value));
  } catch {
    return record.timestamp;
  }
}

function eventOf(record: RawRecord, { node }: Input, slot: TopicSlot): Event {
  const { key, headers } = record;
  const decoded = record.value === null ? null : decode(slot, record.value);
  const timestamp = slot.timestamp === undefined || decoded === null ? record.timestamp : slot.timestamp(decoded);
  const common = { text: key && Buffer.from(key).toString('latin1'), timestamp, headers };
  const change = node.kind === 'key' && node.table ? (decoded as { old: unknown; new: unknown }) : null;
  return {
    ...common,
    key: key === null ? null : slot.key.decode(key),
    value: change === null ? decoded : change.new,
    old: change === null ? null : change.old,
  };
}

function decode(slot: TopicSlot, bytes: Uint8Array): unknown {
  try {
    return slot.value.decode(bytes);
  } catch {
    throw new RecordError('TOPO_DECODE', '');
  }
}
