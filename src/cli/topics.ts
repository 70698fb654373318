import type { Command } from 'commander';
import { TopologyError } from '../errors.ts';
import type { BrokerReader, TopicInfo } from '../runtime/ports.ts';
import { addTopicChanges } from './topic-changes.ts';
import { dataOption, openForReading } from './data-folder.ts';
import { didYouMean, nearNames } from './near-names.ts';
import { print, printTable } from './output.ts';
import { sizeText } from './size-text.ts';
import { stretchesOf } from './tail.ts';

interface TopicsOptions {
  readonly data: string;
  readonly json?: boolean;
}

export function addTopics(program: Command): void {
  const command = program
    .command('topics')
    .description('list the topics of the data folder, also while a run is going on; or change them')
    .option('--json', 'one JSON object a line')
    .addOption(dataOption())
    .allowExcessArguments()
    .action((options: TopicsOptions, { args: [unknown] }: Command) => {
      if (unknown === undefined) return topics(options);
      const known = command.commands.map(each => each.name());
      const hint = didYouMean(nearNames(unknown, known));
      throw new TopologyError('TOPO_USAGE', `topics has no command '${unknown}'.${hint} It has ${known.join(', ')}.`);
    });
  addTopicChanges(command);
}

async function topics({ data, json = false }: TopicsOptions): Promise<void> {
  const view = await openForReading(data);
  try {
    const known = (await view.topics()).sort((a, b) => (a.name < b.name ? -1 : 1));
    const contents: Content[] = [];
    for (const topic of known) contents.push(await contentOf(view, topic));
    if (json) {
      for (const [i, { name, partitions, config }] of known.entries()) {
        const { records, bytes, ranges } = contents[i]!;
        await print(JSON.stringify({ name, partitions, records, bytes, ranges, config }));
      }
      return;
    }
    await printTable([
      ['topic', 'partitions', 'records', 'size', 'config'],
      ...known.map(({ name, partitions, config }, i) => [
        name,
        String(partitions),
        contents[i]!.records.toLocaleString('en'),
        sizeText(contents[i]!.bytes),
        configText(config),
      ]),
    ]);
  } finally {
    await view.close();
  }
}

const configText = (config: TopicInfo['config']): string =>
  Object.entries(config)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

interface Content {
  readonly records: number;
  readonly bytes: number;
  readonly ranges: readonly {
    readonly partition: number;
    readonly start: number;
    readonly end: number;
    readonly records: number;
    readonly bytes: number;
  }[];
}

async function contentOf(view: BrokerReader, topic: TopicInfo): Promise<Content> {
  const stretches = await stretchesOf(view, topic);
  const sizes = await view.sizes(stretches);
  const ranges = stretches.map(({ partition, from, to }, i) => ({ partition, start: from, end: to, ...sizes[i]! }));
  return {
    records: ranges.reduce((sum, { records }) => sum + records, 0),
    bytes: ranges.reduce((sum, { bytes }) => sum + bytes, 0),
    ranges,
  };
}
