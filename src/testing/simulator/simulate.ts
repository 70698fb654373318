import type { Topology } from '../../graph/topology.ts';
import type { InputRecord } from '../feed.ts';
import { compareOutputs } from './comparison.ts';
import { isDeterministic } from './determinism.ts';
import { FAULTS } from './fate.ts';
import type { FaultKind } from './fate.ts';
import { outcomeOf } from './outcome.ts';
import type { SimulationOutcome } from './outcome.ts';
import { Random } from './random.ts';
import { Simulation } from './simulation.ts';

export interface SimulateOptions {
  /** What is fed, in order: records, or what draws them. */
  readonly input: readonly InputRecord[] | ((random: Random) => readonly InputRecord[]);
  /** What must hold when all of it is processed. It may be asynchronous, and throws for what does not hold. */
  readonly check?: (outcome: SimulationOutcome, input: readonly InputRecord[]) => unknown;
  /** Of topics whose count the topology leaves open. Default 2. */
  readonly partitions?: number;
  /** What happens to the application. Default: everything. */
  readonly faults?: readonly FaultKind[];
  /** How often, each time with the next seed. Default 100. */
  readonly runs?: number;
  /** The first seed. Default: `TOPO_SEED` of the environment, which is then the only one, or one of chance. */
  readonly seed?: number;
}

/** A simulation went wrong: its message says how, and how to run it again. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';

  constructor(
    topology: string,
    readonly seed: number,
    /** What happened last, a line each. */
    readonly trace: readonly string[],
    cause: unknown,
  ) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(
      `seed ${seed} of '${topology}': ${what}\nRun it again with TOPO_SEED=${seed}, or with { seed: ${seed}, runs: 1 }. ` +
        `What happened last:\n  ${trace.slice(-LINES_SHOWN).join('\n  ')}`,
      { cause },
    );
  }
}

/** In the message, and in all. */
const LINES_SHOWN = 30;
const LINES_KEPT = 400;
const LARGEST_SEED = 2 ** 31 - 1;

/**
 * Runs a topology through lives that end in crashes, power cuts and disk errors, as a seed says: all of its tasks, on the embedded
 * broker, in this process, in simulated time on a simulated disk. Then all input is processed, and must show nothing of it:
 *
 * - nothing that was acknowledged is lost, nothing is left unprocessed, every store is what its changelog leads to;
 * - where results follow from the input alone (no repartition, no calls, no clock, no compacted input), they are those of a run that
 *   nothing disturbed;
 * - and `check` holds.
 *
 * ```ts
 * await simulate(claimsPerPolicy, {
 *   input: random => Array.from({ length: 50 }, () => ({ topic: 'claims', key: `P-${random.below(5)}`, value: { … } })),
 *   check: ({ entries }, input) => expect(totalOf(entries('claims-per-policy'))).toBe(input.length),
 * });
 * ```
 *
 * The functions of the topology must give their results at once: a call of `mapAsync` may be asynchronous, but waits for no timer
 * and no I/O; the simulation makes it take time. @throws SimulationFailure
 */
export async function simulate(topology: Topology, options: SimulateOptions): Promise<void> {
  const given = Number(process.env['TOPO_SEED'] ?? NaN);
  const { seed = given, runs = options.seed === undefined && !Number.isNaN(given) ? 1 : 100 } = options;
  const first = Number.isNaN(seed) ? 1 + Math.floor(Math.random() * LARGEST_SEED) : seed;
  for (let run = 0; run < runs; run++) await simulateOnce(topology, options, first + run);
}

async function simulateOnce(topology: Topology, options: SimulateOptions, seed: number): Promise<void> {
  const { input, check, partitions = 2, faults = FAULTS } = options;
  const random = new Random(seed);
  const records = typeof input === 'function' ? input(random.fork()) : input;
  const isComplete = isDeterministic(topology) && random.chance(0.5);
  const common = { topology, partitions, input: records, isComplete };
  const simulation = new Simulation({ ...common, faults }, random.below(LARGEST_SEED));
  try {
    const { log, stores, writers } = await simulation.run();
    if (isComplete) {
      const undisturbed = await new Simulation({ ...common, faults: [] }, random.below(LARGEST_SEED)).run();
      compareOutputs(topology, log, undisturbed.log, writers);
    }
    await check?.(outcomeOf(topology, log, stores), records);
  } catch (cause) {
    throw new SimulationFailure(topology.name, seed, simulation.trace.last(LINES_KEPT), cause);
  }
}
