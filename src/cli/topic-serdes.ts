import { TopologyError } from '../errors.ts';
import type { Manifest } from '../graph/manifest.ts';
import { manifestTopic } from '../graph/names.ts';
import { readManifest } from '../runtime/manifest-topic.ts';
import type { BrokerReader } from '../runtime/ports.ts';
import { serdeOf } from '../serdes/from-description.ts';
import type { Serde, SerdeDescription } from '../serdes/serde.ts';

const MANIFEST_SUFFIX = manifestTopic('');

/** A topic's serdes as a manifest in the folder has them. */
export interface TopicSerdes {
  readonly key: KnownSerde;
  readonly value: KnownSerde;
}

/** `serde` is undefined for a user's own, whose code is in the topology file. */
export interface KnownSerde {
  readonly description: SerdeDescription;
  readonly serde: Serde<unknown> | undefined;
}

/** What the topologies that ran in a folder left there. */
export interface Manifests {
  /** By name. */
  readonly topologies: readonly string[];
  readonly serdes: ReadonlyMap<string, TopicSerdes>;
  /** Topics that only a run may write, and the topology they belong to. */
  readonly internal: ReadonlyMap<string, string>;
}

/** Reads every manifest of the folder. Where two name one topic, the one that writes it counts. */
export async function readManifests(view: BrokerReader): Promise<Manifests> {
  const serdes = new Map<string, TopicSerdes>();
  const internal = new Map<string, string>();
  const manifests: Manifest[] = [];
  for (const { name } of await view.topics()) {
    if (!name.endsWith(MANIFEST_SUFFIX)) continue;
    const manifest = parseManifest(await readManifest(view, name));
    // a user's topic may have such a name too
    if (manifest && manifestTopic(manifest.topology) === name) manifests.push(manifest);
  }
  const add = (entries: Manifest['sources']) => {
    for (const { topic, key, value } of Object.values(entries))
      serdes.set(topic, { key: known(key), value: known(value) });
  };
  for (const { sources } of manifests) add(sources);
  for (const { topology, sinks, repartitions, stores } of manifests) {
    add(sinks);
    add(repartitions);
    add(stores);
    internal.set(manifestTopic(topology), topology);
    for (const { topic } of [...Object.values(repartitions), ...Object.values(stores)]) internal.set(topic, topology);
  }
  return { topologies: manifests.map(({ topology }) => topology), serdes, internal };
}

/** @throws TopologyError `TOPO_TOPIC_CONFLICT` for a topic that belongs to a topology */
export async function refuseInternal(view: BrokerReader, topics: readonly string[]): Promise<Manifests> {
  const manifests = await readManifests(view);
  for (const topic of topics) {
    const owner = manifests.internal.get(topic);
    if (owner !== undefined)
      throw new TopologyError(
        'TOPO_TOPIC_CONFLICT',
        `topic ${topic} belongs to the topology '${owner}': only its runs write it.`,
        { topic },
      );
  }
  return manifests;
}

function parseManifest(text: string | undefined): Manifest | undefined {
  if (text === undefined) return undefined;
  try {
    const manifest = JSON.parse(text) as Partial<Manifest> | null;
    return manifest?.sources && manifest.sinks && manifest.repartitions && manifest.stores
      ? (manifest as Manifest)
      : undefined;
  } catch {
    return undefined;
  }
}

function known(description: SerdeDescription): KnownSerde {
  try {
    return { description, serde: serdeOf(description) };
  } catch {
    // a damaged descriptor: bytes can still be shown
    return { description, serde: undefined };
  }
}
