import type { Command } from 'commander';
import { Option } from 'commander';
import { FatalError } from '../errors.ts';
import type { ErrorPolicy } from '../runtime/error-policy.ts';
import { run } from '../run.ts';
import type { Running } from '../run.ts';
import { parseSampleOptions } from '../sample/sample-options.ts';
import type { SampleOptions } from '../sample/sample-options.ts';
import { dataOption } from './data-folder.ts';
import { loadTopology } from './load-topology.ts';
import { logDisplay } from './log-display.ts';
import { Meter } from './meter.ts';
import type { Progress, RunDisplay } from './run-display.ts';
import { stopSignal } from './stop-signals.ts';
import { terminalDisplay } from './terminal-display.ts';
import { durationMs, wholeNumber } from './values.ts';

interface RunCommandOptions {
  readonly data: string;
  /** `true`: as it comes. */
  readonly sample?: SampleOptions | boolean;
  readonly partitions?: number;
  readonly onError: ErrorPolicy;
  readonly exitWhenIdle?: boolean;
  readonly shutdownTimeout: number;
  readonly verbose?: boolean;
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a topology on the embedded broker until Ctrl-C')
    .argument('<file>', 'the file that exports it')
    .addOption(dataOption())
    .addOption(
      new Option('--sample [options]', 'what the sample feed is made of (default: policies=20000,years=5,seed=1)')
        .env('TOPO_SAMPLE')
        .argParser(parseSampleOptions),
    )
    .option('--no-sample', 'play no sample feed into the topics that it could fill')
    .addOption(
      new Option('--partitions <count>', 'of topics that are created (default: 4)')
        .env('TOPO_PARTITIONS')
        .argParser(wholeNumber(1, 10_000)),
    )
    .addOption(
      new Option('--on-error <policy>', 'what happens to a record that cannot be processed')
        .env('TOPO_ON_ERROR')
        .choices(['dead-letter', 'stop'])
        .default('dead-letter'),
    )
    .option('--exit-when-idle', 'end with 0 once everything there is to read is processed and committed')
    .addOption(
      new Option('--shutdown-timeout <duration>', 'how long closing may take')
        .env('TOPO_SHUTDOWN_TIMEOUT')
        .argParser(durationMs)
        .default(20_000, '20s'),
    )
    .action((file: string, _options: unknown, command: Command) =>
      runFile(file, command.optsWithGlobals<RunCommandOptions>()),
    );
}

async function runFile(file: string, options: RunCommandOptions): Promise<void> {
  const topology = await loadTopology(file);
  const facts = { topology, file, data: options.data };
  const display = process.stdout.isTTY ? terminalDisplay(facts, process.stdout) : logDisplay(facts);
  const stopped = stopSignal();
  // the deadline counts from the signal, also while it is still starting
  const timedOut = stopped.then(() => timeout(options.shutdownTimeout, topology.name));
  timedOut.catch(() => {});
  const meter = new Meter(performance.now());
  const running = await Promise.race([
    run(topology, {
      data: options.data,
      sample: options.sample ?? true,
      onError: options.onError,
      log: display.log,
      ...(options.partitions !== undefined && { partitions: options.partitions }),
    }),
    timedOut,
  ]).catch((error: unknown) => {
    display.ended(undefined, false);
    throw error;
  });
  display.started(running.created);
  await follow(running, display, meter, { ...options, stopped, timedOut });
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
