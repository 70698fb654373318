import type { Command } from 'commander';
import { TopologyError } from '../errors.ts';
import { deadLettersTopic } from '../graph/names.ts';
import type { BrokerReader, TopicInfo } from '../runtime/ports.ts';
import { bytesLines } from './bytes-text.ts';
import { dataOption, openForReading } from './data-folder.ts';
import { deadLetterOf, sourceText, summaryJson, wholeJson } from './dead-letter.ts';
import type { DeadLetter } from './dead-letter.ts';
import { didYouMean, nearNames } from './near-names.ts';
import { print } from './output.ts';
import { bytesJson } from './record-json.ts';
import { plain, shortened, timeText } from './record-text.ts';
import { styleFor } from './style.ts';
import { stretchesOf } from './tail.ts';
import { forwards, merged } from './topic-scan.ts';

interface DlqOptions {
  readonly data: string;
  readonly json?: boolean;
}

export function addDlq(program: Command): void {
  const dlq = program.command('dlq').description('dead letters: records that could not be processed');
  dlq
    .command('ls')
    .description('list the dead letters of a topology, one a line')
    .argument('[topology]', 'may be left out where only one ran in the folder')
    .option('--json', 'one JSON object a line')
    .addOption(dataOption())
    .action(list);
  dlq
    .command('show')
    .description('print a dead letter whole: what happened, where, and the record as it came')
    .usage('[options] [topology] <partition>:<offset>')
    .argument('<topology-or-place>', 'a topology, which may be left out where only one ran in the folder')
    .argument('[place]', '<partition>:<offset>, as `topo dlq ls` prints it')
    .option('--json', 'as a JSON object')
    .addOption(dataOption())
    .action((first: string, second: string | undefined, options: DlqOptions) =>
      second === undefined ? show(undefined, first, options) : show(first, second, options),
    );
}

async function list(topology: string | undefined, { data, json }: DlqOptions): Promise<void> {
  const view = await openForReading(data);
  try {
    const topic = await deadLetters(view, topology, data);
    const reader = view.reader();
    const stretches = await stretchesOf(view, topic);
    for await (const record of merged(stretches.map(stretch => forwards(reader, stretch, () => true)))) {
      const letter = deadLetterOf(record);
      await print(json ? JSON.stringify(summaryJson(letter)) : lineOf(letter));
    }
  } finally {
    await view.close();
  }
}

const KEY_LENGTH = 24;
const MESSAGE_LENGTH = 100;

function lineOf(letter: DeadLetter): string {
  const style = styleFor(process.stdout);
  const { key, timestamp } = letter.record;
  return [
    style.bold(letter.id.padEnd(8)),
    style.dim(timeText(timestamp)),
    plain(letter.step || '-'),
    style.red(letter.code),
    sourceText(letter),
    style.cyan(shortened(key === null ? 'null' : plain(bytesJson(key)), KEY_LENGTH)),
    shortened(plain(letter.message), MESSAGE_LENGTH),
  ].join('  ');
}

async function show(topology: string | undefined, place: string, { data, json }: DlqOptions): Promise<void> {
  const [, partition, offset] = /^(\d{1,9}):(\d{1,16})$/.exec(place) ?? [];
  if (partition === undefined)
    throw new TopologyError(
      'TOPO_USAGE',
      `'${place}' is no place of a dead letter: name it as \`topo dlq ls\` does, <partition>:<offset>.`,
    );
  const view = await openForReading(data);
  try {
    const topic = await deadLetters(view, topology, data);
    const stretch = (await stretchesOf(view, topic))[Number(partition)];
    const at = Number(offset);
    const inside = stretch !== undefined && at >= stretch.from && at < stretch.to;
    const found = inside
      ? await forwards(view.reader(), { ...stretch, from: at, to: at + 1 }, () => true).next()
      : undefined;
    if (!found?.value)
      throw new TopologyError(
        'TOPO_INPUT_INVALID',
        `${topic.name} has no dead letter ${place}. \`topo dlq ls\` lists them.`,
      );
    const letter = deadLetterOf(found.value);
    if (json) await print(JSON.stringify(wholeJson(letter)));
    else for (const line of sheetOf(letter)) await print(line);
  } finally {
    await view.close();
  }
}

function sheetOf(letter: DeadLetter): string[] {
  const style = styleFor(process.stdout);
  const { record } = letter;
  const field = (name: string, text: string) => `  ${style.dim(name.padEnd(9))}  ${plain(text)}`;
  const block = (name: string, bytes: Uint8Array | null) =>
    bytes === null
      ? [field(name, 'null')]
      : [
          `  ${style.dim(name)}  ${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}`,
          ...bytesLines(bytes).map(line => `    ${line}`),
        ];
  return [
    style.bold(`${record.topic} ${letter.id}`),
    field('time', timeText(record.timestamp)),
    field('step', letter.step),
    field('code', letter.code),
    field('message', letter.message),
    field('exception', letter.exception),
    field('source', sourceText(letter)),
    field('attempt', String(letter.attempt)),
    field('manifest', letter.manifest),
    ...block('key', record.key),
    ...block('value', record.value),
    ...letter.headers.flatMap(([name, value]) => block(`header ${plain(name)}`, value)),
    ...(letter.stacktrace === '' ? [] : block('stack trace', Buffer.from(letter.stacktrace))),
  ];
}

const SUFFIX = deadLettersTopic('');

/** The dead-letter topic of the topology, or of the only one there is. */
async function deadLetters(view: BrokerReader, topology: string | undefined, data: string): Promise<TopicInfo> {
  const topics = (await view.topics()).filter(({ name }) => name.endsWith(SUFFIX));
  const names = topics.map(({ name }) => name.slice(0, -SUFFIX.length));
  if (topology === undefined && topics.length > 1)
    throw new TopologyError(
      'TOPO_USAGE',
      `several topologies have dead letters in ${data}: name one of ${names.join(', ')}.`,
    );
  const found = topology === undefined ? topics[0] : topics[names.indexOf(topology)];
  if (found) return found;
  const what = topology === undefined ? `no topology has run in ${data}` : `no topology ${topology} has run in ${data}`;
  const near = topology === undefined ? [] : nearNames(topology, names);
  throw new TopologyError('TOPO_TOPIC_UNKNOWN', `${what}, so there are no dead letters.${didYouMean(near)}`);
}
