import { protobuf, string, topic, topology } from '../../src/index.ts';
import { partitionOf } from '../../src/records/murmur2.ts';
import { BatchBuilder } from '../bare/batch-builder.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { comparedLine } from './compared-line.ts';
import { AMPLE_BYTES, CLAIMS, OUT, PARTITIONS } from './line.ts';
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
    const loop = await LogLoop.start(folder, PARTITIONS, [OUT, REPARTITION, CHANGELOG]);
    const counts = await RunningCounts.open(loop, CHANGELOG, AMPLE_BYTES);
    const repartition = loop.each(() => new BatchBuilder());
    const cursor = new RecordCursor();
    const claims = protobuf(Claim);
    const keys = string();
    const send = (batch: Buffer) => {
      cursor.load(batch);
      while (cursor.next()) {
        const claim = claims.decode(cursor.value());
        const adjuster = adjusterOf(claim);
        const output = repartition[partitionOf(keys.encode(adjuster), PARTITIONS)]!;
        output.appendText(cursor.timestamp, adjuster, claims.encode(claim));
      }
    };
    const count = (batch: Buffer, partition: number) => {
      cursor.load(batch);
      while (cursor.next()) {
        claims.decode(cursor.value());
        counts.add(cursor, partition);
      }
    };
    const effects = () => {
      const { appends, stores } = counts.effects();
      const sent = repartition.map((output, partition) => ({ topic: REPARTITION, partition, batches: output.take() }));
      return { appends: [...appends, ...sent], stores };
    };
    const inputs = [
      { topic: CLAIMS, process: send },
      { topic: REPARTITION, process: count },
    ];
    await loop.run(inputs, effects);
    await loop.close();
    await counts.close();
  },
});
