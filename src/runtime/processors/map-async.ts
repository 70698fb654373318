import type { ProcessorNode } from '../../graph/topology.ts';
import { decodeHeaders } from '../../records/headers.ts';
import type { Serde } from '../../serdes/serde.ts';
import { timeAt, timeText } from '../../serdes/windowed.ts';
import { Calls } from '../calls.ts';
import type { FinalOutcome } from '../calls.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site, StoredEntry } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { Final } from '../error-policy.ts';
import { KeyView } from '../key-view.ts';
import type { DueSubject } from '../schedule.ts';
import type { Store } from '../store.ts';
import { decode, defined, encode } from '../values.ts';
import { decodeWaiting, encodeWaiting } from '../waiting-record.ts';
import { textOfKey } from '../store-key.ts';

/** Records held, as a multiple of the calls made at once: enough that no call waits for the next record. */
const HELD_PER_CALL = 4;

/** A record whose call is to be made, is under way, or has a result that was not handed on yet. */
interface Held {
  /** Rises with every record accepted. As text, it is the entry's key in the store. */
  readonly number: number;
  readonly entry: Uint8Array;
  readonly timestamp: number;
  /** The epoch it was accepted in. */
  readonly epoch: number;
  /** Aborts when nobody waits for its result any more. */
  readonly given: AbortController;
  /** Its unit stands: it was not taken back. */
  isBegun: boolean;
  outcome?: FinalOutcome;
  isSubmitted: boolean;
}

/**
 * Calls an asynchronous function for each record, in two units: one accepts the record into the step's store, one takes it out
 * and hands the result on. Commits wait for no call; those in the store at the start are made again.
 */
export function mapAsync(node: ProcessorNode, site: Site): Compiled {
  const step = new MapAsync(node, site);
  const limit = HELD_PER_CALL * (node.options['concurrency'] as number);
  return {
    ...everyInput(node, value => step.accept(value)),
    opened: entriesOf => step.open(entriesOf(node.stores[0]!.name)),
    closing: () => step.closeEpoch(),
    aborted: () => step.abort(),
    close: () => step.close(),
    isFull: () => step.held.size >= limit,
    isBusy: before => step.isBusy(before),
    begun: () => step.next,
  };
}

class MapAsync {
  /** By number, the lowest first. */
  held = new Map<number, Held>();
  next = 0;
  /** Calls that are begun once it is certain that their units stand. */
  #accepted: Held[] = [];
  /** With order `key`: the calls behind the one under way, by key. */
  #queues = new Map<string, Held[]>();
  /** Taken out of the store in the open epoch. */
  #handedOn: Held[] = [];
  #epoch = 0;
  readonly #calls: Calls;
  readonly #store: Store;
  readonly #order: string;
  readonly #row: number;
  readonly #key: Serde<unknown>;
  readonly #value: Serde<unknown>;
  readonly #view = new KeyView();

  constructor(
    private readonly node: ProcessorNode,
    private readonly site: Site,
  ) {
    const { concurrency, timeoutMs, retries, backoffMs, order } = node.options as Record<string, number | string>;
    const policy = { concurrency, timeoutMs, retries, backoffMs } as ConstructorParameters<typeof Calls>[0];
    this.#calls = new Calls(policy, site.clock);
    this.#store = site.store(node.stores[0]!.name);
    this.#order = order as string;
    this.#row = site.counters.row(node.id);
    this.#key = site.slots['key'] as Serde<unknown>;
    this.#value = site.slots['value'] as Serde<unknown>;
  }

  accept(value: unknown): void {
    const { unit, counters } = this.site;
    counters.values[this.#row + IN]!++;
    unit.step = this.node.id;
    const entry = encodeWaiting({
      key: unit.keyView.bytes,
      value: value === null ? null : encode(this.#value, value, 'value'),
      headers: unit.headerBytes,
    });
    const one = this.#hold(this.next, entry, unit.timestamp, this.#epoch);
    this.#store.put(timeText(one.number), entry, unit.timestamp);
  }

  async open(entries: AsyncIterable<StoredEntry>): Promise<void> {
    for await (const [key, entry, timestamp] of entries) this.#hold(timeAt(key, 0), entry, timestamp, -1);
  }

  closeEpoch(): void {
    this.#epoch++;
    this.#handedOn = [];
  }

  /** What the open epoch accepted comes again; what it handed on is handed on again. */
  abort(): void {
    const all = [...this.#handedOn, ...this.held.values()].sort((a, b) => a.number - b.number);
    for (const one of all) if (one.epoch === this.#epoch) one.given.abort();
    const kept = all.filter(({ epoch }) => epoch < this.#epoch);
    this.held = new Map(kept.map(one => [one.number, one]));
    this.#handedOn = [];
    this.#queues = new Map();
    for (const one of kept) {
      one.isSubmitted = false;
      // the first one of a key is under way
      if (one.isBegun && one.outcome === undefined) this.#isBehindItsKey(one);
    }
    this.#submitReady();
    this.#accepted = kept.filter(({ isBegun }) => !isBegun);
    if (this.#accepted.length > 0) this.#submitBegin();
  }

  close(): void {
    for (const { given } of this.held.values()) given.abort();
  }

  isBusy(before: number): boolean {
    for (const number of this.held.keys()) return number < before;
    return false;
  }

  #hold(number: number, entry: Uint8Array, timestamp: number, epoch: number): Held {
    const given = new AbortController();
    const one: Held = { number, entry, timestamp, epoch, given, isBegun: false, isSubmitted: false };
    this.next = number + 1;
    this.held.set(number, one);
    if (this.#accepted.push(one) === 1) this.#submitBegin();
    return one;
  }

  #submitBegin(): void {
    this.site.submit({ step: this.node.id, run: () => this.#begin(), discard: () => null });
  }

  #begin(): void {
    const accepted = this.#accepted;
    this.#accepted = [];
    for (const one of accepted) {
      // its unit failed in another branch
      if (this.#store.get(timeText(one.number)) === null) this.held.delete(one.number);
      else {
        one.isBegun = true;
        if (!this.#isBehindItsKey(one)) void this.#call(one);
      }
    }
  }

  /** Whether another call of its key is under way, behind which it now stands. */
  #isBehindItsKey(one: Held): boolean {
    const key = this.#keyOf(one);
    if (key === null) return false;
    const queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, []);
    else queue.push(one);
    return queue !== undefined;
  }

  /** The key it waits for; null where it waits for none. */
  #keyOf({ entry }: Held): string | null {
    return this.#order === 'key' ? textOf(decodeWaiting<Uint8Array | null>(entry).key) : null;
  }

  async #call(one: Held): Promise<void> {
    const { fn } = this.site.slots as { readonly fn: (value: unknown, context: object) => unknown };
    const { timestamp } = one;
    const { key, value, headers } = decodeWaiting<Uint8Array | null, Uint8Array | null>(one.entry);
    // each attempt gets a value of its own, as after a restart
    const attempt = (signal: AbortSignal, count: number) =>
      fn(value === null ? null : decode(this.#value, value, 'value'), {
        key: key === null ? null : decode(this.#key, key, 'key'),
        timestamp,
        headers: decodeHeaders(headers),
        signal,
        attempt: count,
      });
    const outcome = await this.#calls.make(attempt, one.given.signal);
    if (outcome === null || one.given.signal.aborted) return;
    one.outcome = outcome;
    this.#beginBehind(one);
    this.#submitReady();
  }

  #beginBehind(one: Held): void {
    const key = this.#keyOf(one);
    if (key === null) return;
    const next = this.#queues.get(key)!.shift();
    if (next === undefined) this.#queues.delete(key);
    else void this.#call(next);
  }

  /** What may be handed on: with order `partition`, what nothing stands in front of. */
  #submitReady(): void {
    for (const one of this.held.values()) {
      const { outcome } = one;
      if (outcome === undefined) {
        if (this.#order === 'partition') return;
      } else if (!one.isSubmitted) {
        one.isSubmitted = true;
        this.site.submit({
          step: this.node.id,
          run: () => this.#handOn(one, outcome),
          discard: () => this.#discard(one),
          ...('thrown' in outcome && { attempts: outcome.attempts }),
        });
      }
    }
  }

  #handOn(one: Held, outcome: FinalOutcome): void {
    const { unit, counters, next } = this.site;
    const { key, value, headers } = this.#takeOut(one);
    unit.timestamp = one.timestamp;
    unit.keyView = this.#view.ofText(textOf(key), this.#key);
    unit.otherHeaders = headers;
    const result = 'thrown' in outcome ? this.#instead(outcome.thrown, value) : defined(outcome.value);
    counters.values[this.#row + OUT]!++;
    next(result, null);
  }

  #instead(thrown: unknown, value: Uint8Array | null): unknown {
    const { substitute } = this.site;
    if (substitute === null) throw new Final(thrown);
    return substitute(thrown, value === null ? null : decode(this.#value, value, 'value'));
  }

  #discard(one: Held): DueSubject {
    return { ...this.#takeOut(one), timestamp: one.timestamp };
  }

  #takeOut(one: Held) {
    this.#store.put(timeText(one.number), null, one.timestamp);
    // a unit that failed has taken it out before
    if (this.held.delete(one.number)) this.#handedOn.push(one);
    return decodeWaiting<Uint8Array | null, Uint8Array | null>(one.entry);
  }
}

const textOf = (key: Uint8Array | null): string | null => (key === null ? null : textOfKey(key));
