import { Subject } from 'rxjs';
import type { Observable, Subscription } from 'rxjs';
import { FatalError, RecordError } from '../errors.ts';
import type { RxNode } from '../graph/topology.ts';
import { NO_HEADERS, encodeHeaders } from '../records/headers.ts';
import type { Headers } from '../records/headers.ts';
import { everyInput } from './chain.ts';
import type { Kind, Site } from './chain.ts';
import { IN, OUT } from './counters.ts';
import { KeyView } from './key-view.ts';
import { ClockScheduler } from './rx-scheduler.ts';
import { defined, isTime } from './values.ts';

/** What operators may hand on. */
interface Emitted {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestamp?: number;
  readonly headers?: Headers;
}

/** An operator, or what makes one when it sees the scheduler, which hangs on the source. */
type Operator = (
  source: Observable<unknown> & { readonly scheduler: ClockScheduler },
) => Observable<unknown> | ((source: Observable<unknown>) => Observable<unknown>);

/** Real RxJS operators, subscribed from the first record after a commit to the next commit. */
export const rx: Kind<RxNode> = {
  compile(node, site) {
    const pipe = new Pipe(node, site);
    return {
      ...everyInput(node, value => pipe.take(value)),
      drain: () => pipe.drain(),
      reset: () => pipe.reset(),
      close: () => pipe.close(),
    };
  },
};

/**
 * A task's subscription to one node's operators. What they emit while they take a record belongs to that record's unit, and
 * what they emit when they are drained to the commit; anything between is a unit of its own. An Observable is dead after its
 * first error, and with it what earlier records left inside, so an error ends everything until `reset`.
 */
class Pipe {
  #source: Subject<unknown> | undefined;
  #subscription: Subscription | undefined;
  /** What is emitted now is handed on at once. */
  #isOpen = false;
  /** While a record is taken: its key need not be written again. */
  #isInRecord = false;
  #isComplete = false;
  #failure: { readonly thrown: unknown; readonly step: string } | undefined;
  /** Emitted outside of any unit, and not handed on yet. */
  #late: Emitted[] = [];
  /** Ends the wait of a drain. */
  #over: () => void = () => {};
  #lastTimestamp = -1;
  readonly #key = new KeyView();
  readonly #row: number;

  constructor(
    private readonly node: RxNode,
    private readonly site: Site,
  ) {
    this.#row = site.counters.row(node.id);
  }

  /** @throws what the operators or the steps behind them threw; `reset` must follow */
  take(value: unknown): void {
    const { unit, counters } = this.site;
    counters.values[this.#row + IN]!++;
    unit.step = this.node.id;
    this.#lastTimestamp = unit.timestamp;
    const record = { key: unit.key, value, timestamp: unit.timestamp, headers: unit.headers };
    this.#isOpen = this.#isInRecord = true;
    try {
      this.#source ??= this.#subscribe();
      this.#source.next(record);
    } finally {
      this.#isOpen = this.#isInRecord = false;
    }
    this.#check();
  }

  /** @throws as `take`; FatalError `TOPO_PIPE_NOT_COMPLETE` */
  async drain(): Promise<void> {
    if (this.#source === undefined) return;
    this.#handOnLate();
    this.#isOpen = true;
    try {
      this.#source.complete();
      if (!this.#isComplete && this.#failure === undefined) await this.#completion();
    } finally {
      this.#isOpen = false;
    }
    this.#check();
    if (!this.#isComplete) throw this.#notComplete();
    this.reset();
  }

  reset(): void {
    this.#subscription?.unsubscribe();
    this.#source = this.#subscription = this.#failure = undefined;
    this.#isComplete = false;
    this.#late = [];
  }

  /** Also ends a drain that waits. */
  close(): void {
    const closed = new FatalError(
      'TOPO_CLOSED',
      `step '${this.node.id}' was closed before its operators had completed.`,
    );
    this.#failure ??= { thrown: closed, step: this.node.id };
    this.#subscription?.unsubscribe();
    this.#over();
  }

  #subscribe(): Subject<unknown> {
    const source = new Subject<unknown>();
    const scheduler = new ClockScheduler(this.site.clock, thrown => this.#fail(thrown, this.node.id));
    const operators = this.site.slots['operators'] as readonly Operator[];
    const result = operators.reduce((before: Observable<unknown>, operator) => {
      const applied = operator(Object.assign(before, { scheduler }));
      return typeof applied === 'function' ? applied(before) : applied;
    }, source.asObservable());
    this.#subscription = result.subscribe({
      next: record => this.#emitted(record as Emitted),
      error: (thrown: unknown) => this.#fail(thrown, this.node.id),
      complete: () => {
        this.#isComplete = true;
        this.#over();
      },
    });
    return source;
  }

  #emitted(record: Emitted): void {
    if (this.#isOpen) this.#handOnSafely(record);
    else if (this.#late.push(record) === 1) this.#submit(() => this.#handOnLate());
  }

  /** RxJS would report what the steps behind throw as an uncaught exception. */
  #handOnSafely(record: Emitted): void {
    if (this.#failure !== undefined) return;
    try {
      this.#handOn(record);
    } catch (thrown) {
      this.#fail(thrown, this.site.unit.step);
    }
  }

  #fail(thrown: unknown, step: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = { thrown, step };
    this.#over();
    if (!this.#isOpen) this.#submit(() => this.#check());
  }

  #check(): void {
    if (this.#failure === undefined) return;
    this.site.unit.step = this.#failure.step;
    throw this.#failure.thrown;
  }

  #submit(run: () => void): void {
    // a failure spoils the epoch, and the records it came from are run again: there is nothing to discard
    this.site.submit({ step: this.node.id, run, discard: () => null });
  }

  #handOnLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const record of late) this.#handOnSafely(record);
    this.#check();
  }

  #handOn(record: Emitted): void {
    const { unit, counters, slots, next } = this.site;
    const { keyView, timestamp, otherHeaders } = unit;
    unit.step = this.node.id;
    const emitted = checked(record, this.#lastTimestamp);
    if (!this.#isInRecord || emitted.key !== keyView.value)
      unit.keyView = this.#key.ofValue(emitted.key, slots['key'] ?? null);
    unit.timestamp = emitted.timestamp;
    if (emitted.headers !== undefined) unit.otherHeaders = encodeHeaders(emitted.headers);
    else if (!this.#isInRecord) unit.otherHeaders = NO_HEADERS;
    counters.values[this.#row + OUT]!++;
    next(emitted.value, null);
    unit.keyView = keyView;
    unit.timestamp = timestamp;
    unit.otherHeaders = otherHeaders;
  }

  async #completion(): Promise<void> {
    const over = new AbortController();
    this.#over = () => over.abort();
    await this.site.clock.deadline(this.site.pipeDeadlineMs, over.signal);
    this.#over = () => {};
  }

  #notComplete(): FatalError {
    const seconds = this.site.pipeDeadlineMs / 1000;
    return new FatalError(
      'TOPO_PIPE_NOT_COMPLETE',
      `the operators of step '${this.node.id}' did not complete within ${seconds} s after their source had: nothing was ` +
        `committed. Let each inner Observable end, raise pipeDeadlineMs, or use mapAsync for what takes long.`,
      { step: this.node.id },
    );
  }
}

/** @throws RecordError when it is no record */
function checked(record: Emitted, lastTimestamp: number): Emitted & { readonly timestamp: number } {
  if (typeof record !== 'object' || record === null)
    throw new RecordError('TOPO_USER_FUNCTION', 'its operators emitted something that is no record: { key, value }');
  const { timestamp = lastTimestamp, headers } = record;
  if (!isTime(timestamp))
    throw new RecordError('TOPO_TIMESTAMP_INVALID', 'its operators emitted a timestamp that is no time');
  const key = defined(record.key, 'emittedKey');
  const value = defined(record.value, 'emittedValue');
  return { key, value, timestamp, ...(headers && { headers }) };
}
