import type { ErrorFunction } from '../../src/graph/error-policy.ts';
import type { Node, ProcessorNode, Topology } from '../../src/graph/topology.ts';
import type { Kind, Site } from '../../src/runtime/chain.ts';
import { KINDS } from '../../src/runtime/kinds.ts';
import { plan } from '../../src/runtime/plan.ts';
import type { OffsetCommit } from '../../src/runtime/ports.ts';
import type { DueEntries } from '../../src/runtime/schedule.ts';
import { taskId } from '../../src/runtime/task.ts';
import type { CommitListener } from '../../src/testing/simulator/simulated-broker.ts';

interface At {
  readonly partition: number;
  /** What the clock showed. */
  readonly clock: number;
}

/** A unit that a task began. */
export type Unit =
  | (At & { readonly kind: 'record'; readonly topic: string; readonly offset: number })
  | (At & { readonly kind: 'clock'; readonly node: string; readonly key: string; readonly due: number })
  | (At & { readonly kind: 'result'; readonly node: string; readonly value: string; readonly isFailed: boolean });

type Note =
  | Unit
  | { readonly kind: 'abort'; readonly node: string; readonly partition: number }
  /** Of a task: a commit is handed over, or it is opened and has come to a commit. */
  | { readonly kind: 'commit'; readonly task: string; readonly offsets: readonly OffsetCommit[] }
  | { readonly kind: 'open'; readonly task: string; readonly commit: number };

/** What a call of random topologies gives for a value, or says in its error: the value can be told from it. */
export const called = (value: string): string => `called(${value})`;
const calledValue = (text: string): string => /called\((.*)\)$/s.exec(text)![1]!;

/** Listens to the order in which tasks take their units, and to which of them were committed in the end. */
export class Taps implements CommitListener {
  /** Nodes that tell when a unit begins. */
  readonly kinds: Readonly<Record<string, Kind<never>>>;
  readonly #notes: Note[] = [];
  #clock = 0;
  /** How many there were when the process began. */
  #before = 0;

  constructor(private readonly topology: Topology) {
    const tapped = Object.entries(KINDS).map(([name, kind]) => [name, this.#tapped(kind)] as const);
    this.kinds = Object.fromEntries(tapped);
  }

  /** Hears of records that no node sees, since they do not decode, and of calls that failed, when their unit ends. */
  readonly onError: ErrorFunction = ({ place, message }) => {
    const { topic, offset, step } = place;
    const at = { partition: place.partition!, clock: this.#clock };
    const node = this.topology.nodes.find(one => one.id === step);
    if (topic !== undefined) this.#record({ kind: 'record', topic, offset: offset!, ...at });
    else if (node !== undefined && isCalls(node) && message.endsWith(')'))
      this.#notes.push({ kind: 'result', node: node.id, value: calledValue(message), isFailed: true, ...at });
    return 'dead-letter';
  };

  begun(): void {
    this.#before = this.#notes.length;
  }

  undone(): void {
    this.#notes.length = this.#before;
  }

  committing(group: string, task: string, offsets: readonly OffsetCommit[]): void {
    if (group === this.topology.name && offsets.length > 0) this.#notes.push({ kind: 'commit', task, offsets });
  }

  opened(group: string, task: string, offsets: readonly OffsetCommit[]): void {
    if (group === this.topology.name) this.#notes.push({ kind: 'open', task, commit: commitOf(offsets) });
  }

  /** What was committed, by task: each unit once, in order. */
  units(partitionsOf: (topic: string) => number): ReadonlyMap<string, readonly Unit[]> {
    const tasks = new Map<string, Committed>();
    const byInput = new Map<string, Committed>();
    for (const sub of plan(this.topology, partitionsOf).subTopologies)
      for (let partition = 0; partition < sub.partitions; partition++) {
        const task = new Committed();
        tasks.set(taskId(sub, partition), task);
        for (const { topic } of sub.inputs) byInput.set(`${topic}/${partition}`, task);
        for (const { id } of sub.nodes) byInput.set(`${id}/${partition}`, task);
      }
    for (const note of this.#notes) {
      if (note.kind === 'commit') tasks.get(note.task)?.close(note.offsets);
      else if (note.kind === 'open') tasks.get(note.task)?.open(note.commit);
      else {
        const task = byInput.get(`${note.kind === 'record' ? note.topic : note.node}/${note.partition}`)!;
        if (note.kind === 'abort') task.abort();
        else task.begin(note);
      }
    }
    return new Map([...tasks].map(([id, task]) => [id, task.units]));
  }

  #record(unit: Extract<Unit, { kind: 'record' }>): void {
    const last = this.#notes.at(-1);
    if (last?.kind === 'record' && identityOf(last) === identityOf(unit)) this.#notes.pop();
    this.#notes.push(unit);
  }

  #tapped(kind: Kind<Node>): Kind<Node> {
    return {
      compile: (node, site) => {
        const compiled = kind.compile(node, this.#site(node, site));
        const { unit, clock } = site;
        const steps = compiled.steps.map((step): typeof step => (value, old) => {
          this.#clock = clock.now();
          const { topic, partition, offset } = unit;
          if (unit.reader !== null) this.#record({ kind: 'record', topic, partition, offset, clock: clock.now() });
          step(value, old);
        });
        const aborted = () => {
          this.#notes.push({ kind: 'abort', node: node.id, partition: unit.partition });
          compiled.aborted?.();
        };
        return { ...compiled, steps, aborted };
      },
    };
  }

  #site(node: Node, site: Site): Site {
    const { unit, clock } = site;
    const schedule: Site['schedule'] = (store, entries, time) =>
      site.schedule(store, time === 'wall' ? this.#entries(node, site, entries) : entries, time);
    if (!isCalls(node)) return { ...site, schedule };
    const next: Site['next'] = (value, old) => {
      const { partition } = unit;
      const result = { node: node.id, value: calledValue(value as string), isFailed: false };
      this.#notes.push({ kind: 'result', ...result, partition, clock: clock.now() });
      site.next(value, old);
    };
    return { ...site, schedule, next };
  }

  #entries(node: Node, { unit, clock }: Site, entries: DueEntries): DueEntries {
    return {
      fire: (key, due) => {
        this.#notes.push({ kind: 'clock', node: node.id, partition: unit.partition, key, due, clock: clock.now() });
        entries.fire(key, due);
      },
      discard: (key, due) => entries.discard(key, due),
      dueOf: (key, value, timestamp) => entries.dueOf(key, value, timestamp),
    };
  }
}

/** The units of one task, epoch by epoch. */
class Committed {
  #epochs: { readonly commit: number; readonly units: readonly Unit[] }[] = [];
  #open: Unit[] = [];

  begin(unit: Unit): void {
    this.#open.push(unit);
  }

  /** The epoch is handed to the broker. A record behind its offsets waits to be tried again. */
  close(offsets: readonly OffsetCommit[]): void {
    const ends = new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
    const isIn = (unit: Unit) =>
      unit.kind !== 'record' || unit.offset < (ends.get(`${unit.topic}/${unit.partition}`) ?? Infinity);
    this.#epochs.push({ commit: commitOf(offsets), units: this.#open.filter(isIn) });
    this.#open = [];
  }

  abort(): void {
    this.#open = [];
  }

  /** Another process goes on behind this commit: what was handed over later is lost. */
  open(commit: number): void {
    this.#epochs = this.#epochs.filter(one => one.commit <= commit);
    this.#open = [];
  }

  /** A unit that failed may have run twice, around what it had made due: it counts where it ran last. */
  get units(): Unit[] {
    return this.#epochs.flatMap(({ units }) => {
      const last = new Map(units.map((unit, at) => [identityOf(unit), at]));
      return units.filter((unit, at) => last.get(identityOf(unit)) === at);
    });
  }
}

const isCalls = (node: Node): node is ProcessorNode => node.kind === 'processor' && node.processor === 'mapAsync';

/** The number of a task's commit; 0 where it has none. */
function commitOf(offsets: readonly OffsetCommit[]): number {
  return Math.max(0, ...offsets.map(({ metadata }) => (JSON.parse(metadata) as { readonly commit: number }).commit));
}

function identityOf(unit: Unit): string {
  if (unit.kind === 'record') return `${unit.topic}/${unit.partition}/${unit.offset}`;
  return JSON.stringify([unit.kind, unit.node, unit.kind === 'clock' ? [unit.key, unit.due] : unit.value]);
}
