import { bytes, topic, topology } from '../../src/index.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { comparedLine } from './compared-line.ts';
import { AMPLE_BYTES, CLAIMS, OUT, PARTITIONS } from './line.ts';

/** Source to sink, bytes as they are. */
export const passRaw = comparedLine({
  name: 'pass-raw',
  records: 3_000_000,
  backlog: { key: 'policy' },
  memoryBytes: AMPLE_BYTES,
  isOrdered: true,

  topology: () =>
    topology('pass-raw', t => {
      t.stream(topic(CLAIMS, bytes(), bytes())).to(topic(OUT, bytes(), bytes()));
    }),

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS);
    const outputs = await Output.open(loop, OUT);
    const cursor = new RecordCursor();
    const process = (batch: Buffer, partition: number) => {
      const output = outputs.partitions[partition]!;
      cursor.load(batch);
      while (cursor.next()) output.copy(cursor);
    };
    await loop.run([{ topic: CLAIMS, process }], () => outputs.effects());
    await loop.close();
  },
});
