import type { Command } from 'commander';
import { Option } from 'commander';
import { TopologyError } from '../errors.ts';
import type { BatchReader } from '../records/batch-reader.ts';
import type { BrokerReader, TopicInfo } from '../runtime/ports.ts';
import { dataOption, openForReading, topicNamed } from './data-folder.ts';
import { print } from './output.ts';
import { recordJsonLine, recordLine } from './record-text.ts';
import { styleFor } from './style.ts';
import { from, stretchesFrom } from './tail-from.ts';
import type { From } from './tail-from.ts';
import { readManifests } from './topic-serdes.ts';
import type { KnownSerde } from './topic-serdes.ts';
import type { TopicRecord } from './topic-record.ts';
import { following, forwards, lastRecords, merged } from './topic-scan.ts';
import type { Match, Stretch } from './topic-scan.ts';
import { wholeNumber } from './values.ts';

const DEFAULT_COUNT = 10;
/** As many of each partition are held in memory. */
const MAX_COUNT = 10_000;

interface TailOptions {
  readonly data: string;
  readonly count?: number;
  readonly from?: From;
  readonly partition?: number;
  readonly follow?: boolean;
  readonly key?: string;
  readonly json?: boolean;
}

export function addTail(program: Command): void {
  program
    .command('tail')
    .description("print a topic's last records, over all its partitions, by timestamp; also while a run is going on")
    .argument('<topic>')
    .addOption(
      new Option('-n, --count <count>', `how many records (default: ${DEFAULT_COUNT})`).argParser(
        wholeNumber(0, MAX_COUNT),
      ),
    )
    .addOption(
      new Option(
        '--from <place>',
        'from there on: earliest, an ISO time, or an offset of a --partition; -n then counts from there',
      ).argParser(from),
    )
    .addOption(new Option('--partition <number>', 'only this one').argParser(wholeNumber(0, 9_999)))
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .option('--key <text>', 'only records with this key')
    .option('--json', 'one JSON object a line')
    .addOption(dataOption())
    .action(tail);
}

async function tail(name: string, options: TailOptions): Promise<void> {
  if (typeof options.from === 'object' && 'offset' in options.from && options.partition === undefined)
    throw new TopologyError('TOPO_USAGE', 'an offset means something in one partition only: name it with --partition.');
  const view = await openForReading(options.data);
  try {
    const topic = await topicNamed(view, name, options.data);
    const serdes = (await readManifests(view)).serdes.get(name);
    const style = styleFor(process.stdout);
    const show = (record: TopicRecord) =>
      print(options.json ? recordJsonLine(record, serdes) : recordLine(record, serdes, style));
    const matches = options.key === undefined ? () => true : keyMatch(options.key, serdes?.key);
    for await (const record of records(view, topic, matches, options)) await show(record);
  } finally {
    await view.close();
  }
}

async function* records(
  view: BrokerReader,
  topic: TopicInfo,
  matches: Match,
  options: TailOptions,
): AsyncGenerator<TopicRecord, void> {
  const stretches = await chosen(view, topic, options.partition);
  const reader = view.reader();
  if (options.from === undefined) {
    const count = options.count ?? DEFAULT_COUNT;
    if (count > 0) yield* await lastRecords(reader, stretches, count, matches);
  } else {
    let left = options.count ?? Infinity;
    if (left === 0) return;
    const wanted = await stretchesFrom(view, stretches, options.from);
    for await (const record of merged(wanted.map(stretch => forwards(reader, stretch, matches)))) {
      yield record;
      if (--left === 0) return;
    }
  }
  if (!options.follow) return;
  const stopping = new AbortController();
  const stop = () => {
    stopping.abort();
    void reader.close();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  yield* following(reader, stretches, matches, stopping.signal);
}

async function chosen(view: BrokerReader, topic: TopicInfo, partition: number | undefined): Promise<Stretch[]> {
  const stretches = await stretchesOf(view, topic);
  if (partition === undefined) return stretches;
  const stretch = stretches[partition];
  if (stretch === undefined)
    throw new TopologyError(
      'TOPO_TOPIC_UNKNOWN',
      `topic ${topic.name} has no partition ${partition}: they are 0 to ${topic.partitions - 1}.`,
      { topic: topic.name },
    );
  return [stretch];
}

/** What there is of a topic now. */
export async function stretchesOf(
  view: BrokerReader,
  { name, partitions }: Pick<TopicInfo, 'name' | 'partitions'>,
): Promise<Stretch[]> {
  const places = Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition }));
  const ranges = await view.offsets(places);
  return places.map((place, i) => ({ ...place, from: ranges[i]!.start, to: ranges[i]!.end }));
}

/** A key as the user types it: its text, or JSON of what it decodes to. Compared as bytes, so that nothing is decoded. */
function keyMatch(text: string, known: KnownSerde | undefined): Match {
  const wanted = [Buffer.from(text)];
  for (const value of [() => text, () => JSON.parse(text) as unknown]) {
    try {
      const bytes = known?.serde?.encode(value());
      if (bytes) wanted.push(Buffer.from(bytes));
    } catch {
      // a text that is no key of this topic matches nothing
    }
  }
  return (record: BatchReader) => {
    const key = record.keyBytes();
    return key !== null && wanted.some(bytes => bytes.equals(key));
  };
}
