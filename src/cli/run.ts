import type { Command } from 'commander';
import { Option } from 'commander';
import { DEFAULT_SAMPLE, parseSampleOptions, sampleText } from '../sample/sample-options.ts';
import { dataOption } from './data-folder.ts';
import type { RunCommandOptions } from './run-files.ts';
import { durationMs, sizeBytes, someText, wholeNumber } from './values.ts';

export function addRun(program: Command): Command {
  return program
    .command('run')
    .description('run topologies on one embedded broker until Ctrl-C')
    .argument('<files...>', 'the files that export them: one that fails stops alone')
    .addOption(dataOption())
    .addOption(
      new Option('--sample [options]', 'what the sample feed is made of')
        .env('TOPO_SAMPLE')
        .argParser(parseSampleOptions)
        .default(true, sampleText(DEFAULT_SAMPLE)),
    )
    .addOption(
      new Option('--no-sample', 'play no sample feed into the topics that it could fill').env('TOPO_NO_SAMPLE'),
    )
    .addOption(
      new Option('--partitions <count>', 'of topics that are created (default: 4)')
        .env('TOPO_PARTITIONS')
        .argParser(wholeNumber(1, 10_000)),
    )
    .addOption(
      new Option(
        '--on-error <policy>',
        "what happens to a record that cannot be processed, where its step says nothing (default: the topology's onError, else dead-letter)",
      )
        .env('TOPO_ON_ERROR')
        .choices(['dead-letter', 'stop']),
    )
    .addOption(
      new Option('--no-dead-letter-limit', 'go on however much is dead-lettered').env('TOPO_NO_DEAD_LETTER_LIMIT'),
    )
    .addOption(
      new Option('--on-drop <policy>', 'what happens to a record that a step drops: late, without a key …')
        .env('TOPO_ON_DROP')
        .choices(['count', 'dead-letter'])
        .default('count'),
    )
    .addOption(
      new Option('--port <port>', 'serve /metrics, /healthz and /readyz; 0 takes a port that is free')
        .env('TOPO_PORT')
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(
      new Option('--host <address>', 'where --port listens; 0.0.0.0 for every address of the machine')
        .env('TOPO_HOST')
        .argParser(someText)
        .default('127.0.0.1'),
    )
    .addOption(
      new Option(
        '--memory <size>',
        "of all topologies together (default: a quarter of the machine's or container's, as far as V8's heap may grow)",
      )
        .env('TOPO_MEMORY')
        .argParser(sizeBytes),
    )
    .option('--exit-when-idle', 'end with 0 once everything there is to read is processed and committed')
    .addOption(
      new Option('--shutdown-timeout <duration>', 'how long closing may take')
        .env('TOPO_SHUTDOWN_TIMEOUT')
        .argParser(durationMs)
        .default(20_000, '20s'),
    )
    .option(
      '--accept-loss',
      'where the log is damaged: go on without what is lost, and tell it; all of the log is read first',
    )
    .option('--print-config', 'print each setting and where it comes from, and run nothing')
    .action(async (files: string[], { printConfig = false }: { readonly printConfig?: boolean }, command: Command) => {
      if (printConfig) return (await import('./print-config.ts')).printConfig(command, files);
      // the other commands start faster without the runtime
      const { runFiles } = await import('./run-files.ts');
      await runFiles(files, command.optsWithGlobals<RunCommandOptions>());
    });
}
