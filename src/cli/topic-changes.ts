import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { TopologyError } from '../errors.ts';
import { checkTopicName } from '../graph/names.ts';
import type { Broker } from '../runtime/ports.ts';
import { openForWriting, topicNamed } from './data-folder.ts';
import { print } from './output.ts';
import { refuseInternal } from './topic-serdes.ts';
import { DEFAULT_PARTITIONS, wholeNumber } from './values.ts';

type Config = Readonly<Record<string, string>>;

/** `topo topics create | alter | delete`. */
export function addTopicChanges(topics: Command): void {
  topics
    .command('create')
    .description('make a topic')
    .argument('<topic>')
    .addOption(
      new Option('--partitions <count>', 'how many; they stay that many')
        .argParser(wholeNumber(1, 10_000))
        .default(DEFAULT_PARTITIONS),
    )
    .addOption(configOption())
    .action(create);
  topics
    .command('alter')
    .description("change a topic's config; partitions stay as they are")
    .argument('<topic>')
    .addOption(configOption())
    .addOption(
      new Option('--reset <name>', 'a config that goes back to its default; may be repeated').argParser(
        (name: string, before: readonly string[] = []) => [...before, name],
      ),
    )
    .action(alter);
  topics.command('delete').description('delete topics with all their records').argument('<topics...>').action(remove);
}

const configOption = (): Option =>
  new Option('--config <name=value>', "by Kafka's names, such as cleanup.policy=compact; may be repeated").argParser(
    (text: string, before: Config = {}): Config => {
      const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
      if (name === undefined) throw new InvalidArgumentError('It takes name=value.');
      return { ...before, [name]: value! };
    },
  );

async function create(
  name: string,
  { partitions, config = {} }: { readonly partitions: number; readonly config?: Config },
  command: Command,
): Promise<void> {
  checkTopicName(name, { topic: name });
  await changing(command, `topo topics create ${name}`, broker => broker.createTopics([{ name, partitions, config }]));
  await print(`created ${name} with ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`);
}

async function alter(
  name: string,
  { config = {}, reset = [] }: { readonly config?: Config; readonly reset?: readonly string[] },
  command: Command,
): Promise<void> {
  if (Object.keys(config).length + reset.length === 0)
    throw new TopologyError('TOPO_USAGE', 'nothing to change: name a config with --config name=value or --reset name.');
  await changing(command, `topo topics alter ${name}`, async (broker, data) => {
    const topic = await topicNamed(broker, name, data);
    await refuseInternal(broker, [name]);
    const unset = reset.find(each => topic.config[each] === undefined);
    if (unset !== undefined)
      throw new TopologyError('TOPO_TOPIC_CONFIG', `topic ${name} has no ${unset} to reset.`, { topic: name });
    const kept = Object.entries(topic.config).filter(([each]) => !reset.includes(each));
    await broker.configureTopic(name, { ...Object.fromEntries(kept), ...config });
  });
  await print(`altered ${name}`);
}

async function remove(names: readonly string[], _options: unknown, command: Command): Promise<void> {
  const unique = [...new Set(names)];
  await changing(command, `topo topics delete ${unique.join(' ')}`, async (broker, data) => {
    for (const name of unique) await topicNamed(broker, name, data);
    await refuseInternal(broker, unique);
    await broker.deleteTopics(unique);
  });
  await print(`deleted ${unique.join(', ')}`);
}

async function changing(
  command: Command,
  owner: string,
  change: (broker: Broker, data: string) => Promise<void>,
): Promise<void> {
  // an option of `topo topics`, wherever it stands
  const { data } = command.optsWithGlobals<{ readonly data: string }>();
  const broker = await openForWriting(data, owner);
  try {
    await change(broker, data);
  } finally {
    await broker.close();
  }
}
