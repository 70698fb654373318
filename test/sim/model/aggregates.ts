import type { Aggregator } from '../../../src/graph/functions.ts';
import type { ProcessorNode } from '../../../src/graph/topology.ts';
import { endOf, windowText } from '../../../src/serdes/windowed.ts';
import type { Serde } from '../../../src/serdes/serde.ts';
import { Schedule, State } from './parts.ts';
import type { Event, Modelled, ModelSite, Push, Row } from './parts.ts';
import type { TaskModel } from './task-model.ts';

/** States as bytes, as a function may change the state it is given. */
class Aggregation {
  readonly states: State<Row<Uint8Array>>;
  readonly aggregator: Aggregator;

  constructor(
    private readonly node: ProcessorNode,
    private readonly task: TaskModel,
    private readonly next: Push,
  ) {
    this.states = new State(task);
    this.aggregator = task.slots(node)['aggregator'] as Aggregator;
  }

  update(key: string, event: Event, change: { readonly added: unknown; readonly taken: unknown }): void {
    const { aggregator, task, node } = this;
    task.step = node.id;
    const stored = this.states.get(key);
    const timestamp = Math.max(event.timestamp, stored?.timestamp ?? -1);
    const old = stored === undefined ? null : this.result(stored);
    let state = stored === undefined ? aggregator.init() : aggregator.serde.decode(stored.value);
    if (change.taken !== null) state = aggregator.subtract!(state, change.taken);
    if (change.added !== null) state = aggregator.add(state ?? aggregator.init(), change.added);
    this.states.set(key, state === null ? undefined : { value: aggregator.serde.encode(state), timestamp });
    if (node.options['emit'] === 'final') return;
    this.next({ ...event, value: state === null ? null : aggregator.result(state), old, timestamp });
  }

  result({ value }: Row<Uint8Array>): unknown {
    return this.aggregator.result(this.aggregator.serde.decode(value));
  }

  row(key: string): Row | null {
    const stored = this.states.get(key);
    return stored === undefined ? null : { value: this.result(stored), timestamp: stored.timestamp };
  }

  /** What others see of it. */
  modelled(inputs: readonly Push[], schedule?: Schedule): Modelled {
    const entries = () => [...this.states].map(([key, { value, timestamp }]) => [key, value, timestamp] as const);
    return {
      inputs,
      row: key => this.row(key),
      stores: [{ entries, ...(schedule && { schedule }) }],
      ...(schedule && { schedules: [schedule] }),
    };
  }
}

export function aggregateModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const aggregation = new Aggregation(node, task, next);
  const push: Push = event => {
    if (event.text !== null && event.value !== null)
      aggregation.update(event.text, event, { added: event.value, taken: null });
  };
  return aggregation.modelled(node.inputs.map(() => push));
}

export function aggregateTableModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const aggregation = new Aggregation(node, task, next);
  const push: Push = event => aggregation.update(event.text!, event, { added: event.value, taken: event.old });
  return aggregation.modelled([push]);
}

class WindowCloses extends Schedule {
  constructor(
    private readonly of: ProcessorNode,
    task: TaskModel,
    private readonly aggregation: Aggregation,
    private readonly next: Push,
  ) {
    super(of.id, task);
  }

  *waiting(): Iterable<readonly [number, string]> {
    for (const [key] of this.aggregation.states) yield [endOf(key) + (this.of.options['graceMs'] as number), key];
  }

  fire(key: string): void {
    const { states } = this.aggregation;
    const state = states.get(key)!;
    states.set(key, undefined);
    if (this.of.options['emit'] !== 'final') return;
    const keySerde = this.task.slots(this.of)['key'] as Serde<unknown>;
    this.task.step = this.of.id;
    const value = this.aggregation.result(state);
    this.next({
      key: keySerde.decode(Buffer.from(key, 'latin1')),
      text: key,
      value,
      old: null,
      timestamp: state.timestamp,
      headers: [],
    });
  }

  discard(key: string) {
    const { value, timestamp } = this.aggregation.states.get(key)!;
    this.aggregation.states.set(key, undefined);
    return [{ key: Buffer.from(key, 'latin1'), value, timestamp, headers: [] }];
  }
}

export function timeWindowModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const { sizeMs, everyMs, graceMs } = node.options as unknown as Readonly<Record<string, number>>;
  const keySerde = task.slots(node)['key'] as Serde<unknown>;
  const aggregation = new Aggregation(node, task, next);
  const closes = new WindowCloses(node, task, aggregation, next);
  const push: Push = event => {
    if (event.text === null || event.value === null) return;
    const { timestamp } = event;
    closes.advance(timestamp);
    for (let start = 0; start <= timestamp; start += everyMs!) {
      const end = start + sizeMs!;
      if (timestamp >= end || closes.now >= end + graceMs!) continue;
      const text = event.text + windowText(start, end);
      const key = keySerde.decode(Buffer.from(text, 'latin1'));
      aggregation.update(text, { ...event, key, text }, { added: event.value, taken: null });
    }
  };
  return aggregation.modelled(
    node.inputs.map(() => push),
    closes,
  );
}
