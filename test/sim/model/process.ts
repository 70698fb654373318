import { hasTiming } from '../../../src/graph/process.ts';
import type { ForwardOptions, ProcessSlot, StoreDeclaration, TimingSlot } from '../../../src/graph/process.ts';
import type { ProcessorNode } from '../../../src/graph/topology.ts';
import { textOf } from './stateless.ts';
import { Schedule, State } from './parts.ts';
import type { Event, Modelled, ModelSite, Push, Row } from './parts.ts';
import type { TaskModel } from './task-model.ts';

type Context = Record<string, unknown>;

interface Timer {
  readonly time: number;
  readonly headers: Event['headers'];
}

const NAMED = 'topo.timer';

/** The timers and intervals of a step that go by one clock. */
class Timers extends Schedule {
  readonly timers: State<Timer>;
  /** When each interval fired last. */
  readonly #fired: State<number>;
  #firing = -1;

  constructor(
    node: ProcessorNode,
    task: TaskModel,
    private readonly slot: TimingSlot,
    private readonly isWall: boolean,
    private readonly callAs: (
      fn: (context: unknown) => unknown,
      event: Omit<Event, 'key' | 'old' | 'value'>,
    ) => unknown,
  ) {
    super(node.id, task);
    this.timers = new State(task);
    this.#fired = new State(task);
  }

  *all(): Iterable<readonly [string, number]> {
    for (const [entry, { time }] of this.timers) yield [entry, time];
  }

  has(name: string): boolean {
    return Object.hasOwn(this.slot.timers, name);
  }

  set(name: string, text: string, timer: Timer): void {
    if (timer.time <= this.#firing) throw new Error('set for no later time');
    this.timers.set(`${name}\0${text}`, timer);
  }

  *waiting(): Iterable<readonly [number, string]> {
    for (const [entry, { time }] of this.timers) yield [time, entry];
    // by the clock they fire when it is said so
    if (!this.isWall) for (const name of Object.keys(this.slot.intervals)) yield [this.#next(name), name];
  }

  fire(entry: string, due: number): void {
    this.#firing = due;
    try {
      const at = entry.indexOf('\0');
      if (at < 0) this.#fireInterval(entry, due);
      else this.#fireTimer(entry, at);
    } finally {
      this.#firing = -1;
    }
  }

  discard(entry: string) {
    const at = entry.indexOf('\0');
    const named = (name: string) => [NAMED, Buffer.from(name)] as const;
    if (at < 0) {
      this.#fired.set(entry, this.now);
      return [{ key: null, value: null, timestamp: this.now, headers: [named(entry)] }];
    }
    const timer = this.timers.get(entry);
    if (timer === undefined) return [];
    this.timers.set(entry, undefined);
    const [name, text] = [entry.slice(0, at), entry.slice(at + 1)];
    const discard = this.slot.discards?.[name];
    const values = discard ? (this.callAs(discard, { ...timer, timestamp: timer.time, text }) as Uint8Array[]) : [null];
    const key = Buffer.from(text, 'latin1');
    return values.map(value => ({ key, value, timestamp: timer.time, headers: [...timer.headers, named(name)] }));
  }

  #fireTimer(entry: string, at: number): void {
    const timer = this.timers.get(entry);
    if (timer === undefined || timer.time > this.#firing) return;
    this.timers.set(entry, undefined);
    const { time, headers } = timer;
    this.callAs(this.slot.timers[entry.slice(0, at)]!, { timestamp: time, headers, text: entry.slice(at + 1) });
  }

  #fireInterval(name: string, due: number): void {
    const { everyMs, run } = this.slot.intervals[name]!;
    const last = this.#fired.get(name);
    if (this.isWall && last !== undefined && last + everyMs > due) return;
    // by the clock it keeps the beat it began with
    this.#fired.set(name, this.isWall ? due + everyMs * Math.floor((this.now - due) / everyMs) : this.now);
    this.callAs(run, { timestamp: this.now, headers: [], text: null });
  }

  /** In step with 1970. */
  #next(name: string): number {
    const last = this.#fired.get(name);
    const { everyMs } = this.slot.intervals[name]!;
    return last === undefined ? 0 : (Math.floor(last / everyMs) + 1) * everyMs;
  }
}

export function processModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const slot = task.slots(node)['process'] as ProcessSlot;
  let event: Event;
  const stores = slot.stores.map(([name, declaration]) => storeOf(name, declaration, task, () => event));
  const forward = (value: unknown, options: ForwardOptions = {}) => {
    const { timestamp = event.timestamp, headers = event.headers } = options;
    const before = event;
    next({ ...event, value, timestamp, headers });
    event = before;
    task.step = node.id;
  };
  const contextFor = (): Context => ({
    key: event.key,
    timestamp: event.timestamp,
    headers: event.headers,
    now: task.clock,
    stores: Object.fromEntries(stores.map(({ name, handle }) => [name, handle])),
    forward,
    timers: {
      set: (name: string, time: number) => timingOf(name).set(name, event.text!, { time, headers: event.headers }),
      cancel: (name: string) => timingOf(name).timers.set(`${name}\0${event.text}`, undefined),
      get: (name: string) => timingOf(name).timers.get(`${name}\0${event.text}`)?.time ?? null,
    },
  });
  const callAs = (fn: (context: unknown) => unknown, at: Omit<Event, 'key' | 'old' | 'value'>) => {
    const before = event;
    const key = at.text === null ? null : slot.key.decode(Buffer.from(at.text, 'latin1'));
    event = { ...at, key, value: null, old: null };
    task.step = node.id;
    const result = fn(contextFor());
    event = before;
    return result;
  };
  const timings = ([slot.streamTime, slot.wallClock] as const).map(
    (timing, at) => new Timers(node, task, timing, at === 1, callAs),
  );
  const timingOf = (name: string) => timings.find(timing => timing.has(name))!;

  const push: Push = given => {
    task.step = node.id;
    if (given.text === null) return;
    if (given.value === null && node.options['nullValues'] === false) return;
    timings[0]!.advance(given.timestamp);
    task.step = node.id;
    event = given;
    slot.record(given.value, contextFor());
  };
  const timerStores = timings
    .filter((_, at) => hasTiming(at === 0 ? slot.streamTime : slot.wallClock))
    .map(timing => ({
      timers: () => timing.all(),
      ...(timing === timings[0] && { schedule: timing }),
    }));
  return {
    inputs: node.inputs.map(() => push),
    schedules: timings,
    stores: [...stores.map(({ entries }) => (entries ? { entries } : {})), ...timerStores],
  };
}

function storeOf(name: string, declaration: StoreDeclaration, task: TaskModel, event: () => Event) {
  const { value: serde, key: keySerde, kind } = declaration;
  const entries = new State<Row<readonly Uint8Array[]>>(task);
  const encode = (value: unknown) => serde.encode(value as never);
  const decode = (bytes: Uint8Array): unknown => serde.decode(bytes);
  const own = () => event().text!;
  const put = (key: string, value: unknown) => {
    if (value === undefined) throw new Error('undefined is no value');
    entries.set(key, { value: [encode(value)], timestamp: event().timestamp });
  };
  const get = (key: string) => {
    const found = entries.get(key);
    return found === undefined ? null : decode(found.value[0]!);
  };
  const take = () => {
    const values = entries.get(own())?.value ?? [];
    entries.set(own(), undefined);
    return values;
  };
  const timestamp = { get: () => entries.get(own())?.timestamp ?? -1 };
  const value = {
    get: () => get(own()),
    put: (given: unknown) => put(own(), given),
    delete: () => entries.set(own(), undefined),
  };
  const list = {
    push(given: unknown) {
      const { value: before = [], timestamp: largest = -1 } = entries.get(own()) ?? {};
      entries.set(own(), { value: [...before, encode(given)], timestamp: Math.max(largest, event().timestamp) });
      return before.length + 1;
    },
    take: () => take().map(decode),
    takeBytes: take,
  };
  const keyText = (key: unknown) => textOf(keySerde!.encode(key as never));
  const keyValue = {
    get: (key: unknown) => get(keyText(key)),
    put: (key: unknown, given: unknown) => put(keyText(key), given),
    delete: (key: unknown) => entries.set(keyText(key), undefined),
  };
  const handle =
    kind === 'keyValue' ? keyValue : Object.defineProperty(kind === 'list' ? list : value, 'timestamp', timestamp);
  const all = () => [...entries].map(([key, row]) => [key, row.value[0]!, row.timestamp] as const);
  return { name, handle, entries: kind === 'list' ? null : all };
}

class Forgetting extends Schedule {
  constructor(
    node: ProcessorNode,
    task: TaskModel,
    private readonly ids: State<number>,
    private readonly withinMs: number,
  ) {
    super(node.id, task);
  }

  *waiting(): Iterable<readonly [number, string]> {
    for (const [id, timestamp] of this.ids) yield [timestamp + this.withinMs, id];
  }

  fire(id: string): void {
    this.ids.set(id, undefined);
  }

  discard() {
    return [];
  }
}

export function dedupeModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const by = task.slots(node)['by'] as (value: unknown, record: unknown) => unknown;
  const ids = new State<number>(task);
  const forgetting = new Forgetting(node, task, ids, node.options['withinMs'] as number);
  const push: Push = event => {
    task.step = node.id;
    if (event.text === null || event.value === null) return;
    forgetting.advance(event.timestamp);
    task.step = node.id;
    const id = JSON.stringify([event.text, by(event.value, event)]);
    if (ids.get(id) !== undefined) return;
    ids.set(id, event.timestamp);
    next(event);
  };
  return { inputs: [push], schedules: [forgetting], stores: [{ schedule: forgetting }] };
}
