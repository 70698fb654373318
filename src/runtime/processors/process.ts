import { RecordError } from '../../errors.ts';
import type { RecordContext } from '../../graph/functions.ts';
import { hasTiming } from '../../graph/process.ts';
import type { ForwardOptions, ProcessSlot, Timers } from '../../graph/process.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { encodeHeaders } from '../../records/headers.ts';
import type { Headers } from '../../records/headers.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { KeyView } from '../key-view.ts';
import type { Unit } from '../unit.ts';
import { defined, isTime, synchronous } from '../values.ts';
import { handleOf, ownKey } from './process-stores.ts';
import type { Call } from './process-stores.ts';
import { Timing } from './timing.ts';
import type { Fire } from './timing.ts';

/**
 * A step of the user's own, with stores and timers; also what the durable twins of RxJS operators run on. Null keys are dropped,
 * and null values where option `nullValues` is false.
 */
export function process(node: ProcessorNode, site: Site): Compiled {
  const { unit } = site;
  const slot = site.slots['process'] as ProcessSlot;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue] = [site.drop('null-key'), site.drop('null-value')];
  const takesNull = node.options['nullValues'] !== false;
  const context = new Context(node.id, site, row);
  slot.stores.forEach(([name, declaration], index) => {
    context.stores[name] = handleOf(declaration, site.store(node.stores[index]!.name), context);
  });
  const [streamTime, wallClock] = timingsOf(node, site, slot, context);
  const timings = [streamTime, wallClock].filter(timing => timing !== null);
  const record = (value: unknown) => slot.record(value, context);

  return {
    ...everyInput(node, value => {
      values[row + IN]!++;
      unit.step = node.id;
      if (unit.storeKey === null) return nullKey();
      if (value === null && !takesNull) return nullValue();
      if (streamTime !== null) {
        streamTime.advance(unit.timestamp);
        unit.step = node.id;
      }
      context.during(record, value);
    }),
    ...(timings.length > 0 && {
      opened: async () => {
        for (const timing of timings) timing.begin(node.id);
      },
      // the epoch may have been the one that keeps when intervals began
      aborted: () => {
        for (const timing of timings) timing.keepBegun(node.id);
      },
    }),
  };
}

/** By stream time and by the clock; null where nothing goes by it. */
function timingsOf(node: ProcessorNode, site: Site, slot: ProcessSlot, context: Context) {
  const { unit } = site;
  const view = new KeyView();
  const fire: Fire = (fn, key, timestamp, headers) => {
    const { keyView, otherHeaders } = unit;
    const before = unit.timestamp;
    unit.keyView = view.ofText(key, slot.key);
    unit.otherHeaders = headers;
    unit.timestamp = timestamp;
    unit.step = node.id;
    const result = context.during(fn, context);
    unit.keyView = keyView;
    unit.otherHeaders = otherHeaders;
    unit.timestamp = before;
    return result;
  };
  let store = slot.stores.length;
  const timings = ([slot.streamTime, slot.wallClock] as const).map((timing, index) => {
    if (!hasTiming(timing)) return null;
    const made = new Timing(site, node.stores[store++]!.name, index === 0 ? 'stream' : 'wall', timing, fire);
    for (const name of Object.keys(timing.timers)) context.timings.set(name, made);
    return made;
  });
  return timings as [Timing | null, Timing | null];
}

/** What all functions of the step are given, one for all of them: their types show each what it may use. */
class Context implements RecordContext, Call {
  readonly stores: Record<string, unknown> = {};
  /** Which clock a timer goes by. */
  readonly timings = new Map<string, Timing>();
  readonly unit: Unit;
  readonly #id: string;
  readonly #site: Site;
  readonly #row: number;
  #isOpen = false;

  constructor(id: string, site: Site, row: number) {
    this.unit = site.unit;
    this.#id = id;
    this.#site = site;
    this.#row = row;
  }

  get key(): unknown {
    return this.unit.key;
  }

  get timestamp(): number {
    return this.unit.timestamp;
  }

  get headers(): Headers {
    return this.unit.headers;
  }

  get topic(): string {
    return this.unit.topic;
  }

  get partition(): number {
    return this.unit.partition;
  }

  get offset(): number {
    return this.unit.offset;
  }

  get now(): number {
    return this.#site.clock.now();
  }

  readonly timers: Timers<string> = {
    set: (name, time) => this.#timing(name).set(name, ownKey(this), time),
    cancel: name => this.#timing(name).cancel(name, ownKey(this)),
    get: name => this.#timing(name).get(name, ownKey(this)),
  };

  readonly forward = (value: unknown, options?: ForwardOptions): void => {
    this.check();
    const result = defined(value, 'forwarded');
    const { unit } = this;
    const { next, counters } = this.#site;
    counters.values[this.#row + OUT]!++;
    if (options === undefined) next(result, null);
    else {
      const { timestamp, otherHeaders } = unit;
      if (options.timestamp !== undefined) unit.timestamp = checkedTime(options.timestamp);
      if (options.headers !== undefined) unit.otherHeaders = encodeHeaders(options.headers);
      next(result, null);
      unit.timestamp = timestamp;
      unit.otherHeaders = otherHeaders;
    }
    // the rest is this step's code again
    unit.step = this.#id;
  };

  /** Stores, timers and `forward` are there while a function of the step is being called. */
  during<T, R>(fn: (given: T) => R, given: T): R {
    this.#isOpen = true;
    try {
      return synchronous(fn(given));
    } finally {
      this.#isOpen = false;
    }
  }

  check(): void {
    if (this.#isOpen) return;
    throw new RecordError(
      'TOPO_USER_FUNCTION',
      `what the functions of '${this.#id}' are given is used when they have returned: they are synchronous`,
    );
  }

  #timing(name: string): Timing {
    const timing = this.timings.get(name);
    if (timing !== undefined) return timing;
    throw new RecordError(
      'TOPO_USER_FUNCTION',
      `there is no timer '${name}'; there are ${[...this.timings.keys()].join(', ') || 'none'}`,
    );
  }
}

function checkedTime(timestamp: number): number {
  if (isTime(timestamp)) return timestamp;
  throw new RecordError(
    'TOPO_TIMESTAMP_INVALID',
    `forward is given ${timestamp} as timestamp: no time in ms since 1970`,
  );
}
