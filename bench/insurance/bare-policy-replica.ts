import { protobuf } from '../../src/index.ts';
import { POLICIES_TOPIC } from '../../src/sample/insurance-feed.ts';
import { Policy } from '../../topologies/gen/insurance/v1/policy.ts';
import type { PolicyRow } from '../../topologies/rows.ts';
import { KeyedState } from '../bare/keyed-state.ts';
import { LogLoop, together } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { AMPLE_BYTES, PARTITIONS, stateMemory } from '../lines/line.ts';
import { ROW_BYTES, keepRow, rowText } from './bare-rows.ts';
import { policyReplica } from './fold.ts';

const NAME = 'policy-replica';

/** By hand: what `policy-replica` does, with `JSON.parse`. */
export async function barePolicyReplica(folder: string): Promise<void> {
  const loop = await LogLoop.start(folder, PARTITIONS);
  const size = { ...stateMemory(AMPLE_BYTES), entryBytes: ROW_BYTES };
  const policies = await KeyedState.open(loop, `${NAME}-policies-changelog`, size, rowText);
  const replica = await Output.open(loop, 'policies.replica');
  const deadLetters = await Output.open(loop, `${NAME}.dead-letters`);
  const cursor = new RecordCursor();
  const serde = protobuf(Policy);
  const process = (batch: Buffer, partition: number) => {
    cursor.load(batch);
    while (cursor.next()) {
      const kept = keepRow<PolicyRow>(cursor, partition, policies, deadLetters);
      if (kept === undefined) continue;
      const { after } = kept.event;
      const output = replica.partitions[partition]!;
      if (after === null) output.appendText(cursor.timestamp, cursor.keyText(), null);
      else output.append(cursor, serde.encode(policyReplica(after)));
    }
  };
  const effects = () => together(policies.effects(), replica.effects(), deadLetters.effects());
  await loop.run([{ topic: POLICIES_TOPIC, process }], effects);
  await loop.close();
  await policies.close();
}
