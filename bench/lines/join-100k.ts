import { join } from 'node:path';
import { protobuf, string, topic, topology } from '../../src/index.ts';
import { BatchBuilder } from '../bare/batch-builder.ts';
import { BoundedCache } from '../bare/bounded-cache.ts';
import { LogLoop } from '../bare/log-loop.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { Policy } from '../gen/bench/v1/policy.ts';
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
/** Room for 60 of 100 policies: the rest is read from LevelDB. */
const MEMORY_BYTES = 36_000_000;
const CHANGELOG = 'join-100k-policies-changelog';

/** Claims with the policy of their key, out of 100,000, which are read first. */
export const join100k: Line = {
  name: 'join-100k',
  records: 600_000,
  backlog: { key: 'policy', policies: true },
  memoryBytes: MEMORY_BYTES,
  isOrdered: true,
  changelog: CHANGELOG,

  topology: () =>
    topology('join-100k', t => {
      const policies = t.table('policies', topic(POLICIES, string(), protobuf(Policy)), { readFirst: true });
      t.stream(topic(CLAIMS, string(), protobuf(Claim)))
        .join('with-policy', policies, withPolicy)
        .to(topic(OUT, string(), protobuf(Claim)));
    }),

  async bare(folder) {
    const loop = await LogLoop.start(folder, PARTITIONS, [OUT, CHANGELOG]);
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
          { topic: CHANGELOG, partition, batches: changelogs[partition]!.take() },
        ]),
    });
    await loop.run([{ topic: POLICIES, process: keep }], effects);
    await loop.run([{ topic: CLAIMS, process: look }], effects);
    await loop.close();
    await Promise.all(caches.map(cache => cache.close()));
  },
};
