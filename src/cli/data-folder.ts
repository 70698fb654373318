import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { appendOutside } from '../adapters/embedded/append-outside.ts';
import { openEmbeddedBroker } from '../adapters/embedded/embedded-broker.ts';
import { connectToHolder } from '../adapters/embedded/local-client.ts';
import { openLogReader } from '../adapters/embedded/log-follower.ts';
import { nodeDisk } from '../adapters/embedded/node-disk.ts';
import { FatalError, TopologyError } from '../errors.ts';
import type { Append, Broker, BrokerReader, NewTopic, TopicInfo } from '../runtime/ports.ts';
import { didYouMean, nearNames } from './near-names.ts';
import { someText } from './values.ts';

/** `--data`, of every command that reads or writes the folder. */
export const dataOption = (): Option =>
  new Option('--data <folder>', 'the folder of the embedded broker')
    .env('TOPO_DATA')
    .argParser(someText)
    .default('.topo');

const logFolder = (data: string): string => join(data, 'log');

/**
 * Looks into a folder without a lock, also while a run holds it.
 * @throws FatalError `TOPO_FOLDER_UNUSABLE` when nothing was ever run there
 */
export async function openForReading(data: string): Promise<BrokerReader> {
  if (!existsSync(logFolder(data)))
    throw new FatalError(
      'TOPO_FOLDER_UNUSABLE',
      `there is no data in ${data}: nothing was run there yet. Start a run, or name the folder with --data.`,
      { path: data },
    );
  return openLogReader({ disk: await nodeDisk(logFolder(data)) });
}

/** @throws FatalError `TOPO_FOLDER_LOCKED`, naming who holds it */
export async function openForWriting(data: string, owner: string): Promise<Broker> {
  return openEmbeddedBroker({ disk: await nodeDisk(logFolder(data)), owner });
}

/** A folder that records are written to. */
export interface Producing {
  readonly view: BrokerReader;
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  /** All of it in one commit. */
  append(appends: readonly Append[]): Promise<void>;
  close(): Promise<void>;
}

/** Holds the folder; where a run holds it, that one writes. @throws FatalError `TOPO_FOLDER_LOCKED`, naming who holds it and takes no records */
export async function openForProducing(data: string, owner: string): Promise<Producing> {
  try {
    const broker = await openForWriting(data, owner);
    return {
      view: broker,
      createTopics: topics => broker.createTopics(topics),
      append: appends => appendOutside(broker, appends, Date.now()),
      close: () => broker.close(),
    };
  } catch (error) {
    if (!(error instanceof FatalError) || error.code !== 'TOPO_FOLDER_LOCKED') throw error;
    const holder = await connectToHolder(logFolder(data));
    if (holder === undefined) throw error;
    const view = await openForReading(data);
    return {
      view,
      createTopics: topics => holder.createTopics(topics),
      append: appends => holder.append(appends),
      close: async () => {
        holder.close();
        await view.close();
      },
    };
  }
}

/** @throws TopologyError `TOPO_TOPIC_UNKNOWN`, with names that are near */
export async function topicNamed(broker: Pick<BrokerReader, 'topics'>, name: string, data: string): Promise<TopicInfo> {
  const topics = await broker.topics();
  const found = topics.find(topic => topic.name === name);
  if (found) return found;
  const near = nearNames(
    name,
    topics.map(topic => topic.name),
  );
  throw new TopologyError(
    'TOPO_TOPIC_UNKNOWN',
    `there is no topic ${name} in ${data}.${didYouMean(near)} \`topo topics\` lists them all.`,
    { topic: name },
  );
}
