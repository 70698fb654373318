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

/** Whether two types are the same, not only assignable. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const same = <T extends true>(): T | undefined => undefined;
