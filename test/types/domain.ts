import { debezium, json, row, string, topic } from '../../src/index.ts';
import type { Serde } from '../../src/index.ts';

export interface Claim {
  readonly id: string;
  readonly policyId: string;
  readonly status: 'OPEN' | 'CLOSED';
  readonly paidCents: bigint;
}

export interface Policy {
  readonly id: string;
  readonly product: string;
}

export const claims = topic('claims', string(), json<Claim>());
export const policies = topic('policies', string(), json<Policy>());
export const changes = debezium('db.claims', row<Claim>(), { key: 'id' });

export const number: Serde<number> = json<number>();

/** `value` is a `T`, exactly where `T` is a stream or table: those fit no wider and no narrower type. */
export const isA = <T>(_value: T): void => {};
