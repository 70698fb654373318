import { RecordError, TopologyError } from '../errors.ts';
import type { TopicSlot } from '../graph/functions.ts';
import type { KeyNode, NodeKind, SinkNode, SourceNode, TransformNode, ProcessorNode } from '../graph/topology.ts';
import type { BatchReader } from '../records/batch-reader.ts';
import { changeBytes } from '../serdes/change.ts';
import type { ChangeSerde } from '../serdes/change.ts';
import type { Serde } from '../serdes/serde.ts';
import { everyInput } from './chain.ts';
import type { Kind, Site, Step } from './chain.ts';
import { IN, OUT } from './counters.ts';
import { KeyView } from './key-view.ts';
import type { OutputWriter, TopicOutput } from './outputs.ts';
import { PROCESSORS } from './processors/index.ts';
import { rx } from './rx.ts';
import { TRANSFORMS } from './transforms.ts';
import { defined, encode } from './values.ts';
import type { Unit } from './unit.ts';
import { partitionOfKey } from './partitioning.ts';

const source: Kind<SourceNode> = {
  compile: (node, { counters, next }) => {
    const { values } = counters;
    const row = counters.row(node.id);
    return {
      steps: [
        value => {
          values[row + IN]!++;
          values[row + OUT]!++;
          next(value, null);
        },
      ],
    };
  },
};

const transform: Kind<TransformNode> = {
  compile: (node, site) => everyInput(node, TRANSFORMS[node.op](node, site)),
};

const processor: Kind<ProcessorNode> = {
  compile: (node, site) => {
    const found = PROCESSORS[node.processor];
    if (!found)
      throw new TopologyError('TOPO_GRAPH_INVALID', `step '${node.id}': there is no processor '${node.processor}'`);
    return found.compile(node, site);
  },
};

const sink: Kind<SinkNode> = {
  compile: (node, site) => {
    const { topic } = site.slots as { topic: TopicSlot };
    const output = site.output(node.topic.name);
    const step = site.isUnchanged(topic.value) ? copyTo : appendTo;
    return everyInput(node, step(node, site, output, topic));
  },
};

const key: Kind<KeyNode> = {
  compile: (node, site) => {
    const output = site.repartition();
    if (node.table) return everyInput(node, output ? repartitionTable(node, site, output) : () => {});
    return everyInput(node, output ? repartition(node, site, output) : changeKey(node, site));
  },
};

/** Every kind of node the runtime knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each entry takes its own kind of node
export const KINDS: Readonly<Record<Exclude<NodeKind, 'global'>, Kind<any>>> = {
  source,
  transform,
  key,
  processor,
  sink,
  rx,
};

/** The value as it lies in the batch; with headers, and the key where the record has kept it, in one copy. */
function copyTo(node: SinkNode, site: Site, output: TopicOutput, { key: keySerde }: TopicSlot): Step {
  const { unit } = site;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  return () => {
    values[row + IN]!++;
    unit.step = node.id;
    const reader = unit.reader!;
    if (unit.isRecordAs(keySerde)) {
      if (!ownWriter(output, reader, unit.partition, keySerde).appendCopy(reader, unit.timestamp))
        throw tooLarge(output.topic);
    } else appendUnder(output, unit, keyBytesAs(unit, keySerde), keySerde);
    site.appended(row);
  };
}

function appendTo(node: SinkNode, site: Site, output: TopicOutput, topic: TopicSlot): Step {
  const { key: keySerde, value: valueSerde } = topic;
  const { unit } = site;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  return value => {
    values[row + IN]!++;
    unit.step = node.id;
    const valueBytes = value === null ? null : encode(valueSerde, value, 'value');
    if (unit.isRecordAs(keySerde)) {
      const reader = unit.reader!;
      if (!ownWriter(output, reader, unit.partition, keySerde).appendValue(unit.timestamp, reader, valueBytes))
        throw tooLarge(output.topic);
    } else append(output, unit, keyBytesAs(unit, keySerde), valueBytes, keySerde);
    site.appended(row);
  };
}

/** For a record that keeps its key, which stays where it lies. */
function ownWriter(
  output: TopicOutput,
  reader: BatchReader,
  partition: number,
  keySerde: Serde<unknown>,
): OutputWriter {
  const { partitions } = output;
  const { keyStart, keyEnd } = reader;
  return output.writer(
    keyStart < 0 ? partition % partitions : partitionOfKey(keySerde, reader.buffer, partitions, keyStart, keyEnd),
  );
}

/** A key's bytes in a topic's format, which they often have already. */
function keyBytesAs({ keyView }: Unit, serde: Serde<unknown>): Uint8Array | null {
  if (keyView.isWrittenAs(serde)) return keyView.bytes;
  const { value } = keyView;
  return value === null ? null : encode(serde, value, 'key');
}

/** Where a record without a key goes: the partition it came from, so that a run repeated gives the same. */
function writerOf(output: TopicOutput, unit: Unit, key: Uint8Array | null, keySerde: Serde<unknown>): OutputWriter {
  const { partitions } = output;
  return output.writer(key === null ? unit.partition % partitions : partitionOfKey(keySerde, key, partitions));
}

function append(
  output: TopicOutput,
  unit: Unit,
  key: Uint8Array | null,
  value: Uint8Array | null,
  keySerde: Serde<unknown>,
): void {
  if (!writerOf(output, unit, key, keySerde).append(unit.timestamp, key, value, unit.headerBytes))
    throw tooLarge(output.topic);
}

/** The record's value and headers, as they lie in the batch, under another key. */
function appendUnder(output: TopicOutput, unit: Unit, key: Uint8Array | null, keySerde: Serde<unknown>): void {
  if (!writerOf(output, unit, key, keySerde).appendUnder(unit.timestamp, key, unit.reader!))
    throw tooLarge(output.topic);
}

const tooLarge = (topic: string) =>
  new RecordError('TOPO_RECORD_TOO_LARGE', `the record is larger than max.message.bytes of topic ${topic} allows`);

/** A new key that nothing behind needs the partitioning of: it stays in this task. */
function changeKey(node: KeyNode, site: Site): Step {
  const { unit, counters, slots, next } = site;
  const { fn, key: keySerde = null } = slots;
  const nullKey = site.drop('null-key');
  const { values } = counters;
  const row = counters.row(node.id);
  const newKey = new KeyView();
  return value => {
    values[row + IN]!++;
    unit.step = node.id;
    const key: unknown = defined(fn(value, unit));
    // as where it goes by a topic: what a step hands on does not depend on who reads it
    if (key === null) return nullKey();
    const { keyView } = unit;
    newKey.ofValue(key, keySerde);
    values[row + OUT]!++;
    unit.keyView = newKey;
    next(value, null);
    unit.keyView = keyView;
  };
}

function repartition(node: KeyNode, site: Site, output: TopicOutput): Step {
  const { unit, slots } = site;
  const { fn, key: keySerde, value: valueSerde } = slots;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const nullKey = site.drop('null-key');
  const isUnchanged = site.isUnchanged(valueSerde as Serde<unknown>);
  return value => {
    values[row + IN]!++;
    unit.step = node.id;
    const newKey: unknown = defined(fn(value, unit));
    if (newKey === null) {
      nullKey();
      return;
    }
    const key = encode(keySerde as Serde<unknown>, newKey, 'key');
    if (isUnchanged) appendUnder(output, unit, key, keySerde);
    else append(output, unit, key, value === null ? null : encode(valueSerde, value, 'value'), keySerde);
    site.appended(row);
  };
}

/**
 * A table's change goes to the new row's group and the old row's. Where that is one group, it goes as one record, so that the
 * group gives one result (KIP-904). A row that an aggregate cannot take fails here, with the table's: if it failed behind the
 * repartition, the row before would stay in the totals for good, and this one would be taken out of them later without ever
 * having been in.
 */
function repartitionTable(node: KeyNode, site: Site, output: TopicOutput): Step {
  const { unit, slots } = site;
  const { fn, key: keySerde } = slots;
  const { of: rowSerde } = slots['value'] as ChangeSerde<unknown>;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const nullKey = site.drop('null-key');
  const groupOf = (value: unknown): Uint8Array | null => {
    const group: unknown = value === null ? null : defined(fn(value, unit));
    return group === null ? null : encode(keySerde, group, 'key');
  };
  const written = site.writtenAs(rowSerde);
  const nowBytes = (value: unknown) => (written ? written.now : encode(rowSerde, value, 'value'));
  const oldBytes = (old: unknown) => (written ? written.old : encode(rowSerde, old, 'value'));
  const send = (group: Uint8Array, old: Uint8Array | null, now: Uint8Array | null) => {
    append(output, unit, group, changeBytes(old, now), keySerde);
    site.appended(row);
  };
  return (value, old) => {
    values[row + IN]!++;
    if (value !== null)
      for (const [step, aggregator] of site.aggregates) {
        unit.step = step;
        defined(aggregator.add(aggregator.init(), value));
      }
    unit.step = node.id;
    const group = groupOf(value);
    if (group === null && value !== null) nullKey();
    const oldGroup = groupOf(old);
    if (group !== null && oldGroup !== null && Buffer.compare(group, oldGroup) === 0)
      send(group, oldBytes(old), nowBytes(value));
    else {
      if (oldGroup !== null) send(oldGroup, oldBytes(old), null);
      if (group !== null) send(group, null, nowBytes(value));
    }
  };
}
