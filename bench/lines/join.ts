import { protobuf, string, topic, topology } from '../../src/index.ts';
import type { Spread } from '../backlog.ts';
import { AS_BYTES } from '../bare/bounded-cache.ts';
import { KeyedState } from '../bare/keyed-state.ts';
import { LogLoop, together } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { Policy } from '../gen/bench/v1/policy.ts';
import { comparedLine } from './compared-line.ts';
import { CLAIMS, OUT, PARTITIONS, POLICIES, stateMemory } from './line.ts';
import type { Line } from './line.ts';

const withPolicy = (claim: Claim, policy: Policy): Claim => ({
  ...claim,
  adjuster: policy.clientId,
  cause: policy.product,
  version: claim.version + policy.bonusMalus,
});

/** Key and value of a policy, about. */
const POLICY_BYTES = 244;
/** Room for 60,000 policies: the others are read from LevelDB. */
const MEMORY_BYTES = 123_000_000;

/** Claims with the policy of their key; all policies are read first. */
function joinLine(name: string, records: number, keys: number, spread: Spread): Line {
  const changelog = `${name}-policies-changelog`;
  return comparedLine({
    name,
    records,
    backlog: { key: 'policy', policies: keys, spread, withTable: true },
    memoryBytes: MEMORY_BYTES,
    isOrdered: true,
    changelog,

    topology: () =>
      topology(name, t => {
        const policies = t.table('policies', topic(POLICIES, string(), protobuf(Policy)), { readFirst: true });
        t.stream(topic(CLAIMS, string(), protobuf(Claim)))
          .join('with-policy', policies, withPolicy)
          .to(topic(OUT, string(), protobuf(Claim)));
      }),

    async bare(folder) {
      const loop = await LogLoop.start(folder, PARTITIONS);
      const output = await Output.open(loop, OUT);
      const claims = protobuf(Claim);
      const policies = protobuf(Policy);
      const size = { ...stateMemory(MEMORY_BYTES), entryBytes: POLICY_BYTES };
      const rows = await KeyedState.open(loop, changelog, size, AS_BYTES);
      const cursor = new RecordCursor();

      const keep = (batch: Buffer, partition: number) => {
        cursor.load(batch);
        while (cursor.next()) {
          const row = policies.encode(policies.decode(cursor.value()));
          rows.put(partition, rows.get(partition, cursor.keyText()), row, cursor.timestamp);
        }
      };
      const look = (batch: Buffer, partition: number) => {
        const results = output.partitions[partition]!;
        cursor.load(batch);
        while (cursor.next()) {
          const claim = claims.decode(cursor.value());
          const row = rows.get(partition, cursor.keyText()).value;
          if (row !== undefined) results.append(cursor, claims.encode(withPolicy(claim, policies.decode(row))));
        }
      };
      const effects = () => together(rows.effects(), output.effects());
      await loop.run([{ topic: POLICIES, process: keep }], effects);
      await loop.run([{ topic: CLAIMS, process: look }], effects);
      await loop.close();
      await rows.close();
    },
  });
}

export const join100k = joinLine('join-100k', 600_000, 100_000, 'uniform');
export const join1m = joinLine('join-1m', 1_000_000, 1_000_000, 'uniform');
export const join1mZipf = joinLine('join-1m-zipf', 1_000_000, 1_000_000, 'zipf');
