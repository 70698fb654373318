import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openEmbeddedBroker } from '../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../src/adapters/embedded/node-disk.ts';
import { levelState } from '../src/adapters/level/level-state.ts';
import { systemClock } from '../src/adapters/system-clock.ts';
import { protobuf, string, topic, topology } from '../src/index.ts';
import type { Log } from '../src/runtime/ports.ts';
import { start } from '../src/runtime/start.ts';
import { Claim } from './gen/bench/v1/claim.ts';
import { AMPLE_BYTES, CLAIMS, OUT, PARTITIONS } from './lines/line.ts';
import { measured } from './sample.ts';
import type { Sample } from './sample.ts';

export const COMPACTION_RECORDS = 3_000_000;

/** What a changelog is: `compact`, as it always is; `delete`: nothing of it is cleaned. */
export type Policy = 'compact' | 'delete';

export interface CompactionFigures {
  /** Until everything is processed and committed. */
  readonly processing: Sample;
  /** Until there is nothing left to clean. */
  readonly whole: Sample;
  /** The event loop's longest stand, and its 99th percentile, while records were processed. */
  readonly longestMs: number;
  readonly delayMs: number;
  /** Of the changelog at the end. */
  readonly bytes: number;
}

const claims = topic(CLAIMS, string(), protobuf(Claim));

/** The newest claim of each policy, of which there are 100,000: most of the changelog is soon dead. */
const latest = topology('latest', t => {
  t.table('claims', claims)
    .toStream()
    .to(topic(OUT, string(), protobuf(Claim)));
});
const CHANGELOG = 'latest-claims-changelog';

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Runs the topology over a backlog that lies in the folder. */
export async function measureCompaction(folder: string, policy: Policy): Promise<CompactionFigures> {
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
  await broker.createTopics([{ name: CHANGELOG, partitions: PARTITIONS, config: { 'cleanup.policy': policy } }]);
  const world = {
    broker,
    state: levelState(join(folder, 'state')),
    clock: systemClock,
    log: silent,
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let processing: Sample | undefined;
  const whole = await measured(async () => {
    const application = await start(latest, world, {
      partitions: PARTITIONS,
      onError: 'stop',
      deadLetterLimit: true,
      onDrop: 'count',
      commitIntervalMs: 100,
      maxEpochRecords: 100_000,
      memoryBytes: AMPLE_BYTES,
    });
    delay.enable();
    processing = await measured(() => application.idle());
    delay.disable();
    await broker.clean();
    return () => application.stop();
  });
  const places = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: CHANGELOG, partition }));
  const bytes = (await broker.sizes(places)).reduce((sum, size) => sum + size.bytes, 0);
  await broker.close();
  return { processing: processing!, whole, longestMs: delay.max / 1e6, delayMs: delay.percentile(99) / 1e6, bytes };
}
