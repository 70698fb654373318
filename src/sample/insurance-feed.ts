import { partitionOf } from '../records/murmur2.ts';
import { CLAIMS, Connector, ms, POLICIES } from './connector.ts';
import type { Capture, Operation, SnapshotMark } from './connector.ts';
import { POISON } from './distributions.ts';
import { poisonBytes } from './poison.ts';
import { Portfolio, yearStartUs } from './portfolio.ts';
import type { Change } from './portfolio.ts';
import { PURPOSE } from './purpose.ts';
import { Random } from './random.ts';
import type { Claim, Policy } from './rows.ts';
import type { SampleOptions } from './sample-options.ts';

export const POLICIES_TOPIC = 'policydb.public.policies';
export const CLAIMS_TOPIC = 'claimsdb.public.claims';

/** Rises when the same options no longer make the same bytes: a feed that was begun before cannot go on then. */
export const FEED_VERSION = 1;

/** A record of the feed. Key and value are views of memory that the next record overwrites. */
export interface FeedRecord {
  readonly topic: string;
  readonly partition: number;
  /** The capture time, in ms: never before the previous record's, in either topic. */
  readonly timestamp: number;
  readonly key: Uint8Array;
  /** Null: a tombstone. */
  readonly value: Uint8Array | null;
  /** Packed, as `BatchWriter.append` takes them. */
  readonly headers: Uint8Array;
}

export interface FeedOptions extends SampleOptions {
  readonly partitions: number;
}

/** A record before it is written out. */
interface Draft {
  readonly kind: 'event' | 'tombstone' | 'poison';
  readonly change: Change;
  readonly op: Operation;
  readonly capture: Capture;
  readonly snapshot: SnapshotMark;
  /** The key's number: the row's, except for poison under a key of its own. */
  readonly number: number;
}

const KEY_BYTES = 64;
const FIRST_CAPTURE_US = 150_000;

/** The feed of these options from its first record: a snapshot of both tables, then their changes. */
export const insuranceFeed = (options: FeedOptions): InsuranceFeed => new InsuranceFeed(options);

/**
 * Change events of an insurer's two tables in one order of time. The same options make the same bytes, so a place in it is a
 * count of records.
 */
export class InsuranceFeed {
  /** Records passed so far. */
  position = 0;
  /** The first `snapshotRecords` records are the snapshot. */
  readonly snapshotRecords: number;
  readonly #partitions: number;
  readonly #portfolio: Portfolio;
  readonly #random: Random;
  readonly #policies: Connector<Policy>;
  readonly #claims: Connector<Claim>;
  readonly #memory = Buffer.allocUnsafe(16_384);
  readonly #startUs = yearStartUs(0);
  #key: Uint8Array = this.#memory;
  #snapshot: Change[];
  #drafts: Draft[] = [];
  #draft = 0;
  #changes = 0;
  #capturedUs = this.#startUs + FIRST_CAPTURE_US;

  constructor(options: FeedOptions) {
    this.#partitions = options.partitions;
    this.#random = new Random(options.seed);
    this.#policies = new Connector(POLICIES, options.seed);
    this.#claims = new Connector(CLAIMS, options.seed);
    this.#portfolio = new Portfolio(options);
    const committedUs = this.#startUs;
    const { policies, claims } = this.#portfolio.snapshot();
    this.#snapshot = [
      ...policies.map((after): Change => ({ table: 'policies', committedUs, before: null, after })),
      ...claims.map((after): Change => ({ table: 'claims', committedUs, before: null, after })),
    ];
    this.snapshotRecords = this.#snapshot.length;
  }

  /** The simulated time in ms. */
  get clockMs(): number {
    return ms(this.#capturedUs);
  }

  /** The next record; undefined at the end. */
  next(): FeedRecord | undefined {
    const draft = this.#take();
    if (draft === undefined) return undefined;
    return draft.change.table === 'policies'
      ? this.#write(draft, this.#policies, draft.change.before, draft.change.after)
      : this.#write(draft, this.#claims, draft.change.before, draft.change.after);
  }

  /** Passes records without writing them out, up to a position ahead or the end. Returns whether it got there. */
  skipTo(position: number): boolean {
    while (this.position < position && this.#take() !== undefined);
    return this.position === position;
  }

  #take(): Draft | undefined {
    if (this.#draft === this.#drafts.length) {
      this.#drafts.length = 0;
      this.#draft = 0;
      if (this.position < this.snapshotRecords) this.#draftRead(this.position);
      else this.#draftChange();
    }
    const draft = this.#drafts[this.#draft];
    if (draft === undefined) return undefined;
    this.#draft++;
    this.position++;
    return draft;
  }

  #draftRead(index: number): void {
    const change = this.#snapshot[index]!;
    const number = change.after!.number;
    const random = this.#random.at(PURPOSE.capture, -1 - index, 0);
    const capture = this.#capture(change, this.#capturedUs + 20 + random.below(40), random.below(1000), false);
    const snapshot = this.#snapshotMark(index);
    this.#drafts.push({ kind: 'event', change, op: 'r', capture, snapshot, number });
    if (this.position + 1 === this.snapshotRecords) this.#snapshot = [];
  }

  /** Each table is the snapshot of a connector of its own. */
  #snapshotMark(index: number): SnapshotMark {
    const { table } = this.#snapshot[index]!;
    if (this.#snapshot[index - 1]?.table !== table) return 'first';
    return this.#snapshot[index + 1]?.table === table ? 'true' : 'last';
  }

  #draftChange(): void {
    const change = this.#portfolio.next();
    if (change === undefined) return;
    const random = this.#random.at(PURPOSE.capture, this.#changes++, 0);
    const delayUs = 20_000 + random.below(400_000);
    const capturedUs = Math.max(this.#capturedUs + 50, change.committedUs + delayUs);
    const capture = this.#capture(change, capturedUs, random.below(1000), true);
    const { number } = (change.after ?? change.before)!;
    const op = change.before === null ? 'c' : change.after === null ? 'd' : 'u';
    const draft: Draft = { kind: 'event', change, op, capture, snapshot: 'false', number };
    // before the real change of the same key, so that the last record of a key is never poison, however the topic is compacted
    if (random.unit() < POISON) {
      const fresh = random.unit() < 0.3;
      this.#drafts.push({ ...draft, kind: 'poison', number: fresh ? this.#reserve(change) : number });
    }
    this.#drafts.push(draft);
    if (op === 'd') this.#drafts.push({ ...draft, kind: 'tombstone' });
  }

  #capture(change: Change, capturedUs: number, capturedNs: number, moves: boolean): Capture {
    this.#capturedUs = capturedUs;
    const connector = change.table === 'policies' ? this.#policies : this.#claims;
    return connector.capture(change.committedUs, capturedUs, capturedNs, moves);
  }

  #reserve(change: Change): number {
    return change.table === 'policies' ? this.#portfolio.reservePolicy() : this.#portfolio.reserveClaim();
  }

  #write<Row>(draft: Draft, connector: Connector<Row>, before: Row | null, after: Row | null): FeedRecord {
    const memory = this.#memory;
    const key = this.#keyOf(memory.write(connector.key(draft.number), 0, 'latin1'));
    let value: Uint8Array | null = null;
    if (draft.kind !== 'tombstone') {
      const text = connector.value(draft.op, before, after, draft.capture, draft.snapshot);
      value =
        draft.kind === 'poison'
          ? poisonBytes(text, this.#random.at(PURPOSE.poison, this.position, 0))
          : memory.subarray(KEY_BYTES, KEY_BYTES + memory.write(text, KEY_BYTES, 'utf8'));
    }
    const { topic, headers } = connector;
    const timestamp = ms(draft.capture.capturedUs);
    return { topic, partition: partitionOf(key, this.#partitions), timestamp, key, value, headers };
  }

  /** Almost all keys have one length, and so one view. */
  #keyOf(length: number): Uint8Array {
    if (this.#key.length !== length) this.#key = this.#memory.subarray(0, length);
    return this.#key;
  }
}
