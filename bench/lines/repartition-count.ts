import { protobuf, string, topic, topology } from '../../src/index.ts';
import { LogLoop, together } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { comparedLine } from './compared-line.ts';
import { AMPLE_BYTES, CLAIMS, PARTITIONS } from './line.ts';
import { COUNTS, RunningCounts } from './running-counts.ts';

const REPARTITION = 'repartition-count-by-adjuster-repartition';
const CHANGELOG = 'repartition-count-counts-changelog';
const adjusterOf = (claim: Claim): string => claim.adjuster;

/** Claims an adjuster, out of 200: every claim passes through a repartition topic. */
export const repartitionCount = comparedLine({
  name: 'repartition-count',
  records: 600_000,
  backlog: { key: 'claim' },
  memoryBytes: AMPLE_BYTES,
  isOrdered: false,
  changelog: CHANGELOG,

  topology: () =>
    topology('repartition-count', t => {
      t.stream(topic(CLAIMS, string(), protobuf(Claim)))
        .groupBy('by-adjuster', adjusterOf, string())
        .count('counts')
        .to(COUNTS);
    }),

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS);
    const counts = await RunningCounts.open(loop, CHANGELOG, AMPLE_BYTES);
    const repartition = await Output.open(loop, REPARTITION);
    const cursor = new RecordCursor();
    const claims = protobuf(Claim);
    const send = (batch: Buffer) => {
      cursor.load(batch);
      while (cursor.next()) {
        const claim = claims.decode(cursor.value());
        repartition.send(cursor.timestamp, adjusterOf(claim), claims.encode(claim));
      }
    };
    const count = (batch: Buffer, partition: number) => {
      cursor.load(batch);
      while (cursor.next()) {
        claims.decode(cursor.value());
        counts.add(cursor, partition);
      }
    };
    const inputs = [
      { topic: CLAIMS, process: send },
      { topic: REPARTITION, process: count },
    ];
    await loop.run(inputs, () => together(counts.effects(), repartition.effects()));
    await loop.close();
    await counts.close();
  },
});
