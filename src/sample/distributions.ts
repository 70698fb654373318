import type { Random } from './random.ts';

/** Draws one of `values` with the given weights, which need not sum to 1. */
export function weighted<T>(entries: readonly (readonly [value: T, weight: number])[]): (random: Random) => T {
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  let sum = 0;
  const bounds = entries.map(([, weight]) => (sum += weight) / total);
  return random => {
    const unit = random.unit();
    let i = 0;
    while (i < bounds.length - 1 && unit >= bounds[i]!) i++;
    return entries[i]![0];
  };
}

/**
 * A quantile function through the given points, log-linear between them: share of the values below → amount in cents.
 * Two points with one amount make a spike.
 */
export function quantiles(points: readonly (readonly [share: number, cents: number])[]): (share: number) => number {
  const shares = points.map(([share]) => share);
  const logs = points.map(([, cents]) => Math.log(cents));
  return share => {
    let i = 1;
    while (i < shares.length - 1 && share >= shares[i]!) i++;
    const from = logs[i - 1]!;
    const part = (share - shares[i - 1]!) / (shares[i]! - shares[i - 1]!);
    return Math.round(Math.exp(from + (logs[i]! - from) * part));
  };
}

export const claimsOfPolicyYear = weighted([
  [0, 87.3],
  [1, 11.2],
  [2, 1.3],
  [3, 0.1],
]);

const RECOVERIES = 0.09;
const recoveryCents = quantiles([
  [0, 20_00],
  [0.5, 380_00],
  [1, 2_500_00],
]);
/** 1,128.12 and 1,204.00 are the flat sums that insurers settle standard cases among themselves for. */
const damageCents = quantiles([
  [RECOVERIES, 8_00],
  [0.5, 472_00],
  [0.68, 1_128_12],
  [0.73, 1_128_12],
  [0.74, 1_204_00],
  [0.84, 1_204_00],
  [0.9, 2_114_00],
  [0.99, 5_264_00],
  [0.999, 21_000_00],
  [1, 140_000_00],
]);

/** What a claim asks for, in cents; negative for a recovery. */
export function claimedCents(random: Random): number {
  const share = random.unit();
  return share < RECOVERIES ? -recoveryCents(share / RECOVERIES) : damageCents(share);
}

const premiumAt = quantiles([
  [0, 61_00],
  [0.05, 118_00],
  [0.25, 214_00],
  [0.5, 312_00],
  [0.75, 455_00],
  [0.95, 778_00],
  [0.99, 1_119_00],
  [1, 2_940_00],
]);

/** A year's premium in cents. */
export const premiumCents = (random: Random): number => premiumAt(random.unit());

/** Vehicles of one client, such that 8.6 % of clients own more than one. */
export const vehiclesOfClient = weighted([
  [1, 91.4],
  [2, 7.1],
  [3, 1.2],
  [4, 0.3],
]);

export const paymentsOfClaim = weighted([
  [0, 8],
  [1, 50],
  [2, 27],
  [3, 12],
  [4, 3],
]);

/** What happens to one policy within a year, each with its probability. */
export const YEARLY = { bonusMalus: 0.2, paymentFrequency: 0.016, address: 0.012, cancelled: 0.01 } as const;

/** New policies a year, for each policy at the start. */
export const GROWTH = 0.015;

/** Claims that name a policy which the database does not have yet, or never gets. */
export const STRAY_CLAIMS = 0.01;

/** Records of bytes that are no JSON, for each change. */
export const POISON = 0.001;
