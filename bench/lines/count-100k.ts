import { protobuf, string, topic, topology } from '../../src/index.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { CLAIMS, OUT, PARTITIONS } from './line.ts';
import type { Line } from './line.ts';
import { COUNTS, RunningCounts } from './running-counts.ts';

/** Room for 60 of 100 counts. */
const MEMORY_BYTES = 17_000_000;
const CHANGELOG = 'count-100k-counts-changelog';

/** Claims a policy, out of 100,000, as a running result. */
export const count100k: Line = {
  name: 'count-100k',
  records: 600_000,
  backlog: { key: 'policy' },
  memoryBytes: MEMORY_BYTES,
  isOrdered: true,
  changelog: CHANGELOG,

  topology: () =>
    topology('count-100k', t => {
      t.stream(topic(CLAIMS, string(), protobuf(Claim)))
        .groupByKey()
        .count('counts')
        .to(COUNTS);
    }),

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS, [OUT, CHANGELOG]);
    const counts = await RunningCounts.open(loop, CHANGELOG, MEMORY_BYTES);
    const cursor = new RecordCursor();
    const claims = protobuf(Claim);
    const process = (batch: Buffer, partition: number) => {
      cursor.load(batch);
      while (cursor.next()) {
        claims.decode(cursor.value());
        counts.add(cursor, partition);
      }
    };
    await loop.run([{ topic: CLAIMS, process }], () => counts.effects());
    await loop.close();
    await counts.close();
  },
};
