import type { Topology } from '../../src/index.ts';
import type { ErrorFunction } from '../../src/graph/error-policy.ts';
import { compareOutputs } from '../../src/testing/simulator/comparison.ts';
import { isDeterministic } from '../../src/testing/simulator/determinism.ts';
import { FAULTS } from '../../src/testing/simulator/fate.ts';
import { Random } from '../../src/testing/simulator/random.ts';
import { Simulation } from '../../src/testing/simulator/simulation.ts';
import { drawExample } from './examples.ts';
import { drawForeignKeys } from './foreign-keys.ts';
import { drawCase } from './random-topology.ts';
import type { Case } from './random-topology.ts';
import { Taps } from './taps.ts';
import { isModelled } from './model/task-model.ts';
import { verify } from './verify.ts';

const LARGEST_SEED = 2 ** 31 - 1;

export interface SeedRun {
  readonly topology: Topology;
  readonly rule: 'G1' | 'G2';
  /** Of the trace. */
  readonly digest: string;
}

/** A random topology, its input and its fate, all from one seed. @throws Error that tells what went wrong, and when */
export async function runSeed(seed: number): Promise<SeedRun> {
  const random = new Random(seed);
  const drawn = drawOf(seed)(random.fork());
  const { topology, input, partitions } = drawn;
  const isKnown = isModelled(topology);
  const rule = isDeterministic(topology) && (!isKnown || random.chance(0.8)) ? 'G2' : 'G1';
  const taps = new Taps(topology);
  const onDrop = isKnown ? 'count' : 'dead-letter';
  // what a record made due may be committed while it waits: where another comes in front of it after a crash, the model cannot follow
  const retry =
    rule === 'G2' && random.chance(0.5) ? { times: 1 + random.below(2), backoffMs: random.below(100) } : null;
  const onErrorOf = (last: ErrorFunction | 'dead-letter') => (retry ? { ...retry, then: last } : last);
  const common = { topology, partitions, input, isComplete: rule === 'G2' };
  const simulation = new Simulation(
    {
      ...common,
      faults: FAULTS,
      settings: { kinds: taps.kinds, onError: onErrorOf(taps.onError), onDrop },
      listener: taps,
    },
    random.below(LARGEST_SEED),
  );
  try {
    const { log, writers } = await simulation.run();
    drawn.check?.(log);
    if (isKnown) verify(topology, log, taps, rule);
    if (rule === 'G2') {
      const settings = { onError: onErrorOf('dead-letter'), onDrop } as const;
      const undisturbed = await new Simulation({ ...common, faults: [], settings }, random.below(LARGEST_SEED)).run();
      compareOutputs(topology, log, undisturbed.log, writers);
    }
    return { topology, rule, digest: simulation.trace.digest };
  } catch (cause) {
    throw new SeedFailure(seed, drawn, simulation.trace.last(400), cause);
  }
}

/** Mostly random topologies, now and then an example, or a join by foreign key. */
function drawOf(seed: number): (random: Random) => Case {
  if (seed % 20 === 0) return drawExample;
  return seed % 20 === 10 ? drawForeignKeys : drawCase;
}

export class SeedFailure extends Error {
  constructor(
    readonly seed: number,
    readonly drawn: Case,
    readonly trace: readonly string[],
    cause: unknown,
  ) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}: ${what}\nRun it again with: npm run test:sim -- --seeds 1 --from ${seed}`, { cause });
  }
}
