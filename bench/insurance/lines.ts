import { join } from 'node:path';
import { inspect } from 'node:util';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { protobuf } from '../../src/index.ts';
import type { MessageType, Topology } from '../../src/index.ts';
import type { Broker } from '../../src/runtime/ports.ts';
import claimsEnrichedTopology from '../../topologies/claims-enriched.ts';
import { ClaimEnriched } from '../../topologies/gen/insurance/v1/claim-enriched.ts';
import { ClaimsByPolicy } from '../../topologies/gen/insurance/v1/claims-by-policy.ts';
import { Policy } from '../../topologies/gen/insurance/v1/policy.ts';
import policyReplicaTopology from '../../topologies/policy-replica.ts';
import { forEachRecord } from '../digest.ts';
import { AMPLE_BYTES } from '../lines/line.ts';
import type { Line } from '../lines/line.ts';
import { expectSameLines } from '../same-lines.ts';
import { bareClaimsEnriched } from './bare-claims-enriched.ts';
import { barePolicyReplica } from './bare-policy-replica.ts';
import { feedRecords, writeFeed } from './feed.ts';
import { claimsByPolicy, enrichedClaims, foldOf, policyReplicas } from './fold.ts';
import type { Insurance } from './fold.ts';

/** Of 900 bytes with key and headers. */
const RECORDS = 200_000;

/** A topic that a topology writes to, a text for each record that counts: those there are, those there must be. */
interface Result {
  found(broker: Broker): Promise<string[]>;
  expected(insurance: Insurance): string[];
}

const claimsEnriched = insuranceLine(
  claimsEnrichedTopology,
  [
    result('claims.enriched', ClaimEnriched, enrichedClaims),
    result('claims.by-policy', ClaimsByPolicy, claimsByPolicy, { isTable: true }),
    deadLetters(claimsEnrichedTopology, ({ poison }) => poison.claims + poison.policies),
  ],
  bareClaimsEnriched,
);

const policyReplica = insuranceLine(
  policyReplicaTopology,
  [
    result('policies.replica', Policy, policyReplicas, { isTable: true }),
    deadLetters(policyReplicaTopology, ({ poison }) => poison.policies),
  ],
  barePolicyReplica,
);

/** The example topologies on the sample feed. */
export const INSURANCE_LINES: readonly Line[] = [claimsEnriched, policyReplica];

function insuranceLine(topology: Topology, results: readonly Result[], bare: NonNullable<Line['bare']>): Line {
  return {
    name: topology.name,
    records: RECORDS,
    memoryBytes: AMPLE_BYTES,
    topology: () => topology,
    write: writeFeed,
    bare,

    async outcome(folder, records) {
      const insurance = foldOf(feedRecords(records));
      const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
      const counts: string[] = [];
      for (const each of results)
        counts.push(expectSameLines((await each.found(broker)).sort(), each.expected(insurance).sort()));
      await broker.close();
      return counts.join(', ');
    },
  };
}

/** `isTable`: of each key only the last record counts, and none if that is a tombstone. */
function result<T extends object>(
  topic: string,
  type: MessageType<T>,
  rows: (insurance: Insurance) => readonly T[],
  { isTable = false } = {},
): Result {
  const serde = protobuf(type);
  const textOf = (bytes: Uint8Array) =>
    inspect(serde.decode(bytes), { sorted: true, breakLength: Infinity, depth: null });
  return {
    async found(broker) {
      const found = new Map<string, string | null>();
      await forEachRecord(broker, topic, (record, partition) => {
        const value = record.valueBytes();
        const id = isTable ? record.keyBytes()!.toString('latin1') : `${partition} ${record.offset}`;
        found.set(id, value === null ? null : textOf(value));
      });
      return [...found.values()].filter(text => text !== null);
    },
    // through the serde, so that a field that is left out and one that is undefined are the same
    expected: insurance => rows(insurance).map(row => textOf(serde.encode(row))),
  };
}

function deadLetters({ name }: Topology, count: (insurance: Insurance) => number): Result {
  return {
    async found(broker) {
      const letters: string[] = [];
      await forEachRecord(broker, `${name}.dead-letters`, () => letters.push('dead letter'));
      return letters;
    },
    expected: insurance => Array<string>(count(insurance)).fill('dead letter'),
  };
}
