import type { Broker, Clock, Log } from '../runtime/ports.ts';
import { checkSame, readMark } from './sample-mark.ts';
import { DEFAULT_SAMPLE, sampleText } from './sample-options.ts';
import type { SampleOptions } from './sample-options.ts';
import { claimTopics } from './sample-topics.ts';
import { SampleWriter } from './sample-writer.ts';
import type { WriteResult } from './sample-writer.ts';

const DEFAULT_PARTITIONS = 4;

export interface SampleSettings {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined: nothing was asked for, so an unfinished sample goes on as it was begun, and a new one has the defaults. */
  readonly options: SampleOptions | undefined;
  /** Of each of the two topics; undefined as above. */
  readonly partitions: number | undefined;
  /** Called after each commit. */
  readonly onProgress?: ((progress: SampleProgress) => void) | undefined;
  /** Stops after the commit in flight. */
  readonly signal: AbortSignal;
}

export interface SampleProgress {
  /** Records written, in all starts together. */
  readonly records: number;
  /** The feed's simulated time, in ms since 1970. */
  readonly clockMs: number;
  readonly finished: boolean;
}

/** A sample whose snapshot is written and whose changes are not. */
export interface Sample {
  /** Writes the changes, alongside whatever reads them. True when the feed is finished; false when stopped or taken over. */
  play(): Promise<boolean>;
  /** Idempotent; `play` closes by itself. */
  close(): Promise<void>;
}

/**
 * Makes the input topics and writes the snapshot, whole. Undefined when there is nothing to play: the topics were there before,
 * the sample is finished, another process is at it, or the signal came first.
 *
 * @throws TopologyError `TOPO_USAGE` when an unfinished sample was begun with other options; `TOPO_MANIFEST_MISMATCH` when
 * another version of Topo began it.
 */
export async function prepareSample(settings: SampleSettings): Promise<Sample | undefined> {
  const { broker, clock, log } = settings;
  const mark = await readMark(broker);
  if (mark?.finished === true) return undefined;
  if (mark !== undefined) checkSame(mark, { ...settings.options, ...partitionsOf(settings) });
  const { policies, years, seed } = mark ?? settings.options ?? DEFAULT_SAMPLE;
  const partitions = mark?.partitions ?? (await claimTopics(broker, settings.partitions ?? DEFAULT_PARTITIONS));
  if (partitions === undefined) return undefined;
  const writer = await SampleWriter.open(broker, { policies, years, seed, partitions }, clock);
  const fields = { sample: sampleText({ policies, years, seed }), records: writer.records };
  log.info(fields, mark === undefined ? 'sample feed begins' : 'sample feed goes on');
  const sample = new WritingSample(settings, writer);
  if (await sample.writeSnapshot()) return sample;
  await sample.close();
  return undefined;
}

class WritingSample implements Sample {
  readonly #settings: SampleSettings;
  readonly #writer: SampleWriter;
  #state: WriteResult = 'written';
  #closed: Promise<void> | undefined;

  constructor(settings: SampleSettings, writer: SampleWriter) {
    this.#settings = settings;
    this.#writer = writer;
  }

  /** False when it is not there in the end. */
  async writeSnapshot(): Promise<boolean> {
    try {
      while (!this.#writer.snapshotWritten && this.#goesOn()) await this.#write();
    } catch (error) {
      await this.close();
      throw error;
    }
    return this.#writer.snapshotWritten && this.#state === 'written';
  }

  async play(): Promise<boolean> {
    try {
      while (this.#goesOn()) await this.#write();
      return this.#state === 'finished';
    } finally {
      await this.close();
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#writer.close();
    return this.#closed;
  }

  #goesOn(): boolean {
    return this.#state === 'written' && !this.#settings.signal.aborted;
  }

  /** One commit; then others get their turn. */
  async #write(): Promise<void> {
    const { clock, log, onProgress } = this.#settings;
    this.#state = await this.#writer.write();
    const { records, clockMs } = this.#writer;
    if (this.#state === 'lost') log.warn({ records }, 'the sample feed is played by another process');
    else onProgress?.({ records, clockMs, finished: this.#state === 'finished' });
    if (this.#state === 'finished') log.info({ records }, 'sample feed finished');
    await clock.yield();
  }
}

const partitionsOf = ({ partitions }: SampleSettings): { partitions?: number } =>
  partitions === undefined ? {} : { partitions };
