import { createHash } from 'node:crypto';
import type { SerdeDescription } from '../serdes/serde.ts';
import { isRead, repartitioned } from './edges.ts';
import { changelogTopic, repartitionTopic } from './names.ts';
import { serdeProblem } from './serde-fit.ts';
import { canonicalJson } from './serde-name.ts';
import type { ProcessorNode, TopicReference, Topology } from './topology.ts';

const FORMAT = 1;

/** What a topology leaves behind and must find again: plain JSON, kept with the state and in the broker. */
export interface Manifest {
  readonly format: number;
  readonly topology: string;
  readonly cluster: string;
  /** By topic. */
  readonly sources: Readonly<Record<string, TopicEntry>>;
  /** By step. */
  readonly repartitions: Readonly<Record<string, TopicEntry>>;
  /** By name. */
  readonly stores: Readonly<Record<string, StoreEntry>>;
  /** By topic. */
  readonly sinks: Readonly<Record<string, TopicEntry>>;
  /** Of all the rest: equal manifests have equal hashes, whatever the order of declaration. */
  readonly hash: string;
}

/** Partitions and id are null where the broker did not tell. */
interface TopicEntry {
  readonly topic: string;
  readonly topicId: string | null;
  readonly partitions: number | null;
  readonly key: SerdeDescription;
  readonly value: SerdeDescription;
  /** The topology does not have it any more; what it left is kept, and fits if it returns. */
  readonly gone?: true;
}

/** `topic` is its changelog. */
interface StoreEntry extends TopicEntry {
  readonly step: string;
  readonly processor: string;
  /** The topic whose rows a `table` holds. */
  readonly of?: string;
  /** Of a windowed aggregate: the lengths, in ms, that its rows' keys mean. Grace and emission may change. */
  readonly window?: WindowLengths;
  readonly renamedFrom?: string;
}

type WindowLengths = Readonly<Record<string, number>>;

/** Options that say which windows there are, in the words of messages. */
const WINDOW_LENGTHS: Readonly<Record<string, string>> = {
  sizeMs: 'the size',
  everyMs: "'every'",
  differenceMs: 'the difference',
  gapMs: 'the gap',
};

function windowOf({ options }: ProcessorNode): WindowLengths | undefined {
  const lengths = Object.keys(WINDOW_LENGTHS).filter(name => name in options);
  if (lengths.length === 0) return undefined;
  return Object.fromEntries(lengths.map(name => [name, options[name] as number]));
}

/** What the broker knows: by topic, internal ones included. */
export interface Surroundings {
  readonly partitions: Readonly<Record<string, number>>;
  readonly clusterId: string;
  readonly topicIds: Readonly<Record<string, string>>;
}

export function manifestOf(topology: Topology, { partitions, clusterId, topicIds }: Surroundings): Manifest {
  const { name, nodes } = topology;
  const entry = (topic: string, key: SerdeDescription, value: SerdeDescription): TopicEntry => ({
    topic,
    topicId: own(topicIds, topic) ?? null,
    partitions: own(partitions, topic) ?? null,
    key,
    value,
  });
  const sourceTopics = new Map(nodes.map(node => [node.id, node.kind === 'source' ? node.topic.name : undefined]));
  const topicsOf = (found: readonly { readonly topic: TopicReference }[]) =>
    Object.fromEntries(found.map(({ topic }) => [topic.name, entry(topic.name, topic.key, topic.value)]));
  const stores = nodes.flatMap(node =>
    node.kind !== 'processor'
      ? []
      : node.stores.map(store => {
          const of = node.table ? sourceTopics.get(node.inputs[0]!) : undefined;
          const { renamedFrom } = store;
          const window = windowOf(node);
          const stored: StoreEntry = {
            ...entry(changelogTopic(name, store), store.key, store.value),
            step: node.id,
            processor: node.processor,
            ...(of !== undefined && { of }),
            ...(window && { window }),
            ...(renamedFrom !== undefined && { renamedFrom }),
          };
          return [store.name, stored] as const;
        }),
  );
  const content = {
    format: FORMAT,
    topology: name,
    cluster: clusterId,
    sources: topicsOf(nodes.filter(isRead)),
    repartitions: Object.fromEntries(
      repartitioned(topology).map(node => [node.id, entry(repartitionTopic(name, node.id), node.key!, node.value!)]),
    ),
    stores: Object.fromEntries(stores),
    sinks: topicsOf(nodes.filter(node => node.kind === 'sink')),
  };
  return withHash(content);
}

/** The manifest to keep at a start: the current one, and what earlier ones had besides, so that it is known when it returns. */
export function successor(stored: Manifest | undefined, current: Manifest): Manifest {
  if (stored === undefined) return current;
  const { hash: _, ...content } = current;
  const renamed = new Set(Object.values(current.stores).map(({ renamedFrom }) => renamedFrom));
  const formerStores = Object.entries(stored.stores).filter(([name]) => !renamed.has(name));
  return withHash({
    ...content,
    sources: { ...gone(stored.sources), ...current.sources },
    repartitions: { ...gone(stored.repartitions), ...current.repartitions },
    stores: { ...gone(Object.fromEntries(formerStores)), ...current.stores },
  });
}

const gone = <E extends TopicEntry>(entries: Readonly<Record<string, E>>): Record<string, E> =>
  Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, { ...entry, gone: true }]));

const withHash = (content: Omit<Manifest, 'hash'>): Manifest => ({
  ...content,
  hash: createHash('sha256').update(canonicalJson(content)).digest('hex').slice(0, 16),
});

export interface ManifestComparison {
  /** Why a start must be refused: each names the step and what to do. */
  readonly problems: readonly string[];
  /** What is new, moved or gone; state of a step that is gone is kept. */
  readonly notices: readonly string[];
}

/**
 * Whether a topology can go on from what it stored. Both directions of a Protobuf change are checked as they come: what was
 * written before must be readable now, and a start that goes back to the former file is compared again.
 */
export function compareManifests(stored: Manifest, current: Manifest): ManifestComparison {
  const problems: string[] = [];
  const notices: string[] = [];
  const outcome = { problems, notices };
  if (stored.format > FORMAT)
    problems.push(
      `The stored manifest has format ${stored.format}, which a later version of Topo wrote: run that version.`,
    );
  if (stored.topology !== current.topology)
    problems.push(
      `The state is that of topology '${stored.topology}', not of '${current.topology}': use another data folder.`,
    );
  if (problems.length > 0 || stored.hash === current.hash) return outcome;
  if (stored.cluster !== current.cluster) {
    problems.push(
      `The state and its offsets belong to cluster ${stored.cluster}; this is ${current.cluster}. Use the former broker, or give ` +
        `the topology another name, under which it starts from nothing.`,
    );
    return outcome;
  }
  compareSources(stored, current, outcome);
  compareRepartitions(stored, current, outcome);
  compareStores(stored, current, outcome);
  compareSinks(stored, current, outcome);
  return outcome;
}

interface Outcome {
  readonly problems: string[];
  readonly notices: string[];
}

const START_ANEW = `or give the topology another name, under which it starts from nothing`;

function compareSources(stored: Manifest, current: Manifest, { problems, notices }: Outcome): void {
  for (const [topic, now] of Object.entries(current.sources)) {
    const before = own(stored.sources, topic);
    if (!before) notices.push(`source ${topic} is new: it is read from its start.`);
    else {
      const about = `source ${topic}:`;
      for (const problem of serdeProblems(before, now))
        problems.push(`${about} ${problem}. Read it with the former serde, ${START_ANEW}.`);
      problems.push(...topicProblems(before, now).map(problem => `${about} ${problem}, ${START_ANEW}.`));
      if (before.gone) notices.push(`${about} it is read again, from where it was left.`);
    }
  }
  for (const topic of missing(stored.sources, current.sources))
    notices.push(`source ${topic} is not read any more; its offsets are kept.`);
}

function compareRepartitions(stored: Manifest, current: Manifest, { problems, notices }: Outcome): void {
  for (const [step, now] of Object.entries(current.repartitions)) {
    const before = own(stored.repartitions, step);
    if (!before) notices.push(`step '${step}' is new: it gets the topic ${now.topic}.`);
    else {
      if (before.gone) notices.push(`step '${step}' is back: what was on its way in ${now.topic} goes on.`);
      for (const problem of [...serdeProblems(before, now), ...topicProblems(before, now)])
        problems.push(
          `step '${step}': ${problem}. Its topic ${now.topic} holds records on their way: go back, or rename the step.`,
        );
    }
  }
  for (const step of missing(stored.repartitions, current.repartitions))
    notices.push(
      `step '${step}' is gone; its topic ${stored.repartitions[step]!.topic} is kept, and what was on its way there stays.`,
    );
}

function compareStores(stored: Manifest, current: Manifest, { problems, notices }: Outcome): void {
  const moved = new Set<string>();
  for (const [name, now] of Object.entries(current.stores)) {
    let before = own(stored.stores, name);
    const { renamedFrom } = now;
    const former = renamedFrom === undefined ? undefined : own(stored.stores, renamedFrom);
    if (!before && former && renamedFrom !== undefined) {
      before = former;
      moved.add(renamedFrom);
      notices.push(`store '${renamedFrom}' is '${name}' from now on: its state is taken over.`);
    }
    if (!before) notices.push(`step '${now.step}' is new: its store '${name}' is empty.`);
    else {
      if (before.gone) notices.push(`step '${now.step}' is back: its store '${name}' goes on as it was left.`);
      for (const problem of [
        ...meaningProblems(before, now),
        ...serdeProblems(before, now),
        ...topicProblems(before, now),
      ])
        problems.push(
          `step '${now.step}': ${problem}. Go back, or give the step another name: it then starts with an empty store.`,
        );
    }
  }
  for (const name of missing(stored.stores, current.stores))
    if (!moved.has(name))
      notices.push(
        `step '${stored.stores[name]!.step}' is gone; its state and the topic ${stored.stores[name]!.topic} are kept.`,
      );
}

/** Nothing of a sink comes back into the topology: only its readers would be surprised. */
function compareSinks(stored: Manifest, current: Manifest, { problems, notices }: Outcome): void {
  for (const [topic, now] of Object.entries(current.sinks)) {
    const before = own(stored.sinks, topic);
    if (!before) notices.push(`sink ${topic} is new.`);
    else {
      for (const problem of serdeProblems(before, now))
        problems.push(
          `sink ${topic}: ${problem}. Its readers expect what it holds: go back, or write to another topic.`,
        );
      notices.push(...topicProblems(before, now).map(problem => `sink ${topic}: ${problem}.`));
    }
  }
  for (const topic of missing(stored.sinks, current.sinks))
    notices.push(`sink ${topic} is not written any more; it is kept.`);
}

function meaningProblems(before: StoreEntry, now: StoreEntry): string[] {
  if (before.processor !== now.processor)
    return [`its store was that of a step '${before.processor}', and is of '${now.processor}'`];
  if (before.of !== now.of) return [`its table holds the rows of topic ${before.of}, not of ${now.of}`];
  const changed = Object.keys(WINDOW_LENGTHS).filter(name => before.window?.[name] !== now.window?.[name]);
  return changed.map(
    name =>
      `${WINDOW_LENGTHS[name]} of its windows was ${before.window?.[name]} ms and is ${now.window?.[name]} ms, so that open windows would never be closed rightly`,
  );
}

function serdeProblems(before: TopicEntry, now: TopicEntry): string[] {
  const [key, value] = [serdeProblem(before.key, now.key), serdeProblem(before.value, now.value)];
  return [...(key === null ? [] : [`its keys ${key}`]), ...(value === null ? [] : [`its values ${value}`])];
}

function topicProblems(before: TopicEntry, now: TopicEntry): string[] {
  if (before.topicId !== null && now.topicId !== null && before.topicId !== now.topicId)
    return [`topic ${now.topic} was deleted and made again, so that its offsets mean nothing now`];
  if (before.partitions === null || now.partitions === null || before.partitions === now.partitions) return [];
  return [
    `topic ${now.topic} had ${before.partitions} partitions and has ${now.partitions}, so that keys lie elsewhere`,
  ];
}

/** Names are the users' own: `constructor` is one. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** What has gone since the last start. */
const missing = (before: Readonly<Record<string, TopicEntry>>, now: object): string[] =>
  Object.keys(before).filter(name => !Object.hasOwn(now, name) && before[name]!.gone !== true);
