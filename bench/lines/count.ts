import { protobuf, string, topic, topology } from '../../src/index.ts';
import type { Spread } from '../backlog.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { comparedLine } from './compared-line.ts';
import { CLAIMS, PARTITIONS } from './line.ts';
import type { Line } from './line.ts';
import { COUNTS, RunningCounts } from './running-counts.ts';

/** Room for 60,000 counts: the others are read from LevelDB. */
const MEMORY_BYTES = 59_000_000;

/** Claims a policy, as a running result. */
function countLine(name: string, records: number, policies: number, spread: Spread): Line {
  const changelog = `${name}-counts-changelog`;
  return comparedLine({
    name,
    records,
    backlog: { key: 'policy', policies, spread },
    memoryBytes: MEMORY_BYTES,
    isOrdered: true,
    changelog,

    topology: () =>
      topology(name, t => {
        t.stream(topic(CLAIMS, string(), protobuf(Claim)))
          .groupByKey()
          .count('counts')
          .to(COUNTS);
      }),

    async bare(folder) {
      const loop = await LogLoop.start(folder, PARTITIONS);
      const counts = await RunningCounts.open(loop, changelog, MEMORY_BYTES);
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
  });
}

export const count100k = countLine('count-100k', 600_000, 100_000, 'uniform');
export const count1m = countLine('count-1m', 1_500_000, 1_000_000, 'uniform');
export const count1mZipf = countLine('count-1m-zipf', 1_500_000, 1_000_000, 'zipf');
