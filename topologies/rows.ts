/** The tables of the insurance systems, as their change events carry them: decimals and dates as text. */

export interface PolicyRow {
  /** `P-000001` */
  readonly id: string;
  readonly client_id: string;
  readonly product: string;
  /** One of four levels. */
  readonly cover: string;
  /** Decimal text, two places. */
  readonly premium_amount: string;
  readonly payment_frequency: string;
  readonly bonus_malus: number;
  readonly address: string;
  readonly valid_from: string;
  /** Rises at each change. */
  readonly version: number;
}

export interface ClaimRow {
  readonly id: string;
  readonly policy_id: string;
  readonly status: 'OPEN' | 'CLOSED';
  /** Decimal text, two places; negative for a recovery. */
  readonly claimed_amount: string;
  readonly paid_amount: string;
  readonly opened_on: string;
  readonly description: string | null;
  /** Rises at each change. */
  readonly version: number;
}
