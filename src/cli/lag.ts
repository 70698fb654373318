import type { Command } from 'commander';
import { dataOption } from './data-folder.ts';
import type { LagOptions } from './lag-file.ts';

export function addLag(program: Command): void {
  program
    .command('lag')
    .description('print how far a topology is in each partition that it reads; also while it runs')
    .argument('<file>', 'the file that exports it')
    .option('--json', 'one JSON object a line')
    .addOption(dataOption())
    .action(async (file: string, options: LagOptions) => {
      // the other commands start faster without the runtime
      const { lagOfFile } = await import('./lag-file.ts');
      await lagOfFile(file, options);
    });
}
