import type { Command } from 'commander';
import { Option } from 'commander';
import { TopologyError } from '../errors.ts';
import { checkTopicName } from '../graph/names.ts';
import { BatchWriter } from '../records/batch-writer.ts';
import { NO_HEADERS } from '../records/headers.ts';
import { partitionOf } from '../records/murmur2.ts';
import { DEFAULT_MAX_MESSAGE_BYTES } from '../runtime/outputs.ts';
import type { BrokerReader, NewTopic } from '../runtime/ports.ts';
import { dataOption, openForProducing, topicNamed } from './data-folder.ts';
import { invalid, LineReader } from './input-line.ts';
import type { InputRecord } from './input-line.ts';
import { linesOf } from './input-stream.ts';
import { print } from './output.ts';
import { refuseInternal } from './topic-serdes.ts';
import { DEFAULT_PARTITIONS, wholeNumber } from './values.ts';

interface ProduceOptions {
  readonly data: string;
  readonly raw?: boolean;
  readonly key?: string;
  readonly create?: boolean;
  readonly partitions?: number;
}

/** Kafka's default of `message.timestamp.after.max.ms`. */
const MAX_AHEAD_MS = 3_600_000;
const TARGET_BATCH_BYTES = 64 * 1024;
/** All of the input is one commit, and is held in memory until then. */
const MAX_INPUT_BYTES = 512 * 1024 * 1024;

export function addProduce(program: Command): void {
  program
    .command('produce')
    .description('write records to a topic: all lines of standard input in one commit, or none')
    .argument('<topic>')
    .option('--raw', 'take standard input as one value, byte by byte')
    .option('--key <text>', 'the key of the value that --raw takes')
    .option('--create', 'create the topic if it does not exist')
    .addOption(
      new Option('--partitions <count>', `of a topic that is created (default: ${DEFAULT_PARTITIONS})`).argParser(
        wholeNumber(1, 10_000),
      ),
    )
    .addOption(dataOption())
    .action(produce);
}

async function produce(topic: string, options: ProduceOptions): Promise<void> {
  if (options.key !== undefined && !options.raw)
    throw usage('--key goes with --raw: lines of JSON have their keys in them.');
  if (options.partitions !== undefined && !options.create)
    throw usage('--partitions goes with --create: a topic keeps the count it has.');
  const folder = await openForProducing(options.data, `topo produce ${topic}`);
  try {
    const target = await targetOf(folder.view, topic, options);
    const { serdes } = await refuseInternal(folder.view, [topic]);
    const maxAheadMs = Number(target.config['message.timestamp.after.max.ms'] ?? MAX_AHEAD_MS);
    const reader = new LineReader({ serdes: serdes.get(topic), nowMs: Date.now(), maxAheadMs });
    const batches = new Batches(target);
    if (process.stdin.isTTY)
      process.stderr.write(`reading ${options.raw ? 'one value' : 'lines of JSON'}; Ctrl-D ends it\n`);
    if (options.raw) await readValue(reader, options.key, batches);
    else await readLines(reader, batches);
    if (target.isNew && batches.count > 0) {
      const { name, partitions, config } = target;
      await folder.createTopics([{ name, partitions, config }]);
    }
    if (batches.count > 0) await folder.append(batches.appends(topic));
    await print(
      `${batches.count.toLocaleString('en')} ${batches.count === 1 ? 'record' : 'records'} written to ${topic}`,
    );
  } finally {
    await folder.close();
  }
}

type Target = NewTopic & { readonly isNew: boolean };

async function targetOf(
  view: BrokerReader,
  name: string,
  { create, partitions, data }: ProduceOptions,
): Promise<Target> {
  const exists = (await view.topics()).some(topic => topic.name === name);
  if (exists || !create) return { ...(await topicNamed(view, name, data)), isNew: false };
  checkTopicName(name, { topic: name });
  return { name, partitions: partitions ?? DEFAULT_PARTITIONS, config: {}, isNew: true };
}

async function readLines(reader: LineReader, batches: Batches): Promise<void> {
  let number = 0;
  for await (const line of linesOf(process.stdin)) {
    number++;
    if (line.length > 0) attempt(`line ${number}`, () => batches.add(reader.read(line)));
  }
}

async function readValue(reader: LineReader, key: string | undefined, batches: Batches): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) break;
  }
  attempt('the value', () =>
    batches.add({
      key: key === undefined ? null : reader.key(key),
      value: Buffer.concat(chunks),
      headers: NO_HEADERS,
      timestamp: Date.now(),
    }),
  );
}

function attempt(what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    const message = `${what} cannot be written: ${error.message}. Nothing was written.`;
    throw new TopologyError(error.code, message, error.place, { cause: error });
  }
}

/** The input, packed by partition as Kafka's default partitioner would put it; records without a key go round. */
class Batches {
  count = 0;
  readonly #writers: readonly BatchWriter[];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor({ partitions, config }: Target) {
    this.#maxBytes = Number(config['max.message.bytes'] ?? DEFAULT_MAX_MESSAGE_BYTES);
    this.#writers = Array.from({ length: partitions }, () => new BatchWriter(this.#maxBytes, TARGET_BATCH_BYTES));
  }

  /** @throws TopologyError `TOPO_INPUT_INVALID` */
  add({ key, value, headers, timestamp }: InputRecord): void {
    const partitions = this.#writers.length;
    const writer = this.#writers[key === null ? this.count % partitions : partitionOf(key, partitions)]!;
    if (!writer.append(timestamp, key, value, headers))
      throw invalid(`it is larger than the topic's max.message.bytes, ${this.#maxBytes}`);
    this.count++;
    this.#bytes += (key?.length ?? 0) + (value?.length ?? 0) + headers.length;
    if (this.#bytes > MAX_INPUT_BYTES)
      throw invalid(
        `the input is larger than ${MAX_INPUT_BYTES / 1024 / 1024} MiB, which one commit takes: write it in parts`,
      );
  }

  appends(topic: string) {
    return this.#writers
      .map((writer, partition) => ({ topic, partition, batches: writer.finish() }))
      .filter(({ batches }) => batches.length > 0);
  }
}

const usage = (message: string): TopologyError => new TopologyError('TOPO_USAGE', message);
