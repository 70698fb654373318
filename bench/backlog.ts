import { join } from 'node:path';
import { openEmbeddedBroker } from '../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../src/adapters/embedded/node-disk.ts';
import { protobuf } from '../src/index.ts';
import { BatchWriter } from '../src/records/batch-writer.ts';
import { partitionOf } from '../src/records/murmur2.ts';
import { Claim } from './gen/bench/v1/claim.ts';
import { Policy } from './gen/bench/v1/policy.ts';
import { CLAIMS, KEYS, PARTITIONS, POLICIES } from './lines/line.ts';
import type { Backlog } from './lines/line.ts';

const START_MS = Date.UTC(2021, 0, 1);
/** As a producer under load sends them: about 1,000 records. */
const BATCH_BYTES = 150_000;
const LARGEST_BATCH = 1_000_000;
const RECORDS_A_COMMIT = 20_000;

/** Writes a line's input into a new log: the same for the same count. */
export async function writeBacklog(folder: string, { key, policies }: Backlog, records: number): Promise<void> {
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
  const nothing = async () => {};
  const membership = await broker.join('backlog', [{ id: 'backlog', inputs: [] }], {
    assigned: nothing,
    revoked: nothing,
    lost: nothing,
  });
  const writer = await membership.open('backlog');

  const write = async (
    topic: string,
    count: number,
    record: (index: number) => readonly [key: string, value: Uint8Array],
  ) => {
    await broker.createTopics([{ name: topic, partitions: PARTITIONS, config: {} }]);
    const batches = Array.from({ length: PARTITIONS }, () => new BatchWriter(LARGEST_BATCH, BATCH_BYTES));
    for (let index = 0; index < count;) {
      for (const end = Math.min(count, index + RECORDS_A_COMMIT); index < end; index++) {
        const [text, value] = record(index);
        const bytes = Buffer.from(text);
        batches[partitionOf(bytes, PARTITIONS)]!.append(START_MS + Math.floor(index / 10), bytes, value);
      }
      const appends = batches.map((batch, partition) => ({ topic, partition, batches: batch.finish() }));
      await writer.commit({ appends: appends.filter(append => append.batches.length > 0), offsets: [] });
    }
  };

  const random = randomBelow(1);
  const claimSerde = protobuf(Claim);
  const policySerde = protobuf(Policy);
  if (policies === true) await write(POLICIES, KEYS, index => [policyId(index), policySerde.encode(policyOf(index))]);
  await write(CLAIMS, records, index => {
    const claim = claimOf(index, random);
    return [key === 'policy' ? claim.policyId : claim.claimId, claimSerde.encode(claim)];
  });
  await membership.leave();
  await broker.close();
}

const policyId = (index: number): string => `P-${10_000_000 + index}`;

/** A linear congruential generator: uniform enough, and the same everywhere. */
function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function claimOf(index: number, random: (limit: number) => number): Claim {
  return {
    claimId: `C-${10_000_000 + index}`,
    policyId: policyId(random(KEYS)),
    status: random(3) === 0 ? 'CLOSED' : 'OPEN',
    claimedCents: BigInt(10_000 + random(200_000)),
    paidCents: BigInt(random(20_000)),
    changedAtMs: START_MS + index,
    openedOn: '2021-12-03Z',
    cause: 'collision',
    adjuster: `adjuster-${100 + random(200)}`,
    description: 'rear bumper and left lamp, other party insured',
    version: 1 + random(9),
  };
}

function policyOf(index: number): Policy {
  return {
    policyId: policyId(index),
    clientId: `K-${100_000 + index}`,
    product: 'motor-car',
    cover: 'COMP_PLUS',
    premiumCents: BigInt(31_200 + (index % 5000)),
    deductibleCents: 25_000n,
    bonusMalus: 50 + (index % 100),
    online: index % 2 === 0,
    firstName: 'Marguerite',
    lastName: 'Delacroix-Lefebvre',
    email: `marguerite.delacroix${100 + (index % 800)}@example.org`,
    address: `${10 + (index % 80)} boulevard de la République, résidence Les Tilleuls, 75011 Paris, France`,
    validFromMs: START_MS + index * 1000,
    riskScore: 0.25 + index / 1000,
    vehicleYears: [2016, 2019, 2021],
  };
}
