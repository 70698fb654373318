import type { Command } from 'commander';
import { Option } from 'commander';
import { describeJson } from '../graph/describe/json.ts';
import { describeMermaid } from '../graph/describe/mermaid.ts';
import { describeText } from '../graph/describe/text.ts';
import { print } from './output.ts';

export function addDescribe(program: Command): void {
  program
    .command('describe')
    .description('print a topology as text, or as a Mermaid diagram or JSON')
    .argument('<file>', 'the file that exports it')
    .addOption(new Option('--mermaid', 'a flowchart for Markdown pages').conflicts('json'))
    .option('--json', 'the graph as data')
    .action(describe);
}

async function describe(
  file: string,
  { mermaid, json }: { readonly mermaid?: boolean; readonly json?: boolean },
): Promise<void> {
  // the other commands start faster without the TypeScript loader
  const { loadTopology } = await import('./load-topology.ts');
  const topology = await loadTopology(file);
  const text = mermaid ? describeMermaid(topology) : json ? describeJson(topology) : describeText(topology);
  await print(text.trimEnd());
}
