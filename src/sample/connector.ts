import { encodeHeaders } from '../records/headers.ts';
import { PURPOSE } from './purpose.ts';
import { Random } from './random.ts';
import { claimId, claimJson, policyId, policyJson } from './rows.ts';
import type { Claim, Policy } from './rows.ts';

/** `source.snapshot`: a string, also where it reads like a boolean. */
export type SnapshotMark = 'first' | 'true' | 'last' | 'false';
export type Operation = 'r' | 'c' | 'u' | 'd';

/** When and where a connector saw a change. */
export interface Capture {
  readonly committedUs: number;
  readonly capturedUs: number;
  /** The last three of the 19 digits of `ts_ns`, which no number holds. */
  readonly capturedNs: number;
  readonly txId: number;
  readonly lsn: number;
}

/** One table, and how its rows are written. */
export interface Table<Row> {
  readonly database: string;
  readonly name: string;
  id(number: number): string;
  json(row: Row): string;
}

export const POLICIES: Table<Policy> = { database: 'policydb', name: 'policies', id: policyId, json: policyJson };
export const CLAIMS: Table<Claim> = { database: 'claimsdb', name: 'claims', id: claimId, json: claimJson };

/**
 * One Debezium PostgreSQL connector on one table with REPLICA IDENTITY FULL, writing as JsonConverter does without schemas, with
 * `decimal.handling.mode=string` and `time.precision.mode=isostring`. All texts are ready for use: an event is one template.
 */
export class Connector<Row> {
  readonly topic: string;
  /** The context headers, packed: the same on every record. */
  readonly headers: Uint8Array;
  readonly #table: Table<Row>;
  readonly #sourceFront: string;
  readonly #sourceTable: string;
  #lsn: number;
  #txId: number;

  constructor(table: Table<Row>, seed: number) {
    this.#table = table;
    this.topic = `${table.database}.public.${table.name}`;
    const random = new Random(seed).at(PURPOSE.runId, table.database.length, 0);
    this.headers = encodeHeaders([
      ['__debezium.context.connectorLogicalName', Buffer.from(table.database)],
      ['__debezium.context.taskId', Buffer.from('0')],
      ['__debezium.context.connectorName', Buffer.from('postgresql')],
      ['__debezium.context.runId', Buffer.from(runId(random))],
    ]);
    this.#sourceFront = `"source":{"version":"3.7.0.Final","connector":"postgresql","name":"${table.database}","ts_ms":`;
    this.#sourceTable = `000,"schema":"public","table":"${table.name}","txId":`;
    this.#lsn = 0x1bc0000 + 8 * random.below(0x10000);
    this.#txId = 700 + random.below(600);
  }

  /** The place of the next change. Changes of a snapshot share one place: `moves` is false for them. */
  capture(committedUs: number, capturedUs: number, capturedNs: number, moves: boolean): Capture {
    if (moves) {
      this.#lsn += 208 + 8 * (capturedNs % 32);
      this.#txId++;
    }
    return { committedUs, capturedUs, capturedNs, txId: this.#txId, lsn: this.#lsn };
  }

  key(number: number): string {
    return `{"id":"${this.#table.id(number)}"}`;
  }

  value(op: Operation, before: Row | null, after: Row | null, at: Capture, snapshot: SnapshotMark): string {
    const table = this.#table;
    const beforeJson = before === null ? 'null' : table.json(before);
    const afterJson = after === null ? 'null' : table.json(after);
    const committed = `${at.committedUs}`;
    const captured = `${at.capturedUs}`;
    const lsn = `${at.lsn}`;
    const commitLsn = snapshot === 'false' ? `\\"${lsn}\\"` : 'null';
    const ns = `${at.capturedNs + 1000}`.slice(1);
    return `{"before":${beforeJson},"after":${afterJson},${this.#sourceFront}${committed.slice(0, MS_DIGITS)},"snapshot":"${snapshot}","db":"${table.database}","sequence":"[${commitLsn},\\"${lsn}\\"]","ts_us":${committed},"ts_ns":${committed}${this.#sourceTable}${at.txId},"lsn":${lsn},"xmin":null,"origin":null,"origin_lsn":null},"transaction":null,"op":"${op}","ts_ms":${captured.slice(0, MS_DIGITS)},"ts_us":${captured},"ts_ns":${captured}${ns}}`;
  }
}

/** Of a time between 2001 and 2286: 13 digits are its milliseconds, 16 its microseconds, 19 its nanoseconds. */
const MS_DIGITS = 13;

export const ms = (us: number): number => Math.floor(us / 1000);

function runId(random: Random): string {
  const hex = (digits: number) =>
    random
      .below(16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return `0176bb9b-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}
