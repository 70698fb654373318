import { FatalError, RecordError } from '../errors.ts';
import type { Topology } from '../graph/topology.ts';
import type { Work } from './chain.ts';
import { DEAD_LETTERED, OutTally } from './counters.ts';
import type { Counters, DropReason } from './counters.ts';
import { deadLetter } from './dead-letters.ts';
import { asRecordError, decide } from './error-policy.ts';
import type { ErrorPolicy } from './error-policy.ts';
import type { TaskInput } from './input.ts';
import type { Outputs, TopicOutput } from './outputs.ts';
import { TimeLog } from './schedule.ts';
import type { DueSubject, Schedule } from './schedule.ts';
import { UndoLog } from './store.ts';
import { Unit } from './unit.ts';

export interface UnitRunnerOptions {
  readonly topology: Topology;
  readonly partition: number;
  readonly counters: Counters;
  readonly policy: ErrorPolicy;
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

  constructor(
    private readonly options: UnitRunnerOptions,
    private readonly outputs: Outputs,
    private readonly deadLetters: TopicOutput,
  ) {
    this.tally = new OutTally(options.counters.values);
  }

  /** The input's head. @throws FatalError, SpoiledEpoch, StoppedByPolicy */
  record(input: TaskInput): void {
    for (;;) {
      this.#begin(input);
      try {
        input.step(input.value(), null);
        return;
      } catch (thrown) {
        if (this.#settled(thrown)) continue;
        this.#keep(this.#refusal(thrown));
        return;
      }
    }
  }

  /** As `record`, where the epoch holds nothing else: what steps hold back comes out within the unit, and may fail with it. */
  async recordAlone(input: TaskInput): Promise<void> {
    for (;;) {
      this.#begin(input);
      try {
        input.step(input.value(), null);
        await this.drain();
        return;
      } catch (thrown) {
        if (await this.#settledAlone(thrown)) continue;
        this.#keep(this.#refusal(thrown));
        return;
      }
    }
  }

  /** Everything of a schedule that is due by its time, or goes before it, each entry as a unit of its own. */
  settle(schedule: Schedule): void {
    while (schedule.isDue) this.work(this.due(schedule));
  }

  /** The entry of a schedule that is due first. */
  due(schedule: Schedule): Work {
    const { entries, step, next } = schedule;
    schedule.isEarly = false;
    let key = '';
    return {
      step,
      run: () => {
        key = schedule.take();
        entries.fire(key, next);
      },
      // taken back, it is scheduled again; when it is taken next, nothing of it is left
      discard: () => entries.discard(key, next),
    };
  }

  /** One unit without a record. */
  work(work: Work): void {
    for (;;) {
      this.#beginWork(work);
      try {
        work.run();
        break;
      } catch (thrown) {
        if (this.#settled(thrown)) continue;
        this.#discard(work, thrown);
        break;
      }
    }
    this.endUnit();
  }

  /** As `work`, where the epoch holds nothing else. */
  async workAlone(work: Work): Promise<void> {
    for (;;) {
      this.#beginWork(work);
      try {
        work.run();
        await this.drain();
        break;
      } catch (thrown) {
        if (await this.#settledAlone(thrown)) continue;
        this.#discard(work, thrown);
        break;
      }
    }
    this.endUnit();
  }

  /** What the unit did is done. */
  endUnit(): void {
    this.outputs.endUnit();
    this.undo.endUnit();
    this.tally.endUnit();
    this.times.endUnit();
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
    if (isRecord) return this.#keep(error);
    const key = unit.keyView.canBeWritten ? unit.keyView.bytes : null;
    this.#keep(error, { key, value: null, timestamp: unit.timestamp, headers: unit.headerBytes });
  }

  /** What runs is the record's doing, not that of something it made due. */
  get #isRecord(): boolean {
    return this.unit.reader !== null && !this.times.isFiring;
  }

  #begin(input: TaskInput): void {
    this.unit.begin(input.reader, input.topic, input.partition, input.headTimestamp, input.keySerde);
    this.unit.step = input.input.node.id;
  }

  #beginWork({ step }: Work): void {
    this.unit.beginDue(this.options.partition, -1);
    this.unit.step = step;
  }

  /**
   * Takes the unit back. True when what it had made due ran by itself meanwhile, so that the unit is to be run again. A step that
   * holds records back may hold those of this unit too, among others: then the epoch is spoiled.
   */
  #settled(thrown: unknown): boolean {
    const { step } = this.unit;
    const due = this.#takeBack();
    if (this.holdsBack) throw new SpoiledEpoch(asRecordError(thrown, this.#place(step)));
    if (due.length === 0 || thrown instanceof FatalError) return false;
    for (const schedule of due) this.settle(schedule);
    return true;
  }

  /** As `#settled`, where the epoch holds nothing else. */
  async #settledAlone(thrown: unknown): Promise<boolean> {
    const due = this.#takeBack();
    this.reset();
    if (due.length === 0 || thrown instanceof FatalError) return false;
    for (const schedule of due) while (schedule.isDue) await this.workAlone(this.due(schedule));
    return true;
  }

  #takeBack(): readonly Schedule[] {
    this.outputs.rollback();
    this.undo.rollback();
    this.tally.rollback();
    // what is not due any more, such as a row that made room, is no reason to run the unit again
    return this.times.rollback().filter(schedule => schedule.isDue);
  }

  /** @throws StoppedByPolicy */
  #refusal(thrown: unknown): RecordError {
    const error = asRecordError(thrown, this.#place(this.unit.step));
    if (decide(error, this.options.policy) === 'stop') throw new StoppedByPolicy(error);
    return error;
  }

  #discard(work: Work, thrown: unknown): void {
    const error = this.#refusal(thrown);
    for (const subject of [work.discard() ?? []].flat()) this.#keep(error, subject);
  }

  #keep(error: RecordError, subject?: DueSubject): void {
    const { counters, manifestHash, onDeadLetter } = this.options;
    counters.values[counters.row(error.place.step!) + DEAD_LETTERED]!++;
    deadLetter(this.deadLetters, this.unit, error, manifestHash, subject);
    onDeadLetter(error);
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

/** A record failed and the policy says stop: what came before it is still committed. */
export class StoppedByPolicy extends FatalError {
  constructor(error: RecordError) {
    const { topic, partition, offset, step } = error.place;
    const where = topic === undefined ? `on partition ${partition}` : `on ${topic}-${partition} at offset ${offset}`;
    super(
      'TOPO_STOPPED_BY_POLICY',
      `step '${step}' failed ${where} (${error.code}: ${error.message}) and onError is 'stop'. ` +
        `What came before is committed. Mend the cause, or run with onError 'dead-letter'.`,
      error.place,
      { cause: error },
    );
  }
}
