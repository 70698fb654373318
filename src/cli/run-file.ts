import { FatalError } from '../errors.ts';
import type { Topology } from '../graph/topology.ts';
import type { Endpoint } from '../metrics/endpoint.ts';
import type { DropPolicy } from '../runtime/counters.ts';
import type { ErrorAction } from '../graph/error-policy.ts';
import { run } from '../run.ts';
import type { Running } from '../run.ts';
import type { SampleOptions } from '../sample/sample-options.ts';
import { loadTopology } from './load-topology.ts';
import { Meter } from './meter.ts';
import type { Progress, RunDisplay, RunFacts } from './run-display.ts';
import { stopSignal } from './stop-signals.ts';

export interface RunCommandOptions {
  readonly data: string;
  /** `true`: as it comes. */
  readonly sample: SampleOptions | boolean;
  readonly partitions?: number;
  readonly onError?: ErrorAction;
  readonly deadLetterLimit: boolean;
  readonly onDrop: DropPolicy;
  /** Where to serve metrics; none: nowhere. */
  readonly port?: number;
  readonly host: string;
  readonly exitWhenIdle?: boolean;
  readonly shutdownTimeout: number;
  readonly verbose?: boolean;
}

/** Runs a file's topology until a signal, an error or, if wanted, idleness ends it. */
export async function runFile(file: string, options: RunCommandOptions): Promise<void> {
  const topology = await loadTopology(file);
  const endpoint = await endpointFor([topology], options);
  try {
    const metrics = endpoint && `${endpoint.url}/metrics`;
    await runTopology({ topology, file, data: options.data, metrics }, options, endpoint);
  } finally {
    await endpoint?.close();
  }
}

/** Open from before the start, so that it shows that a run restores its state. */
async function endpointFor(
  topologies: readonly Topology[],
  { host, port }: RunCommandOptions,
): Promise<Endpoint | undefined> {
  if (port === undefined) return undefined;
  const { Endpoint } = await import('../metrics/endpoint.ts');
  return Endpoint.open({ host, port, topologies: topologies.map(({ name }) => name) });
}

async function runTopology(facts: RunFacts, options: RunCommandOptions, endpoint?: Endpoint): Promise<void> {
  const { topology } = facts;
  const display = await displayFor(facts);
  const stopped = stopSignal();
  // the deadline counts from the signal, also while it is still starting
  const timedOut = stopped.then(() => timeout(options.shutdownTimeout, topology.name));
  timedOut.catch(() => {});
  const meter = new Meter(performance.now());
  const running = await Promise.race([
    run(topology, {
      data: options.data,
      sample: options.sample,
      ...(options.onError !== undefined && { onError: options.onError }),
      deadLetterLimit: options.deadLetterLimit,
      onDrop: options.onDrop,
      log: display.log,
      ...(options.partitions !== undefined && { partitions: options.partitions }),
    }),
    timedOut,
  ]).catch((error: unknown) => {
    display.ended(undefined, false);
    throw error;
  });
  endpoint?.started(running);
  display.started(running.created);
  await follow(running, display, meter, { ...options, stopped, timedOut });
}

async function displayFor(facts: RunFacts): Promise<RunDisplay> {
  if (!process.stdout.isTTY) return (await import('./log-display.ts')).logDisplay(facts);
  return (await import('./terminal-display.ts')).terminalDisplay(facts, process.stdout);
}

interface Ending {
  readonly exitWhenIdle?: boolean;
  readonly shutdownTimeout: number;
  readonly verbose?: boolean;
  readonly stopped: Promise<string>;
  /** Rejects when a stop by signal takes too long. */
  readonly timedOut: Promise<never>;
}

/** Shows the run until it is to end, and ends it. @throws what ended it */
async function follow(running: Running, display: RunDisplay, meter: Meter, ending: Ending): Promise<void> {
  const progress = (): Progress => {
    const figures = running.figures();
    return { figures, ratePerSecond: meter.rate(figures, performance.now()), caughtUpMs: meter.caughtUpMs };
  };
  if (ending.verbose) running.deadLetters$.subscribe(event => display.deadLetter(event));
  const timer = setInterval(() => display.progress(progress()), display.intervalMs);
  const idle = running.idle().then(() => {
    meter.caughtUp(running.figures(), performance.now());
    display.caughtUp(progress());
    return 'idle';
  });
  idle.catch(() => {});
  let ok = false;
  try {
    const ends = [ending.stopped, running.done, ...(ending.exitWhenIdle ? [idle] : [])];
    const reason = await Promise.race(ends);
    display.stopping(reason ?? 'ended');
    await Promise.race([running.stop(), ending.timedOut, timeout(ending.shutdownTimeout, running.topology.name)]);
    ok = true;
  } finally {
    clearInterval(timer);
    display.ended(progress(), ok);
  }
}

function timeout(ms: number, topology: string): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () =>
      reject(
        new FatalError(
          'TOPO_SHUTDOWN_TIMEOUT',
          `'${topology}' did not close within ${ms / 1000} s: what was not committed is done again at the next start. ` +
            'Give it longer with --shutdown-timeout.',
          { topology },
        ),
      );
    setTimeout(fail, ms).unref();
  });
}
