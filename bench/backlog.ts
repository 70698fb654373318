import { join } from 'node:path';
import { nodeDisk } from '../src/adapters/embedded/node-disk.ts';
import { protobuf } from '../src/index.ts';
import { Claim } from './gen/bench/v1/claim.ts';
import { Policy } from './gen/bench/v1/policy.ts';
import { CLAIMS, KEYS, POLICIES } from './lines/line.ts';
import type { Backlog } from './lines/line.ts';
import { writeRecords } from './record-writer.ts';
import type { NewRecord } from './record-writer.ts';

const START_MS = Date.UTC(2021, 0, 1);

/** Writes a line's input into a new log: the same for the same count. */
export async function writeBacklog(folder: string, { key, policies }: Backlog, records: number): Promise<void> {
  const withPolicies = policies === true;
  const topics = withPolicies ? [POLICIES, CLAIMS] : [CLAIMS];
  await writeRecords(await nodeDisk(join(folder, 'log')), topics, backlog(key, withPolicies, records));
}

function* backlog(key: Backlog['key'], withPolicies: boolean, records: number): Generator<NewRecord> {
  const random = randomBelow(1);
  const claimSerde = protobuf(Claim);
  const policySerde = protobuf(Policy);
  const timestampOf = (index: number) => START_MS + Math.floor(index / 10);
  for (let index = 0; withPolicies && index < KEYS; index++) {
    const value = policySerde.encode(policyOf(index));
    yield { topic: POLICIES, timestampMs: timestampOf(index), key: policyId(index), value };
  }
  for (let index = 0; index < records; index++) {
    const claim = claimOf(index, random);
    const value = claimSerde.encode(claim);
    const id = key === 'policy' ? claim.policyId : claim.claimId;
    yield { topic: CLAIMS, timestampMs: timestampOf(index), key: id, value };
  }
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
