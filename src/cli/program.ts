import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { applyConfiguration } from './configuration.ts';
import { addDescribe } from './describe.ts';
import { addDlq } from './dlq.ts';
import { readEnvironment } from './environment.ts';
import { addLag } from './lag.ts';
import { addProduce } from './produce.ts';
import { addRun } from './run.ts';
import { addTail } from './tail.ts';
import { addTopics } from './topics.ts';

const EXAMPLES = `
Examples:
  $ topo run topologies/claims-enriched.ts                  run it, with sample data in its topics
  $ topo run topologies/claims-enriched.ts --exit-when-idle
  $ topo describe topologies/claims-enriched.ts --mermaid
  $ topo topics
  $ topo topics create orders --partitions 8 --config cleanup.policy=compact
  $ topo tail claims.enriched -n 3 --json
  $ topo tail claims.enriched --follow --key C-1
  $ topo tail claims.enriched --from 2026-03-04T05:06:07Z
  $ topo tail orders --json --from earliest | topo produce copy --create --data other
  $ topo lag topologies/claims-enriched.ts
  $ topo dlq ls
  $ topo dlq show 2:17
`;

/** All commands. Nothing is written to standard error but help that somebody who erred gets to see. */
export function createProgram(): Command {
  const program = new Command('topo')
    .description('Stream processing in TypeScript: runs topologies, and shows what is in their topics.')
    .version(packageVersion(), '--version', "print the package's version")
    .option('--verbose', 'show stack traces and causes of errors, and each dead letter')
    .helpOption('-h, --help', 'print help for the command')
    .helpCommand('help [command]', 'print help for a command')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  const run = addRun(program);
  addDescribe(program);
  addTopics(program);
  addProduce(program);
  addTail(program);
  addDlq(program);
  addLag(program);
  return program
    .hook('preSubcommand', (_program, command) => readEnvironment(command, process.env))
    .hook('preAction', (_program, command) => applyConfiguration(command, run));
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
