import { claimedCents, paymentsOfClaim } from './distributions.ts';
import { PURPOSE } from './purpose.ts';
import type { Random } from './random.ts';
import { dateText } from './rows.ts';
import type { Claim } from './rows.ts';

/** A claim and what is still to happen to it. */
export interface ClaimFile {
  claim: Claim;
  paymentsToCome: number;
  unpaidCents: number;
  reopened: boolean;
  /** Entered by mistake: what happens next is its deletion. */
  mistaken: boolean;
  /** Nothing happens to it any more; it is kept for the snapshot. */
  settled: boolean;
}

/** What a step leads to: the row (null when it is deleted), and the days until the next step, if there is one. */
export interface ClaimStep {
  readonly after: Claim | null;
  readonly nextInDays: number | undefined;
}

const REOPENED = 0.06;
const MISTAKEN = 0.002;
const DELETED_AFTER_CLOSING = 0.002;

/** JSON text without its quotes: escapes stand as JSON writes them. */
const DESCRIPTIONS = [
  'Bris de glace – pare-brise',
  'Collision arrière au feu rouge',
  'Vol du véhicule (plainte déposée)',
  'Choc avec un animal',
  'Grêle du 20 juin, capot et toit',
  'Stationnement: \\"porte avant droite\\" rayée',
];

/** A claim as it opens, and the days until something happens to it. */
export function openClaim(number: number, policy: number, atUs: number, random: Random): [ClaimFile, days: number] {
  random.at(PURPOSE.claim, number, 0);
  const claimed = claimedCents(random);
  const paymentsToCome = paymentsOfClaim(random);
  const settledFor = random.unit() < 0.8 ? 1 : random.between(0.5, 1);
  const description = random.unit() < 0.6 ? null : random.oneOf(DESCRIPTIONS);
  const claim: Claim = {
    number,
    policy,
    status: 'OPEN',
    claimedCents: claimed,
    paidCents: 0,
    openedOn: dateText(atUs),
    description,
    version: 1,
  };
  const file: ClaimFile = {
    claim,
    paymentsToCome,
    unpaidCents: Math.round(claimed * settledFor),
    reopened: false,
    mistaken: random.unit() < MISTAKEN,
    settled: false,
  };
  return [file, file.mistaken ? random.between(0.1, 4) : random.between(2, 60)];
}

/** The next thing that happens: a payment in part, the closing, a reopening, a deletion. Changes the file. */
export function stepClaim(file: ClaimFile, random: Random): ClaimStep {
  const { claim } = file;
  random.at(PURPOSE.claimStep, claim.number, claim.version);
  if (file.mistaken) return { after: null, nextInDays: undefined };
  if (claim.status === 'CLOSED') return reopen(file, random);
  return file.paymentsToCome > 0 ? pay(file, random) : close(file, random);
}

function pay(file: ClaimFile, random: Random): ClaimStep {
  const part = file.paymentsToCome === 1 ? file.unpaidCents : Math.round(file.unpaidCents * random.between(0.3, 0.7));
  file.paymentsToCome--;
  file.unpaidCents -= part;
  const after = change(file, 'OPEN', file.claim.paidCents + part);
  return { after, nextInDays: file.paymentsToCome > 0 ? random.between(5, 60) : random.between(1, 30) };
}

function close(file: ClaimFile, random: Random): ClaimStep {
  const after = change(file, 'CLOSED');
  const fate = random.unit();
  file.mistaken = fate < DELETED_AFTER_CLOSING;
  if (file.mistaken) return { after, nextInDays: random.between(1, 30) };
  if (file.reopened || fate > DELETED_AFTER_CLOSING + REOPENED) return { after, nextInDays: undefined };
  return { after, nextInDays: random.between(20, 200) };
}

function reopen(file: ClaimFile, random: Random): ClaimStep {
  file.reopened = true;
  file.paymentsToCome = 1;
  file.unpaidCents += Math.round(file.claim.claimedCents * random.between(0.1, 0.4));
  return { after: change(file, 'OPEN'), nextInDays: random.between(5, 40) };
}

/** Spelled out: spreading the row costs a fifth of all else that a step does. */
function change(file: ClaimFile, status: Claim['status'], paidCents = file.claim.paidCents): Claim {
  const { number, policy, claimedCents, openedOn, description, version } = file.claim;
  file.claim = {
    number,
    policy,
    status,
    claimedCents,
    paidCents,
    openedOn,
    description,
    version: version + 1,
  };
  return file.claim;
}
