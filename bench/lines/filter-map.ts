import { protobuf, string, topic, topology } from '../../src/index.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { comparedLine } from './compared-line.ts';
import { AMPLE_BYTES, CLAIMS, OUT, PARTITIONS } from './line.ts';

const isOpen = (claim: Claim): boolean => claim.status === 'OPEN';
const withFee = (claim: Claim): Claim => ({ ...claim, paidCents: claim.paidCents + 100n, version: claim.version + 1 });

/** Open claims, two of three, with a fee on top. */
export const filterMap = comparedLine({
  name: 'filter-map',
  records: 1_500_000,
  backlog: { key: 'policy' },
  memoryBytes: AMPLE_BYTES,
  isOrdered: true,

  topology: () =>
    topology('filter-map', t => {
      t.stream(topic(CLAIMS, string(), protobuf(Claim)))
        .filter(isOpen)
        .map(withFee)
        .to(topic(OUT, string(), protobuf(Claim)));
    }),

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS);
    const outputs = await Output.open(loop, OUT);
    const cursor = new RecordCursor();
    const serde = protobuf(Claim);
    const process = (batch: Buffer, partition: number) => {
      const output = outputs.partitions[partition]!;
      cursor.load(batch);
      while (cursor.next()) {
        const claim = serde.decode(cursor.value());
        if (isOpen(claim)) output.append(cursor, serde.encode(withFee(claim)));
      }
    };
    await loop.run([{ topic: CLAIMS, process }], () => outputs.effects());
    await loop.close();
  },
});
