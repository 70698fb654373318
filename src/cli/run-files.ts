import { defaultMemory } from '../adapters/machine-memory.ts';
import { FatalError, TopologyError } from '../errors.ts';
import type { DropPolicy } from '../runtime/counters.ts';
import type { ErrorAction } from '../graph/error-policy.ts';
import type { Endpoint } from '../metrics/endpoint.ts';
import { openFolder } from '../run.ts';
import type { Folder, Running } from '../run.ts';
import type { Log } from '../runtime/ports.ts';
import type { SampleOptions } from '../sample/sample-options.ts';
import { allIdle } from './all-idle.ts';
import { errorText, reportOf } from './error-text.ts';
import { exitCodeOf, ReportedFailure } from './exit-codes.ts';
import { loadTopology } from './load-topology.ts';
import { Meter } from './meter.ts';
import type { Progress, RunDisplay, RunFacts } from './run-display.ts';
import { sizeText } from './size-text.ts';
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
  /** In bytes. */
  readonly memory?: number;
  readonly exitWhenIdle?: boolean;
  readonly acceptLoss?: boolean;
  readonly shutdownTimeout: number;
  readonly verbose?: boolean;
}

/**
 * Runs the files' topologies until a signal or, if wanted, idleness ends them all; an error ends the one it is of.
 * @throws what ended the only one; ReportedFailure when some of several were ended by an error
 */
export async function runFiles(files: readonly string[], options: RunCommandOptions): Promise<void> {
  const loaded: RunFacts[] = [];
  for (const file of files) loaded.push({ topology: await loadTopology(file), file, data: options.data });
  refuseTwins(loaded);
  const endpoint = await endpointFor(loaded, options);
  try {
    const metrics = endpoint && `${endpoint.url}/metrics`;
    await runAll(
      loaded.map(facts => ({ ...facts, metrics })),
      options,
      endpoint,
    );
  } finally {
    await endpoint?.close();
  }
}

/** Open from before the start, so that it shows that a run restores its state. */
async function endpointFor(
  facts: readonly RunFacts[],
  { host, port }: RunCommandOptions,
): Promise<Endpoint | undefined> {
  if (port === undefined) return undefined;
  const { Endpoint } = await import('../metrics/endpoint.ts');
  return Endpoint.open({ host, port, topologies: facts.map(({ topology }) => topology.name) });
}

async function runAll(facts: readonly RunFacts[], options: RunCommandOptions, endpoint?: Endpoint): Promise<void> {
  const names = facts.map(({ topology }) => topology.name).join(', ');
  const stopped = stopSignal();
  // the deadline counts from the signal, also while it is still starting
  const timedOut = stopped.then(() => timeout(options.shutdownTimeout, names));
  timedOut.catch(() => {});
  const displays = await displaysFor(facts);
  const failures: unknown[] = [];
  const fail = (error: unknown) => {
    failures.push(error);
    if (facts.length > 1)
      process.stderr.write(`${errorText(error, { verbose: options.verbose === true, runs: true })}\n`);
  };
  const { data, memory, acceptLoss = false } = options;
  const opening = openFolder({
    data,
    acceptLoss,
    owner: names,
    log: displays[0]!.log,
    ...(memory !== undefined && { memoryBytes: memory }),
  });
  const folder = await Promise.race([opening, timedOut]).catch((error: unknown) => {
    for (const display of displays) display.ended(undefined, false);
    throw error;
  });
  try {
    const runs: Run[] = [];
    const shares = await sharesFor(folder, facts, options, displays[0]!.log);
    for (const [i, fact] of facts.entries()) {
      const started = startOne(folder, fact, displays[i]!, { ...options, share: shares[i]!, timedOut });
      const run = await started.catch(fail);
      if (run === undefined) continue;
      runs.push(run);
      endpoint?.started(run.running);
    }
    const idle = options.exitWhenIdle ? allIdle(runs.map(({ running }) => running)) : undefined;
    await Promise.all(runs.map(run => follow(run, { ...options, stopped, timedOut, idle }).catch(fail)));
  } finally {
    await Promise.race([folder.close(), timedOut]);
  }
  if (failures.length > 0)
    throw facts.length > 1 ? new ReportedFailure(exitCodeOf(reportOf(failures[0], { runs: true }).code)) : failures[0];
}

/** Of the memory. A budget that is too small is exceeded: that is said, with the least that does. */
async function sharesFor(
  folder: Folder,
  facts: readonly RunFacts[],
  { partitions, memory = defaultMemory().bytes }: RunCommandOptions,
  log: Log,
): Promise<readonly number[]> {
  const topologies = facts.map(({ topology }) => topology);
  const { shares, leastBytes } = await folder.memoryFor(topologies, partitions === undefined ? {} : { partitions });
  if (memory < leastBytes)
    log.warn(
      { memoryBytes: memory, leastBytes },
      `a memory budget of ${sizeText(memory)} is too small, and will be exceeded: what runs here needs ${sizeText(leastBytes)} at least (--memory)`,
    );
  return shares;
}

function refuseTwins(facts: readonly RunFacts[]): void {
  for (const [i, { topology, file }] of facts.entries()) {
    const twin = facts.slice(0, i).find(each => each.topology.name === topology.name);
    if (twin !== undefined)
      throw new TopologyError(
        'TOPO_NAME_TAKEN',
        `${twin.file} and ${file} both export a topology '${topology.name}': they would share what it stores. Name one of them anew.`,
        { topology: topology.name },
      );
  }
}

async function displaysFor(facts: readonly RunFacts[]): Promise<RunDisplay[]> {
  if (process.stdout.isTTY) return (await import('./terminal-display.ts')).terminalDisplays(facts, process.stdout);
  const { logDisplay } = await import('./log-display.ts');
  return facts.map(logDisplay);
}

interface Run {
  readonly running: Running;
  readonly display: RunDisplay;
  readonly meter: Meter;
}

async function startOne(
  folder: Folder,
  { topology }: RunFacts,
  display: RunDisplay,
  options: RunCommandOptions & { readonly share: number; readonly timedOut: Promise<never> },
): Promise<Run> {
  const meter = new Meter(performance.now());
  const starting = folder.run(topology, {
    sample: options.sample,
    ...(options.onError !== undefined && { onError: options.onError }),
    deadLetterLimit: options.deadLetterLimit,
    onDrop: options.onDrop,
    log: display.log,
    share: options.share,
    ...(options.partitions !== undefined && { partitions: options.partitions }),
  });
  const running = await Promise.race([starting, options.timedOut]).catch((error: unknown) => {
    display.ended(undefined, false);
    throw error;
  });
  display.started(running.created);
  return { running, display, meter };
}

interface Ending {
  readonly shutdownTimeout: number;
  readonly verbose?: boolean;
  readonly stopped: Promise<string>;
  /** Rejects when a stop by signal takes too long. */
  readonly timedOut: Promise<never>;
  /** Resolves when all runs are idle, if that ends them. */
  readonly idle: Promise<string> | undefined;
}

/** Shows the run until it is to end, and ends it. @throws what ended it */
async function follow({ running, display, meter }: Run, ending: Ending): Promise<void> {
  const progress = (): Progress => {
    const figures = running.figures();
    return { figures, ratePerSecond: meter.rate(figures, performance.now()), caughtUpMs: meter.caughtUpMs };
  };
  if (ending.verbose) running.deadLetters$.subscribe(event => display.deadLetter(event));
  const timer = setInterval(() => display.progress(progress()), display.intervalMs);
  const caughtUp = running.idle().then(() => {
    meter.caughtUp(running.figures(), performance.now());
    display.caughtUp(progress());
  });
  caughtUp.catch(() => {});
  let ok = false;
  try {
    const idle = ending.idle?.then(async reason => {
      await caughtUp;
      return reason;
    });
    const ends = [ending.stopped, running.done, ...(idle === undefined ? [] : [idle])];
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
