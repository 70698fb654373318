import { ERROR_CODES, FatalError, RecordError } from '../errors.ts';
import type { Place } from '../errors.ts';
import type { ErrorFunction } from '../graph/error-policy.ts';
import type { Topology } from '../graph/topology.ts';
import type { Work } from './chain.ts';
import { OutTally } from './counters.ts';
import type { Counters, DropReason } from './counters.ts';
import { deadLetter } from './dead-letters.ts';
import { DeadLetterLimit } from './dead-letter-limit.ts';
import { Final, Verdict, asRecordError, ask, isRetry } from './error-policy.ts';
import type { ErrorPolicies } from './error-policy.ts';
import type { TaskInput } from './input.ts';
import type { Outputs, TopicOutput } from './outputs.ts';
import { EARLY, TimeLog } from './schedule.ts';
import type { Due, DueSubject, Schedule } from './schedule.ts';
import { UndoLog } from './store.ts';
import { Unit } from './unit.ts';

const LONGEST_BACKOFF_MS = 30_000;

/** What becomes of a unit that was taken back: it is run again, once more, or not. */
type Next = 'again' | 'last' | 'give up';

export interface UnitRunnerOptions {
  readonly topology: Topology;
  readonly partition: number;
  readonly counters: Counters;
  readonly policies: ErrorPolicies;
  /** The task ends where it dead-letters so much that it looks like a broken deploy. */
  readonly limitsDeadLetters: boolean;
  readonly manifestHash: string;
  readonly onDeadLetter: (error: RecordError) => void;
}

/**
 * Runs units: a record, something that fell due, the result of a call, each with everything it leads to in its task. All of a
 * unit's effects stay or none; what fails is dead-lettered in its place.
 *
 * What a record makes due runs within its unit, when the record reaches the step, before the step takes it. Only if something
 * in that unit throws, it is taken back whole, what was due runs as units of its own, and the record again: so a window that
 * cannot be closed fails alone, and one that can stays closed though the record fails.
 */
export class UnitRunner {
  readonly unit = new Unit();
  readonly undo = new UndoLog();
  readonly times = new TimeLog();
  readonly tally: OutTally;
  /** Set when the chain is compiled: whether some step holds records back until it is drained. */
  holdsBack = false;
  /** Set when the chain is compiled: makes what steps hold back come out. */
  drain: () => Promise<void> = async () => {};
  /** Set when the chain is compiled: makes steps forget what they hold. */
  reset: () => void = () => {};
  /** Units of the open epoch that have succeeded or were dead-lettered. */
  units = 0;
  /** How often the units have failed that are to be tried again: while one of them waits, what is no record may fail too. */
  readonly #failing = new Map<unknown, number>();
  /** What is under way, where that is no record. */
  #work: Work | null = null;
  readonly #limit = new DeadLetterLimit();
  /** What steps dropped of the unit under way, and is kept: counted and told of when the unit stands. */
  #dropped: RecordError[] = [];
  /** Dead letters of the open epoch: counted and told of when it is committed. */
  #letters: RecordError[] = [];
  /** Something was dead-lettered once too often: nothing is to follow. */
  #exceeded: TooManyDeadLetters | null = null;

  constructor(
    private readonly options: UnitRunnerOptions,
    private readonly outputs: Outputs,
    private readonly deadLetters: TopicOutput,
  ) {
    this.tally = new OutTally(options.counters.values);
  }

  /** The input's head. @throws FatalError, SpoiledEpoch, StoppedByPolicy, RetryLater */
  record(input: TaskInput): void {
    for (let isLast = false; ;) {
      this.#begin(input);
      try {
        input.step(input.value(), null);
        return;
      } catch (thrown) {
        const next = this.#settled(thrown, isLast);
        if (next === 'give up') return this.#keep(this.#givenUp(thrown));
        isLast = next === 'last';
      }
    }
  }

  /** As `record`, where the epoch holds nothing else: what steps hold back comes out within the unit, and may fail with it. */
  async recordAlone(input: TaskInput): Promise<void> {
    for (let isLast = false; ;) {
      this.#begin(input);
      try {
        input.step(input.value(), null);
        await this.drain();
        return;
      } catch (thrown) {
        const next = await this.#settledAlone(thrown, isLast);
        if (next === 'give up') return this.#keep(this.#givenUp(thrown));
        isLast = next === 'last';
      }
    }
  }

  /** Entries of a schedule that are due, one after the other, each as a unit of its own: its time is `until` then. */
  *due({ schedule, until }: Due): Generator<Work, void> {
    if (until === EARLY) return yield this.#first(schedule, schedule.now);
    try {
      while (schedule.next <= until) yield this.#first(schedule, until);
    } finally {
      // some went, and made it so late; another one waits to be tried again, or ends the run
      if (schedule.now === until) schedule.isLeftDue = schedule.next <= until;
    }
  }

  /** The entry of a schedule that goes first. */
  #first(schedule: Schedule, time: number): Work {
    const { entries, step, next } = schedule;
    let key = '';
    return {
      step,
      isDue: true,
      id: () => `${step} ${next} ${key}`,
      run: () => {
        if (time > schedule.now) schedule.reach(time);
        key = schedule.take();
        entries.fire(key, next);
      },
      // taken back, it is scheduled again; when it is taken next, nothing of it is left
      discard: () => entries.discard(key, next),
    };
  }

  /** One unit without a record. Returns false where there was nothing to do: then it was none. @throws as `record` */
  work(work: Work): boolean {
    for (let isLast = false; ;) {
      this.#beginWork(work);
      try {
        work.run();
        if (this.#wasNothing(work)) return false;
        break;
      } catch (thrown) {
        const next = this.#settled(thrown, isLast);
        if (next === 'give up') {
          this.#discard(work, thrown);
          break;
        }
        isLast = next === 'last';
      }
    }
    this.endUnit();
    this.unitEnded();
    return true;
  }

  /** As `work`, where the epoch holds nothing else. */
  async workAlone(work: Work): Promise<boolean> {
    for (let isLast = false; ;) {
      this.#beginWork(work);
      try {
        work.run();
        if (this.#wasNothing(work)) return false;
        await this.drain();
        break;
      } catch (thrown) {
        const next = await this.#settledAlone(thrown, isLast);
        if (next === 'give up') {
          this.#discard(work, thrown);
          break;
        }
        isLast = next === 'last';
      }
    }
    this.endUnit();
    this.unitEnded();
    return true;
  }

  /** An entry that is scheduled and not there any more: what falls due changes its store. */
  #wasNothing({ isDue = false }: Work): boolean {
    if (!isDue || !this.undo.isEmpty) return false;
    this.times.turnBack();
    this.endUnit();
    return true;
  }

  /** To be called when a unit has succeeded or was dead-lettered. @throws TooManyDeadLetters where it was one too many */
  unitEnded(): void {
    this.units++;
    this.#limit.unitEnded();
    if (this.#failing.size > 0) this.#failing.delete(this.#unitId);
    if (this.#exceeded !== null) throw this.#exceeded;
  }

  /** What the unit did is done. */
  endUnit(): void {
    this.outputs.endUnit();
    this.undo.endUnit();
    this.tally.endUnit();
    this.times.endUnit();
    if (this.#dropped.length === 0) return;
    this.#letters.push(...this.#dropped);
    this.#dropped = [];
  }

  /** The epoch is aborted: nothing of what the unit under way did is done. */
  abort(): void {
    this.#dropped = [];
    this.#letters = [];
    this.units = 0;
    this.options.counters.abort();
    // what was submitted is submitted anew
    for (const unit of this.#failing.keys()) if (typeof unit !== 'string') this.#failing.delete(unit);
    this.endUnit();
  }

  /** Returns what the epoch dead-lettered, for `tell` when it is committed. */
  closeEpoch(): readonly RecordError[] {
    const letters = this.#letters;
    this.#letters = [];
    this.units = 0;
    this.options.counters.closeEpoch();
    return letters;
  }

  tell(letters: readonly RecordError[]): void {
    const { counters, onDeadLetter } = this.options;
    for (const error of letters) {
      counters.deadLettered(error.place.step!, error.code);
      onDeadLetter(error);
    }
  }

  /**
   * Dead-letters the record under way, which a step dropped; the unit goes on. What fell due and is dropped behind its step, such as
   * a window's result that is late for another window, is no record: its key and time are kept.
   */
  dropped(step: string, reason: DropReason): void {
    const { unit } = this;
    const isRecord = this.#isRecord;
    const what = isRecord ? 'the record' : 'what fell due';
    const error = new RecordError('TOPO_DROPPED', `the step dropped ${what}: ${reason}.`, this.#place(step));
    this.#dropped.push(error);
    if (isRecord) return this.#write(error);
    const key = unit.keyView.canBeWritten ? unit.keyView.bytes : null;
    this.#write(error, { key, value: null, timestamp: unit.timestamp, headers: unit.headerBytes });
  }

  /** What runs is the record's doing, not that of something it made due. */
  get #isRecord(): boolean {
    return this.unit.reader !== null;
  }

  /**
   * What a step with a function as `onError` goes on with, in place of what its function should have returned for `value`.
   * @throws Verdict where the function says something else, and what was thrown where it is not asked yet
   */
  substitute(step: string, thrown: unknown, value: unknown): unknown {
    const { policies } = this.options;
    const policy = policies.of(step);
    if (isRetry(policy) && this.#attempts < policy.times) throw thrown;
    const error = asRecordError(thrown, this.#place(step));
    let decision: ReturnType<ErrorFunction>;
    try {
      decision = ask(policies.substituteOf(step)!, error, this.unit, value);
    } catch (refused) {
      throw refused instanceof RecordError ? new Verdict(refused, 'dead-letter') : refused;
    }
    if (typeof decision === 'object') return decision.value;
    throw new Verdict(error, decision);
  }

  /** Attempts of the unit under way that have failed. */
  get #attempts(): number {
    return this.#failing.size === 0 ? 0 : (this.#failing.get(this.#unitId) ?? 0);
  }

  get #unitId(): unknown {
    const work = this.#work;
    if (work !== null) return work.id?.() ?? work;
    const { topic, partition, offset } = this.unit;
    return `${topic}-${partition}@${offset}`;
  }

  #begin(input: TaskInput): void {
    this.#work = null;
    this.times.begin();
    this.unit.begin(input.reader, input.topic, input.partition, input.headTimestamp, input.keySerde);
    this.unit.step = input.input.node.id;
  }

  #beginWork(work: Work): void {
    const { step } = work;
    this.#work = work;
    this.times.begin();
    this.unit.beginDue(this.options.partition, -1);
    this.unit.step = step;
  }

  /**
   * Takes the unit back; what it had made due runs by itself. A step that holds records back may hold those of this unit too, among
   * others: then the epoch is spoiled. @throws as `record`
   */
  #settled(thrown: unknown, isLast: boolean): Next {
    const { step } = this.unit;
    const id = this.#unitId;
    const fired = this.#takeBack();
    if (this.holdsBack) throw new SpoiledEpoch(asRecordError(thrown, this.#place(step)));
    if (this.#isToGiveUp(thrown, fired, isLast)) return 'give up';
    let hasRun = false;
    for (const one of fired) {
      for (const work of this.due(one)) hasRun = this.work(work) || hasRun;
      if (hasRun) break;
    }
    return this.#next(id, hasRun);
  }

  /** As `#settled`, where the epoch holds nothing else. */
  async #settledAlone(thrown: unknown, isLast: boolean): Promise<Next> {
    const id = this.#unitId;
    const fired = this.#takeBack();
    this.reset();
    if (this.#isToGiveUp(thrown, fired, isLast)) return 'give up';
    let hasRun = false;
    for (const one of fired) {
      for (const work of this.due(one)) hasRun = (await this.workAlone(work)) || hasRun;
      if (hasRun) break;
    }
    return this.#next(id, hasRun);
  }

  /** @throws RetryLater */
  #isToGiveUp(thrown: unknown, fired: readonly Due[], isLast: boolean): boolean {
    if (thrown instanceof FatalError) return true;
    this.#retryLater(thrown);
    return isLast || fired.length === 0;
  }

  /** Where nothing of what was due was there any more, it was all the unit's own: it stands or falls with that. */
  #next(id: unknown, hasRun: boolean): Next {
    if (!hasRun) return 'last';
    this.#failing.delete(id);
    return 'again';
  }

  #takeBack(): readonly Due[] {
    this.#dropped = [];
    this.outputs.rollback();
    this.undo.rollback();
    this.tally.rollback();
    return this.times.rollback();
  }

  /** @throws RetryLater where the unit is to be tried again, whole: a failure that is mended leaves no trace */
  #retryLater(thrown: unknown): void {
    if (thrown instanceof Verdict || thrown instanceof Final) return;
    const policy = this.options.policies.of(asRecordError(thrown, this.#place(this.unit.step)).place.step!);
    if (!isRetry(policy) || this.#attempts >= policy.times) return;
    const attempts = this.#attempts + 1;
    this.#failing.set(this.#unitId, attempts);
    throw new RetryLater(Math.min(policy.backoffMs * 2 ** (attempts - 1), LONGEST_BACKOFF_MS));
  }

  /** Why the unit that was taken back is dead-lettered. The times that it reached stay. @throws StoppedByPolicy */
  #givenUp(thrown: unknown): RecordError {
    const error = this.#refusal(thrown);
    this.times.turnBack();
    return error;
  }

  /** @throws StoppedByPolicy */
  #refusal(thrown: unknown): RecordError {
    const error = asRecordError(thrown, this.#place(this.unit.step));
    if (thrown instanceof Verdict) {
      if (thrown.action === 'stop') throw new StoppedByPolicy(error);
      return error;
    }
    const policy = this.options.policies.of(error.place.step!);
    const last = isRetry(policy) ? policy.then : policy;
    try {
      const action = typeof last === 'function' ? ask(last as ErrorFunction, error, this.unit, undefined) : last;
      if (action === 'stop') throw new StoppedByPolicy(error);
      return error;
    } catch (refused) {
      if (refused instanceof RecordError) return refused;
      throw refused;
    }
  }

  #discard(work: Work, thrown: unknown): void {
    const error = this.#givenUp(thrown);
    for (const subject of [work.discard() ?? []].flat()) this.#keep(error, subject);
  }

  #keep(error: RecordError, subject?: DueSubject): void {
    this.#write(error, subject);
    this.#letters.push(error);
    const problem = this.#limit.deadLettered();
    if (problem !== null && this.options.limitsDeadLetters) this.#exceeded = new TooManyDeadLetters(problem, error);
  }

  #write(error: RecordError, subject?: DueSubject): void {
    const { manifestHash } = this.options;
    const attempt = this.#attempts + (this.#work?.attempts ?? 1);
    deadLetter(this.deadLetters, this.unit, error, { manifestHash, attempt, subject });
  }

  #place(step: string) {
    const { topic, partition, offset } = this.unit;
    const { name } = this.options.topology;
    return { topology: name, step, ...(this.#isRecord ? { topic, partition, offset } : { partition }) };
  }
}

/** A step that holds records back failed, or a record it may hold did: the epoch must be aborted. */
export class SpoiledEpoch extends Error {
  constructor(cause: unknown) {
    super('an epoch has to be run again', { cause });
  }
}

/** The unit is to be tried again after a while; until then its task does nothing else. It was taken back. */
export class RetryLater extends Error {
  constructor(readonly backoffMs: number) {
    super('a unit has to be tried again');
  }
}

/**
 * The run ends because of what happened to a unit, which is nobody else's fault: what came before is still committed. Its message says
 * nothing of the unit's error but code and place: what a function throws may quote a record, and this goes to logs. The error is the
 * cause.
 */
export abstract class Stopped extends FatalError {}

/** The run dead-letters so much that it stops. The dead letters themselves are committed. */
class TooManyDeadLetters extends Stopped {
  constructor(problem: string, { code, place }: RecordError) {
    super(
      'TOPO_TOO_MANY_DEAD_LETTERS',
      `${problem}, the last one at step '${place.step}' ${where(place)} (${code}: ${ERROR_CODES[code]}). That is more like a broken deploy than like ` +
        `bad data, so the run stops; everything up to here is committed, the dead letters too. Mend the cause and start again, or ` +
        `go on whatever is dead-lettered with deadLetterLimit: false (--no-dead-letter-limit).`,
      place,
    );
  }
}

/** A record failed and the policy says stop. */
export class StoppedByPolicy extends Stopped {
  constructor(error: RecordError) {
    const { step } = error.place;
    super(
      'TOPO_STOPPED_BY_POLICY',
      `step '${step}' failed ${where(error.place)} (${error.code}: ${ERROR_CODES[error.code]}) and onError is 'stop'. ` +
        `What came before is committed. Mend the cause, or run with onError 'dead-letter': the dead letter tells what was thrown.`,
      error.place,
      { cause: error },
    );
  }
}

const where = ({ topic, partition, offset }: Place): string =>
  topic === undefined ? `on partition ${partition}` : `on ${topic}-${partition} at offset ${offset}`;
