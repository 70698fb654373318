import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { FatalError } from '../../../src/errors.ts';
import type { Dice } from '../../seed.ts';
import { copyOf } from '../../adapters/embedded/memory-logs.ts';
import { readTopic, writeTopic } from '../../topic-records.ts';
import type { TopicRecord } from '../../topic-records.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { damaged, isChance } from '../hostile.ts';

const TOPIC = 'in';
/** Small, so that a log of a few commits has sealed segments with footers. */
const SEGMENT_BYTES = 2000;

/** Its files as a clean stop left them, and its records. */
const log = (async () => {
  const disk = new MemoryDisk();
  const broker = await openEmbeddedBroker({ disk, segmentBytes: SEGMENT_BYTES, newId: () => 'log' });
  await broker.createTopics([{ name: TOPIC, partitions: 2, config: {} }]);
  for (let commit = 0; commit < 12; commit++)
    await writeTopic(
      broker,
      TOPIC,
      Array.from({ length: 3 }, (_, index) => ({
        key: `k${index}`,
        value: `${commit} ${'x'.repeat(40 * index)}`,
        timestamp: 1_700_000_000_000 + commit,
      })),
    );
  const records = await readTopic(broker, TOPIC);
  await broker.close();
  return { disk, records: new Set(records.map(shown)) };
})();

/** A log on a disk that returns other bytes: what is read was written, or the damage is named. */
export const logTarget: Target = {
  name: 'log',
  async run(dice): Promise<Outcome> {
    const { disk, records } = await log;
    const copy = await damagedCopy(dice, disk);
    try {
      const broker = await openEmbeddedBroker({ disk: copy, segmentBytes: SEGMENT_BYTES, recentBytes: 0 });
      try {
        const topics = await broker.topics();
        const read = topics.some(({ name }) => name === TOPIC) ? await readTopic(broker, TOPIC) : [];
        for (const record of read) if (!records.has(shown(record))) throw new Error(`read, never written: ${shown(record)}`);
      } finally {
        await broker.close();
      }
      return 'value';
    } catch (error) {
      const codes = ['TOPO_LOG_DAMAGED', 'TOPO_FOLDER_UNUSABLE'];
      if (error instanceof FatalError && codes.includes(error.code)) return 'refused';
      throw error;
    }
  },
}; // prettier-ignore

/** One of its files is other bytes, or gone. */
function damagedCopy(dice: Dice, disk: MemoryDisk): Promise<MemoryDisk> {
  const victim = dice.oneOf([...disk.files.keys()]);
  const isGone = isChance(dice, 0.05);
  return copyOf(disk, (name, bytes) => (name !== victim ? bytes : isGone ? undefined : damaged(dice, bytes)));
}

function shown(record: TopicRecord): string {
  return JSON.stringify(record);
}
