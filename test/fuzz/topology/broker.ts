import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { memoryState } from '../../../src/adapters/level/level-state.ts';
import { systemClock } from '../../../src/adapters/system-clock.ts';
import { FatalError } from '../../../src/errors.ts';
import { count, string, topic, topology } from '../../../src/index.ts';
import { batchFault, baseOffsetOf, recordCountOf } from '../../../src/records/batch.ts';
import type { Broker, Fetched } from '../../../src/runtime/ports.ts';
import { start } from '../../../src/runtime/start.ts';
import type { Settings } from '../../../src/runtime/start.ts';
import type { Dice } from '../../seed.ts';
import { readTopic, writeTopic } from '../../topic-records.ts';
import { anyBatch } from '../batches/batches.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { isChance } from '../hostile.ts';

const counting = topology('counting', t => {
  t.stream(topic('in', string(), string()))
    .map(value => value.length)
    .groupByKey()
    .aggregate('counts', { n: count() });
  t.stream(topic('in', string(), string())).to(topic('out', string(), string()));
});

const SETTINGS: Settings = {
  partitions: 1,
  onError: 'dead-letter',
  deadLetterLimit: false,
  onDrop: 'count',
  commitIntervalMs: 1,
  maxEpochRecords: 1000,
  memoryBytes: 16 * 1024 * 1024,
};
const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** A broker whose batches pass every check of the port's contract, and hold anything: the run ends with a clear error or goes on. */
export const brokerTarget: Target = {
  name: 'broker',
  async run(dice): Promise<Outcome> {
    const broker = await openEmbeddedBroker({ disk: new MemoryDisk() });
    try {
      await broker.createTopics([{ name: 'in', partitions: 1, config: {} }]);
      for (let commits = 0; commits < 3; commits++) await writeTopic(broker, 'in', records(dice));
      const untouched = { records: 0 };
      const outcome = await runOn(hostile(broker, 'in', dice, untouched));
      if (outcome === 'value') await checkAll(broker, untouched.records);
      // the state is lost, and its changelog is what is hostile now
      if (outcome === 'value') await runOn(hostile(broker, 'counting-counts-changelog', dice, untouched));
      return outcome;
    } finally {
      await broker.close();
    }
  },
};

const records = (dice: Dice) =>
  Array.from({ length: 1 + dice.below(6) }, (_, index) => ({
    key: `k${dice.below(3)}`,
    value: `v${index}`,
    timestamp: 1_700_000_000_000 + index,
  }));

/** Nothing that the hostile batches hold may cost another record. */
async function checkAll(broker: Broker, untouched: number): Promise<void> {
  const out = await readTopic(broker, 'out');
  if (out.length < untouched) throw new Error(`${untouched} good records, and ${out.length} went through`);
}

async function runOn(broker: Broker): Promise<Outcome> {
  try {
    const application = await start(counting, { broker, state: memoryState(), clock: systemClock, log: silent }, SETTINGS);
    await application.idle();
    await application.stop();
    return 'value';
  } catch (error) {
    const isClear = error instanceof FatalError && error.code === 'TOPO_LOG_DAMAGED' && error.place.topic !== undefined;
    if (!isClear) throw error;
    return 'refused';
  }
} // prettier-ignore

/** The broker, some of whose batches of a topic are others, as far as the check of their CRC lets them pass. */
function hostile(broker: Broker, of: string, dice: Dice, untouched: { records: number }): Broker {
  const replaced = (batch: Buffer): Buffer => {
    const other = anyBatch(dice, dice.oneOf([0, 0.01, 0.1]), baseOffsetOf(batch));
    if (isChance(dice, 0.5) && batchFault(other) === undefined) return other;
    untouched.records += recordCountOf(batch);
    return batch;
  };
  const changed = (fetched: Fetched): Fetched =>
    fetched.topic === of ? { ...fetched, batches: fetched.batches.map(replaced) } : fetched;
  return {
    clusterId: broker.clusterId,
    topics: () => broker.topics(),
    offsets: partitions => broker.offsets(partitions),
    reader() {
      const reader = broker.reader();
      return {
        fetch: async (requests, maxWaitMs) => (await reader.fetch(requests, maxWaitMs)).map(changed),
        close: () => reader.close(),
      };
    },
    groupOffsets: group => broker.groupOffsets(group),
    createTopics: topics => broker.createTopics(topics),
    deleteTopics: names => broker.deleteTopics(names),
    configureTopic: (name, config) => broker.configureTopic(name, config),
    deleteRecords: before => broker.deleteRecords(before),
    sizes: partitions => broker.sizes(partitions),
    offsetsAt: (partitions, timestamp) => broker.offsetsAt(partitions, timestamp),
    join: (group, tasks, listener) => broker.join(group, tasks, listener),
    close: async () => {},
  };
}
