import { expect, test } from 'vitest';
import type { Disk } from '../../../src/adapters/embedded/disk.ts';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { openLogReader } from '../../../src/adapters/embedded/log-follower.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { FatalError } from '../../../src/errors.ts';
import type { Broker } from '../../../src/runtime/ports.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { Model, modelWriter, newTopics, randomWrites } from './cleaned-log.ts';
import { writeTopic } from '../../topic-records.ts';
import { FatedDisk } from './fated-disk.ts';
import { PowerCutDisk } from './power-cut-disk.ts';
import { mulberry } from './random.ts';

const SEGMENT_BYTES = 16_000;
const LONG = { timeout: 180_000 };
const OPTIONS = { segmentBytes: SEGMENT_BYTES, recentBytes: 2000 };

/** A topic with records that nobody misses. */
async function passingTopic(broker: Broker): Promise<string> {
  const name = `passing-${(await broker.topics()).length}`;
  await broker.createTopics([{ name, partitions: 1, config: {} }]);
  await writeTopic(broker, name, [{ key: 'k', value: 'x'.repeat(3000), timestamp: 0 }]);
  return name;
}

const bytesOn = (disk: MemoryDisk): number =>
  [...disk.files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);

test('random records, cleaned while they are written and read, are what a naive log has', LONG, async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = mulberry(seed);
    const disk = new MemoryDisk();
    const clock = new ManualClock(100_000);
    const model = new Model();
    const follower = await openLogReader({ disk });
    try {
      for (let life = 0; life < 3; life++) {
        const broker = await openEmbeddedBroker({ disk, clock, ...OPTIONS });
        if (life === 0) await broker.createTopics(newTopics);
        const writer = await modelWriter(broker);
        for (let round = 0; round < 12; round++) {
          for (let i = 0; i < 8; i++) await model.commit(writer, randomWrites(random, clock.now()));
          await clock.advance(Math.floor(random() * 400));
          const cleaning = random() < 0.7 ? broker.clean() : undefined;
          if (random() < 0.5) await model.check(broker, clock.now());
          if (random() < 0.5) await model.check(follower, clock.now());
          if (random() < 0.5) await model.commit(writer, randomWrites(random, clock.now()));
          if (random() < 0.1) await model.deleteHalf(broker, { topic: 'kept', partition: 1 });
          if (random() < 0.2) await broker.deleteTopics([await passingTopic(broker)]);
          await cleaning;
          await model.check(broker, clock.now());
          await model.check(follower, clock.now());
        }
        await broker.close();
      }
      await model.check(await openLogReader({ disk }), clock.now());
      expect(bytesOn(disk)).toBeLessThan(model.bytes * 0.6);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

/** Commits and cleans until the disk fails or all is done; what went wrong was the disk. */
async function live(disk: Disk, clock: ManualClock, model: Model, random: () => number, rounds: number): Promise<void> {
  try {
    const broker = await openEmbeddedBroker({ disk, clock, ...OPTIONS });
    try {
      await model.adopt(broker);
      if ((await broker.topics()).length === 0) await broker.createTopics(newTopics);
      const writer = await modelWriter(broker);
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < 6; i++) await model.commit(writer, randomWrites(random, clock.now()));
        await clock.advance(200);
        await broker.clean();
      }
    } finally {
      await broker.close();
    }
  } catch (error) {
    expect(error).toMatchObject({ code: 'TOPO_DISK' });
  }
}

test(
  'whenever the power is cut while a log is cleaned, and cut again while starting anew, nothing is lost',
  LONG,
  async () => {
    let cuts = 0;
    for (let seed = 1; seed <= 120; seed++) {
      const random = mulberry(seed);
      const clock = new ManualClock(100_000);
      const model = new Model();
      const before = new MemoryDisk();
      await live(before, clock, model, random, 4);
      let disk = before;
      try {
        for (let round = 0; round < 3; round++) {
          const cutting = new PowerCutDisk(disk, 1 + Math.floor(random() * (round === 1 ? 12 : 120)), random);
          await live(cutting, clock, model, random, 3);
          if (cutting.off) cuts++;
          disk = await cutting.afterCut();
          const broker = await openEmbeddedBroker({ disk, clock, ...OPTIONS });
          await model.adopt(broker);
          await model.check(broker, clock.now());
          await broker.close();
        }
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(cuts).toBeGreaterThan(250);
  },
);

test(
  'whichever operation of the disk fails while a log is cleaned, nothing is lost and the log goes on',
  LONG,
  async () => {
    let failures = 0;
    for (let n = 1; ; n++) {
      const random = mulberry(7);
      const clock = new ManualClock(100_000);
      const model = new Model();
      const disk = new MemoryDisk();
      const failing = new FatedDisk(disk, n, async (_operation, writePart) => {
        await writePart();
        throw new FatalError('TOPO_DISK', 'The disk is full.');
      });
      await live(failing, clock, model, random, 6);
      if (failing.operations < n) break;
      failures++;
      try {
        await live(disk, clock, model, random, 2);
        const view = await openLogReader({ disk });
        await model.adopt(view);
        await model.check(view, clock.now());
      } catch (error) {
        throw new Error(`operation ${n}`, { cause: error });
      }
    }
    expect(failures).toBeGreaterThan(100);
  },
);
