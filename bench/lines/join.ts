import { join } from 'node:path';
import { protobuf, string, topic, topology } from '../../src/index.ts';
import type { Spread } from '../backlog.ts';
import { BatchBuilder } from '../bare/batch-builder.ts';
import { BoundedCache } from '../bare/bounded-cache.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { Policy } from '../gen/bench/v1/policy.ts';
import { comparedLine } from './compared-line.ts';
import { CLAIMS, OUT, PARTITIONS, POLICIES, cacheBytes } from './line.ts';
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
const MEMORY_BYTES = 36_000_000;

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
      const loop = await LogLoop.start(folder, PARTITIONS, [OUT, changelog]);
      const outputs = loop.each(() => new BatchBuilder());
      const changelogs = loop.each(() => new BatchBuilder());
      const claims = protobuf(Claim);
      const policies = protobuf(Policy);
      const same = { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes };
      const caches = await Promise.all(
        loop.each(partition =>
          BoundedCache.open(join(folder, 'bare'), `${partition}`, cacheBytes(MEMORY_BYTES), POLICY_BYTES, same),
        ),
      );
      const cursor = new RecordCursor();

      const keep = (batch: Buffer, partition: number) => {
        const cache = caches[partition]!;
        cursor.load(batch);
        while (cursor.next()) {
          const row = policies.encode(policies.decode(cursor.value()));
          cache.put(cache.get(cursor.keyText()), row, cursor.timestamp);
        }
      };
      const look = (batch: Buffer, partition: number) => {
        const cache = caches[partition]!;
        const output = outputs[partition]!;
        cursor.load(batch);
        while (cursor.next()) {
          const claim = claims.decode(cursor.value());
          const row = cache.get(cursor.keyText()).value;
          if (row !== undefined) output.append(cursor, claims.encode(withPolicy(claim, policies.decode(row))));
        }
      };
      const effects = () => ({
        stores: caches.map((cache, partition) =>
          cache.take((key, value, timestamp) => changelogs[partition]!.appendText(timestamp, key, value)),
        ),
        appends: loop
          .each(partition => partition)
          .flatMap(partition => [
            { topic: OUT, partition, batches: outputs[partition]!.take() },
            { topic: changelog, partition, batches: changelogs[partition]!.take() },
          ]),
      });
      await loop.run([{ topic: POLICIES, process: keep }], effects);
      await loop.run([{ topic: CLAIMS, process: look }], effects);
      await loop.close();
      await Promise.all(caches.map(cache => cache.close()));
    },
  });
}

export const join100k = joinLine('join-100k', 600_000, 100_000, 'uniform');
export const join1m = joinLine('join-1m', 1_000_000, 1_000_000, 'uniform');
export const join1mZipf = joinLine('join-1m-zipf', 1_000_000, 1_000_000, 'zipf');
