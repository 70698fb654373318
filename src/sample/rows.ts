/** A row of `public.policies` as Debezium shows it. Decimals are strings, dates `2021-03-14Z`. */
export interface PolicyRow {
  readonly id: string;
  readonly client_id: string;
  readonly product: string;
  readonly cover: Cover;
  readonly premium_amount: string;
  readonly payment_frequency: PaymentFrequency;
  /** French coefficient times 100: 50 to 350. */
  readonly bonus_malus: number;
  readonly address: string;
  readonly valid_from: string;
  readonly version: number;
}

/** A row of `public.claims` as Debezium shows it. */
export interface ClaimRow {
  readonly id: string;
  readonly policy_id: string;
  readonly status: 'OPEN' | 'CLOSED';
  readonly claimed_amount: string;
  readonly paid_amount: string;
  readonly opened_on: string;
  readonly description: string | null;
  readonly version: number;
}

export type Cover = 'TPL' | 'TPL_PLUS' | 'COMP' | 'COMP_PLUS';
export type PaymentFrequency = 'yearly' | 'half-yearly' | 'quarterly' | 'monthly';

/** What the simulation keeps of a policy. Never changed in place: the row before a change is the row after the last one. */
export interface Policy {
  readonly number: number;
  readonly client: number;
  readonly product: string;
  readonly cover: Cover;
  readonly premiumCents: number;
  readonly paymentFrequency: PaymentFrequency;
  readonly bonusMalus: number;
  readonly address: string;
  readonly validFrom: string;
  readonly version: number;
}

export interface Claim {
  readonly number: number;
  readonly policy: number;
  readonly status: 'OPEN' | 'CLOSED';
  readonly claimedCents: number;
  readonly paidCents: number;
  readonly openedOn: string;
  readonly description: string | null;
  readonly version: number;
}

/** `P-000001`. */
export const policyId = (number: number): string => `P-${sixDigits(number)}`;
export const claimId = (number: number): string => `C-${sixDigits(number)}`;

/** The row as JSON, fields in the table's order. Texts of the sample need no escapes, except where they hold them already. */
export function policyJson(policy: Policy): string {
  return `{"id":"${policyId(policy.number)}","client_id":"K-${sixDigits(policy.client)}","product":"${policy.product}","cover":"${policy.cover}","premium_amount":"${decimal(policy.premiumCents)}","payment_frequency":"${policy.paymentFrequency}","bonus_malus":${policy.bonusMalus},"address":"${policy.address}","valid_from":"${policy.validFrom}","version":${policy.version}}`;
}

export function claimJson(claim: Claim): string {
  const description = claim.description === null ? 'null' : `"${claim.description}"`;
  return `{"id":"${claimId(claim.number)}","policy_id":"${policyId(claim.policy)}","status":"${claim.status}","claimed_amount":"${decimal(claim.claimedCents)}","paid_amount":"${decimal(claim.paidCents)}","opened_on":"${claim.openedOn}","description":${description},"version":${claim.version}}`;
}

/** Cents as a `numeric(…, 2)` prints: `-0.05`, `1204.00`. */
export function decimal(cents: number): string {
  const digits = Math.abs(cents);
  const fraction = digits % 100;
  return `${cents < 0 ? '-' : ''}${(digits - fraction) / 100}.${fraction < 10 ? '0' : ''}${fraction}`;
}

/** The UTC date of a time as Debezium's `isostring` precision prints a `date` column. */
export function dateText(timeUs: number): string {
  const day = Math.floor(timeUs / DAY_US);
  let text = dates.get(day);
  if (text === undefined) {
    text = `${new Date(day * 86_400_000).toISOString().slice(0, 10)}Z`;
    dates.set(day, text);
  }
  return text;
}

const DAY_US = 86_400e6;
/** A feed names the same few thousand days again and again. */
const dates = new Map<number, string>();

function sixDigits(number: number): string {
  return number < 100_000 ? (number + 1_000_000).toString().slice(1) : `${number}`;
}
