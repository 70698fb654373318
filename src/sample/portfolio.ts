import { openClaim, stepClaim } from './claim-life.ts';
import type { ClaimFile } from './claim-life.ts';
import { claimsOfPolicyYear, GROWTH, STRAY_CLAIMS, YEARLY } from './distributions.ts';
import { EventQueue } from './event-queue.ts';
import type { Planned } from './event-queue.ts';
import { PolicyLife } from './policy-life.ts';
import { PURPOSE } from './purpose.ts';
import { Random } from './random.ts';
import { dateText } from './rows.ts';
import type { Claim, Policy } from './rows.ts';
import type { SampleOptions } from './sample-options.ts';

/** One committed change of a row. `committedUs` in µs since 1970. */
export type Change = RowChange<'policies', Policy> | RowChange<'claims', Claim>;

interface RowChange<Table extends string, Row> {
  readonly table: Table;
  readonly committedUs: number;
  readonly before: Row | null;
  readonly after: Row | null;
}

type Kind =
  | 'year'
  | 'bonus-malus'
  | 'payment-frequency'
  | 'address'
  | 'cancel'
  | 'begin'
  | 'begin-late'
  | 'claim'
  | 'stray'
  | 'step';

const FIRST_YEAR = 2021;
const DAY_US = 86_400e6;

export const yearStartUs = (year: number): number => Date.UTC(FIRST_YEAR + year, 0, 1) * 1000;

/**
 * An insurer's portfolio, simulated event by event. It knows rows and times, nothing of records.
 *
 * A year's claims and changes of a policy are drawn when the year (or the policy) begins; what happens next to a claim, when
 * something has happened to it. The year before the clock starts is played unseen, so that there are claims at the start.
 */
export class Portfolio {
  readonly #options: SampleOptions;
  readonly #random: Random;
  readonly #lives: PolicyLife;
  readonly #queue = new EventQueue<Kind>();
  /** By number; a policy that was cancelled, or never came, is absent. */
  readonly #policies: (Policy | undefined)[] = [undefined];
  readonly #claims = new Map<number, ClaimFile>();
  readonly #endUs: number;
  #lastClaim = 0;
  #nowUs = yearStartUs(-1);

  constructor(options: SampleOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#lives = new PolicyLife(this.#random);
    this.#endUs = yearStartUs(options.years);
    const startUs = yearStartUs(0);
    for (let number = 1; number <= options.policies; number++) {
      this.#policies.push(this.#lives.begin(number, this.#lives.earlier(number, startUs)));
      this.#planClaims(number, -1);
    }
    for (let event = this.#queue.take(startUs); event !== undefined; event = this.#queue.take(startUs)) {
      this.#happen(event);
    }
    this.#nowUs = startUs;
    for (let year = 0; year < options.years; year++) this.#plan(yearStartUs(year), 'year', year);
  }

  /** What the tables hold when the clock starts. To be asked once, before the first `next`. */
  snapshot(): { policies: readonly Policy[]; claims: readonly Claim[] } {
    const files = [...this.#claims.values()];
    for (const file of files) if (file.settled) this.#claims.delete(file.claim.number);
    return { policies: this.#policies.filter(isRow), claims: files.map(file => file.claim) };
  }

  /** The next change in the order of time; undefined at the end. */
  next(): Change | undefined {
    for (let event = this.#queue.take(this.#endUs); event !== undefined; event = this.#queue.take(this.#endUs)) {
      const change = this.#happen(event);
      if (change !== undefined) return change;
    }
    return undefined;
  }

  /** A number that no row will ever have. */
  reservePolicy(): number {
    return this.#policies.push(undefined) - 1;
  }

  reserveClaim(): number {
    return ++this.#lastClaim;
  }

  #happen({ atUs, kind, subject }: Planned<Kind>): Change | undefined {
    this.#nowUs = atUs;
    switch (kind) {
      case 'year':
        this.#planYear(subject);
        return undefined;
      case 'begin':
        return this.#begin(this.reservePolicy());
      case 'begin-late':
        return this.#begin(subject);
      case 'claim':
        return this.#policies[subject] === undefined ? undefined : this.#openClaim(subject);
      case 'stray':
        return this.#openStray();
      case 'step':
        return this.#stepClaim(this.#claims.get(subject)!);
      default:
        return this.#changePolicy(kind, this.#policies[subject]);
    }
  }

  #planYear(year: number): void {
    for (let number = 1; number < this.#policies.length; number++) {
      if (this.#policies[number] !== undefined) this.#planPolicy(number, year);
    }
    const random = this.#random.at(PURPOSE.growth, year, 0);
    const begun = Math.floor(this.#options.policies * GROWTH + random.unit());
    for (let i = 0; i < begun; i++) this.#plan(timeIn(year, random), 'begin', 0);
  }

  #planPolicy(number: number, year: number): void {
    this.#planClaims(number, year);
    const random = this.#random.at(PURPOSE.policyYear, number, year);
    if (random.unit() < YEARLY.bonusMalus) this.#plan(timeIn(year, random), 'bonus-malus', number);
    if (random.unit() < YEARLY.paymentFrequency) this.#plan(timeIn(year, random), 'payment-frequency', number);
    if (random.unit() < YEARLY.address) this.#plan(timeIn(year, random), 'address', number);
    if (random.unit() < YEARLY.cancelled) this.#plan(timeIn(year, random), 'cancel', number);
  }

  #planClaims(number: number, year: number): void {
    const random = this.#random.at(PURPOSE.claimYear, number, year);
    for (let claims = claimsOfPolicyYear(random); claims > 0; claims--) {
      this.#plan(timeIn(year, random), 'claim', number);
      if (year >= 0 && random.unit() < STRAY_CLAIMS) this.#plan(timeIn(year, random), 'stray', 0);
    }
  }

  /** What would lie in the past (a policy that begins within its year) or behind the end does not happen. */
  #plan(atUs: number, kind: Kind, subject: number): void {
    if (atUs >= this.#nowUs && atUs < this.#endUs) this.#queue.add(atUs, kind, subject);
  }

  #begin(number: number): Change {
    const after = this.#lives.begin(number, dateText(this.#nowUs));
    this.#policies[number] = after;
    this.#planPolicy(number, new Date(this.#nowUs / 1000).getUTCFullYear() - FIRST_YEAR);
    return { table: 'policies', committedUs: this.#nowUs, before: null, after };
  }

  #changePolicy(kind: Kind, before: Policy | undefined): Change | undefined {
    if (before === undefined) return undefined;
    const after = this.#changed(kind, before);
    this.#policies[before.number] = after ?? undefined;
    return { table: 'policies', committedUs: this.#nowUs, before, after };
  }

  #changed(kind: Kind, policy: Policy): Policy | null {
    if (kind === 'bonus-malus') return this.#lives.changeBonusMalus(policy, this.#nowUs);
    if (kind === 'payment-frequency') return this.#lives.changePaymentFrequency(policy, this.#nowUs);
    if (kind === 'address') return this.#lives.changeAddress(policy, this.#nowUs);
    return null;
  }

  /** A claim whose policy comes some days later, or never. */
  #openStray(): Change {
    const policy = this.reservePolicy();
    const random = this.#random.at(PURPOSE.stray, policy, 0);
    if (random.unit() < 0.5) this.#plan(this.#inDays(random.between(1, 20)), 'begin-late', policy);
    return this.#openClaim(policy);
  }

  #openClaim(policy: number): Change {
    const [file, days] = openClaim(this.reserveClaim(), policy, this.#nowUs, this.#random);
    this.#claims.set(file.claim.number, file);
    this.#plan(this.#inDays(days), 'step', file.claim.number);
    return { table: 'claims', committedUs: this.#nowUs, before: null, after: file.claim };
  }

  #stepClaim(file: ClaimFile): Change {
    const before = file.claim;
    const { after, nextInDays } = stepClaim(file, this.#random);
    if (nextInDays !== undefined) this.#plan(this.#inDays(nextInDays), 'step', before.number);
    else if (after === null || this.#nowUs >= yearStartUs(0)) this.#claims.delete(before.number);
    else file.settled = true;
    return { table: 'claims', committedUs: this.#nowUs, before, after };
  }

  #inDays(days: number): number {
    return this.#nowUs + Math.floor(days * DAY_US);
  }
}

const isRow = (policy: Policy | undefined): policy is Policy => policy !== undefined;

function timeIn(year: number, random: Random): number {
  return Math.floor(random.between(yearStartUs(year), yearStartUs(year + 1)));
}
