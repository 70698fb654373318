import { expect } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { Model, modelWriter, newTopics, randomWrites } from './cleaned-log.ts';
import { copyOf } from './memory-logs.ts';
import { mulberry } from './random.ts';

export const SEGMENT_BYTES = 16_000;

/** A log with compacted files, segments that were written anew and segments as they were appended. */
export async function cleanedDisk(end: 'killed' | 'closed') {
  const random = mulberry(3);
  const disk = new MemoryDisk();
  const clock = new ManualClock(100_000);
  const model = new Model();
  const broker = await openEmbeddedBroker({ disk, clock, segmentBytes: SEGMENT_BYTES });
  await broker.createTopics(newTopics);
  const writer = await modelWriter(broker);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 8; i++) await model.commit(writer, randomWrites(random, clock.now()));
    await clock.advance(200);
    if (round < 17) await broker.clean();
  }
  const killed = await copyOf(disk);
  await broker.close();
  const log = end === 'killed' ? killed : disk;
  const names = [...log.files.keys()];
  const compacted = names.filter(name => name.endsWith('.compacted')).sort();
  const rewritten = names.filter(name => /\.[1-9]\d*\.seg$/.test(name)).sort();
  expect(compacted.length).toBeGreaterThan(2);
  expect(rewritten.length).toBeGreaterThan(1);
  return { disk: log, clock, model, compacted, rewritten };
}
