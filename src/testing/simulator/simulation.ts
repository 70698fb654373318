import type { Topology } from '../../graph/topology.ts';
import type { Settings } from '../../runtime/start.ts';
import type { InputRecord } from '../feed.ts';
import { CALM, drawFate } from './fate.ts';
import type { Fate, FaultKind } from './fate.ts';
import { goesByClock } from './determinism.ts';
import { checkInvariants, leftIn } from './invariants.ts';
import { Life } from './life.ts';
import type { Machine, World } from './life.ts';
import { readLog } from './outcome.ts';
import type { LogContent } from './outcome.ts';
import { Random } from './random.ts';
import { Acknowledged, Writers } from './simulated-broker.ts';
import type { CommitListener } from './simulated-broker.ts';
import { Storage } from './simulated-disk.ts';
import { Trace } from './trace.ts';

export interface SimulationOptions {
  readonly topology: Topology;
  /** Of topics whose count the topology leaves open. */
  readonly partitions: number;
  readonly input: readonly InputRecord[];
  /** All input lies in its topics before the first start; else the seed says what comes later. */
  readonly isComplete: boolean;
  /** What fates are drawn of. None: one life that nothing disturbs. */
  readonly faults: readonly FaultKind[];
  /** Of the lives before the last one, in place of drawn ones. */
  readonly fates?: readonly Fate[];
  readonly settings?: Partial<Settings>;
  readonly listener?: CommitListener;
}

export interface SimulationResult {
  readonly log: LogContent;
  /** The rows of the stores that can be read. */
  readonly stores: ReadonlyMap<string, readonly (readonly [key: unknown, value: unknown])[]>;
  readonly writers: Writers;
}

const MOST_LIVES = 8;
const START_MS = 1_000_000;
const MOST_AT_ONCE = 8;

/**
 * One application on one machine, through lives that end as the seed says, until one of them has done all there is to do and
 * nothing disturbs it.
 */
export class Simulation {
  readonly trace = new Trace();
  readonly #writers = new Writers();
  /** How many lives met the disk fault of their fate. */
  faultsMet = 0;
  /** What all lives together warned of. */
  readonly warnings: string[] = [];
  readonly #world: World;
  readonly #random: Random;
  #machine: Machine = { disk: new Storage(), state: new Map(), acknowledged: new Acknowledged(), isClean: false };

  constructor(options: SimulationOptions, seed: number) {
    const random = new Random(seed);
    const chunks = chunksOf(options.input, random.fork());
    this.#random = random;
    this.#world = {
      ...options,
      chunks,
      before: options.isComplete ? chunks.length : random.below(chunks.length + 1),
      // where results are compared with another run's, they stand at its offsets
      offsetGap: options.isComplete ? 0 : random.below(2),
      time: { now: START_MS },
      trace: this.trace,
      writers: this.#writers,
    };
  }

  /** What is left when all is done. @throws Error that says what went wrong */
  async run(): Promise<SimulationResult> {
    // stacks end up in dead letters: the same run would write other bytes where the code lies elsewhere
    const { stackTraceLimit } = Error;
    if (process.env['TOPO_STACKS'] === undefined) Error.stackTraceLimit = 0;
    try {
      return await this.#run();
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  async #run(): Promise<SimulationResult> {
    const { topology, chunks } = this.#world;
    for (const fate of this.#fates()) await this.#live(fate);
    let { stores } = await this.#live(CALM);
    let log = await readLog(this.#machine, topology);
    // what fell due by the clock while it stopped lies there for the next one
    for (let more = 0; more < MOST_LIVES && this.#isLeftByClock(log); more++) {
      ({ stores } = await this.#live(CALM));
      log = await readLog(this.#machine, topology);
    }
    checkInvariants(topology, chunks.flat(), log, this.#machine.state);
    return { log, stores, writers: this.#writers };
  }

  *#fates(): Generator<Fate, void> {
    const { faults, fates } = this.#world;
    if (fates !== undefined) return yield* fates;
    const lives = faults.length === 0 ? 0 : 1 + this.#random.below(MOST_LIVES);
    for (let life = 0; life < lives; life++) yield drawFate(this.#random.fork(), faults);
  }

  #isLeftByClock(log: LogContent): boolean {
    const { topology } = this.#world;
    return topology.nodes.some(node => goesByClock(topology, node)) && leftIn(topology, log) !== undefined;
  }

  async #live(fate: Fate): Promise<Life> {
    const { deathAt, deathOn, isPowerCut, fault, faultAt } = fate;
    const death =
      deathAt === Infinity ? 'ends in order' : `${isPowerCut ? 'power cut' : 'killed'} at turn ${deathAt} ${deathOn}`;
    this.trace.add(`a life: ${death}, disk fault: ${fault === 'none' ? fault : `${fault} at ${faultAt}`}`);
    const life = new Life(this.#world, this.#machine, fate, this.#random.fork());
    try {
      this.#machine = await life.run();
      return life;
    } finally {
      this.warnings.push(...life.warnings);
      if (life.metFault) this.faultsMet++;
    }
  }
}

/** Cuts the input into what is written at once; every record gets its timestamp. */
function chunksOf(input: readonly InputRecord[], random: Random): InputRecord[][] {
  const chunks: InputRecord[][] = [];
  let timestamp = 0;
  let left = 0;
  for (const record of input) {
    timestamp = record.timestamp ?? timestamp + 1;
    if (left-- <= 0) {
      chunks.push([]);
      left = random.below(MOST_AT_ONCE);
    }
    chunks.at(-1)!.push({ ...record, timestamp });
  }
  return chunks;
}
