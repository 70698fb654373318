import type { Command } from 'commander';
import type { BrokerReader, TopicInfo } from '../runtime/ports.ts';
import { dataOption, openForReading } from './data-folder.ts';
import { print, printTable } from './output.ts';
import { stretchesOf } from './tail.ts';

export function addTopics(program: Command): void {
  program
    .command('topics')
    .description('list the topics of the data folder; also while a run is going on')
    .option('--json', 'one JSON object a line')
    .addOption(dataOption())
    .action(topics);
}

async function topics({ data, json = false }: { readonly data: string; readonly json?: boolean }): Promise<void> {
  const view = await openForReading(data);
  try {
    const known = (await view.topics()).sort((a, b) => (a.name < b.name ? -1 : 1));
    const sizes = await Promise.all(known.map(topic => sizeOf(view, topic)));
    if (json) {
      for (const [i, { name, partitions, config }] of known.entries())
        await print(JSON.stringify({ name, partitions, ...sizes[i], config }));
      return;
    }
    await printTable([
      ['topic', 'partitions', 'offsets', 'config'],
      ...known.map(({ name, partitions, config }, i) => [
        name,
        String(partitions),
        sizes[i]!.offsets.toLocaleString('en'),
        Object.entries(config)
          .map(([key, value]) => `${key}=${value}`)
          .join(' '),
      ]),
    ]);
  } finally {
    await view.close();
  }
}

/** Offsets from each partition's start to its end; some are gaps, or were compacted. */
async function sizeOf(view: BrokerReader, topic: TopicInfo) {
  const ranges = (await stretchesOf(view, topic)).map(({ partition, from, to }) => ({
    partition,
    start: from,
    end: to,
  }));
  return { offsets: ranges.reduce((sum, { start, end }) => sum + end - start, 0), ranges };
}
