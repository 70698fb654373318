import type { ProcessorNode } from '../../../src/graph/topology.ts';
import type { Serde } from '../../../src/serdes/serde.ts';
import { contextOf } from './stateless.ts';
import { Schedule, State } from './parts.ts';
import type { Event, Modelled, ModelSite, Push } from './parts.ts';
import type { TaskModel } from './task-model.ts';

interface Waiting {
  readonly isLeft: boolean;
  readonly event: Event;
  /** It met another one, or was reported. */
  readonly isSettled: boolean;
}

/** All records of both sides, for ever; what is closed is passed over. */
class JoinCloses extends Schedule {
  readonly records: State<Waiting>;
  #failing = '';

  constructor(
    private readonly of: ProcessorNode,
    task: TaskModel,
    private readonly report: (isLeft: boolean, event: Event) => void,
  ) {
    super(of.id, task);
    this.records = new State(task);
  }

  /** The last moment at which it can meet another one. */
  lastOf({ isLeft, event }: Waiting): number {
    const { beforeMs, afterMs, graceMs } = this.of.options as unknown as Readonly<Record<string, number>>;
    return event.timestamp + (isLeft ? afterMs! : beforeMs!) + graceMs!;
  }

  /** What closes together: one side's records of a key and time. Right ones first. */
  *waiting(): Iterable<readonly [number, string]> {
    for (const [, one] of this.records)
      if (!one.isSettled && this.of.options[one.isLeft ? 'left' : 'right'] === true)
        yield [this.lastOf(one) + 1, `${one.isLeft ? '\x01' : '\0'}${one.event.text}`];
  }

  #group(group: string, due: number): [string, Waiting][] {
    return [...this.records].filter(
      ([, one]) =>
        !one.isSettled &&
        this.lastOf(one) + 1 === due &&
        one.isLeft === (group[0] === '\x01') &&
        one.event.text === group.slice(1),
    );
  }

  fire(group: string, due: number): void {
    const closing = this.#group(group, due);
    for (const [at, one] of closing) this.records.set(at, { ...one, isSettled: true });
    for (const [at, { isLeft, event }] of closing) {
      this.#failing = at;
      this.report(isLeft, event);
    }
  }

  discard() {
    const one = this.records.get(this.#failing)!;
    this.records.set(this.#failing, { ...one, isSettled: true });
    const { isLeft, event } = one;
    const serde = this.task.slots(this.of)[isLeft ? 'left' : 'right'] as Serde<unknown>;
    const { timestamp, headers } = event;
    return [{ key: Buffer.from(event.text!, 'latin1'), value: serde.encode(event.value), timestamp, headers }];
  }
}

export function streamJoinModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const fn = task.slots(node)['fn'] as (left: unknown, right: unknown, record: unknown) => unknown;
  const { beforeMs, afterMs } = node.options as unknown as Readonly<Record<string, number>>;
  const emit = (left: unknown, right: unknown, event: Event) => {
    task.step = node.id;
    next({ ...event, value: fn(left, right, contextOf(event, task)) });
  };
  const report = (isLeft: boolean, event: Event) =>
    isLeft ? emit(event.value, null, event) : emit(null, event.value, event);
  const closes = new JoinCloses(node, task, report);
  let arrivals = 0;

  const side =
    (isLeft: boolean): Push =>
    event => {
      task.step = node.id;
      closes.advance(event.timestamp);
      if (event.value === null) return;
      if (event.text === null) {
        if (node.options[isLeft ? 'left' : 'right'] === true) report(isLeft, event);
        return;
      }
      const record = { isLeft, event, isSettled: false };
      if (closes.lastOf(record) < closes.now) return;
      const matches = [...closes.records].filter(([, one]) => {
        const [l, r] = isLeft ? [event, one.event] : [one.event, event];
        const isNear = l.timestamp - beforeMs! <= r.timestamp && r.timestamp <= l.timestamp + afterMs!;
        return one.isLeft !== isLeft && one.event.text === event.text && isNear && closes.lastOf(one) >= closes.now;
      });
      matches.sort(([, a], [, b]) => a.event.timestamp - b.event.timestamp);
      for (const [at, one] of matches) closes.records.set(at, { ...one, isSettled: true });
      closes.records.set(String(arrivals++), { ...record, isSettled: matches.length > 0 });
      for (const [, { event: other }] of matches) {
        const [left, right] = isLeft ? [event, other] : [other, event];
        const timestamp = Math.max(left.timestamp, right.timestamp);
        emit(left.value, right.value, { ...event, timestamp, headers: left.headers });
      }
    };
  return { inputs: [side(true), side(false)], schedules: [closes], stores: [{ schedule: closes }, {}] };
}
