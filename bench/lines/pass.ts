import { protobuf, string, topic, topology } from '../../src/index.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { comparedLine } from './compared-line.ts';
import { AMPLE_BYTES, CLAIMS, OUT, PARTITIONS } from './line.ts';

/** Source to sink, each claim decoded and encoded. */
export const pass = comparedLine({
  name: 'pass',
  records: 1_500_000,
  backlog: { key: 'policy' },
  memoryBytes: AMPLE_BYTES,
  isOrdered: true,

  topology: () =>
    topology('pass', t => {
      t.stream(topic(CLAIMS, string(), protobuf(Claim))).to(topic(OUT, string(), protobuf(Claim)));
    }),

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS);
    const outputs = await Output.open(loop, OUT);
    const cursor = new RecordCursor();
    const serde = protobuf(Claim);
    const process = (batch: Buffer, partition: number) => {
      const output = outputs.partitions[partition]!;
      cursor.load(batch);
      while (cursor.next()) output.append(cursor, serde.encode(serde.decode(cursor.value())));
    };
    await loop.run([{ topic: CLAIMS, process }], () => outputs.effects());
    await loop.close();
  },
});
