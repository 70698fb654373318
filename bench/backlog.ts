import { join } from 'node:path';
import { nodeDisk } from '../src/adapters/embedded/node-disk.ts';
import { protobuf } from '../src/index.ts';
import { Claim } from './gen/bench/v1/claim.ts';
import { Policy } from './gen/bench/v1/policy.ts';
import { CLAIMS, POLICIES } from './lines/line.ts';
import { writeRecords } from './record-writer.ts';
import type { NewRecord } from './record-writer.ts';
import { zipf } from './zipf.ts';

export type Spread = 'uniform' | 'zipf';

/** Claims, ten a millisecond, of about 135 bytes each. */
export interface Backlog {
  /** What they are keyed by: their policies, or each its own id. */
  readonly key: 'policy' | 'claim';
  /** How many policies there are, default 100,000. */
  readonly policies?: number;
  /** How the claims are spread over the policies, default uniformly. */
  readonly spread?: Spread;
  /** A table of all policies, before the claims. */
  readonly withTable?: boolean;
}

const START_MS = Date.UTC(2021, 0, 1);
const POLICY_COUNT = 100_000;
/** How far apart policies lie that follow each other in number of claims. Prime, so that each comes once. */
const STRIDE = 7_368_787;
const RESOLUTION = 2 ** 32;

/** Writes claims, and policies besides, to a new log in this folder: the same for the same count. */
export async function writeBacklog(folder: string, backlog: Backlog, claims: number): Promise<number> {
  const topics = backlog.withTable === true ? [POLICIES, CLAIMS] : [CLAIMS];
  return writeRecords(await nodeDisk(join(folder, 'log')), topics, backlogRecords(backlog, claims));
}

/** Its records, in the order of their times. */
export function* backlogRecords(
  { key, policies = POLICY_COUNT, spread, withTable }: Backlog,
  claims: number,
): Generator<NewRecord> {
  const random = randomBelow(1);
  const claimSerde = protobuf(Claim);
  const policySerde = protobuf(Policy);
  const timestampOf = (index: number) => START_MS + Math.floor(index / 10);
  for (let index = 0; withTable === true && index < policies; index++) {
    const value = policySerde.encode(policyOf(index));
    yield { topic: POLICIES, timestampMs: timestampOf(index), key: policyId(index), value };
  }
  const anyPolicy = spread === 'zipf' ? scattered(policies, random) : () => random(policies);
  for (let index = 0; index < claims; index++) {
    const claim = claimOf(index, anyPolicy(), random);
    const value = claimSerde.encode(claim);
    const id = key === 'policy' ? claim.policyId : claim.claimId;
    yield { topic: CLAIMS, timestampMs: timestampOf(index), key: id, value };
  }
}

function scattered(policies: number, random: (limit: number) => number): () => number {
  const place = zipf(policies, () => random(RESOLUTION) / RESOLUTION);
  return () => (place() * STRIDE) % policies;
}

const policyId = (index: number): string => `P-${10_000_000 + index}`;

/** A linear congruential generator: uniform enough, and the same everywhere. */
function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / RESOLUTION) * limit);
  };
}

function claimOf(index: number, policy: number, random: (limit: number) => number): Claim {
  return {
    claimId: `C-${10_000_000 + index}`,
    policyId: policyId(policy),
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
