import { setImmediate } from 'node:timers/promises';
import { count, json, string, sum, topic, topology } from 'topo-streams';
import type { Topology } from 'topo-streams';
import type { RunOptions } from 'topo-streams/run';
import claimsEnriched from '../../topologies/claims-enriched.ts';
import policyReplica from '../../topologies/policy-replica.ts';

interface Payment {
  readonly cents: number;
  readonly purpose: string;
}

export const PAYMENTS = 'payments';
const payments = topic(PAYMENTS, string(), json<Payment>());

/** The totals of a topic that has the right key: no repartition. A payment of 13 cents makes its step throw. */
const paymentTotals = topology('payment-totals', t => {
  t.stream(payments)
    .map(payment => {
      if (payment.cents === 13) throw new Error('an unlucky payment');
      return payment;
    })
    .groupByKey()
    .aggregate('totals', { payments: count(), cents: sum(({ cents }: Payment) => cents) })
    .to(topic('payments.totals', string(), json<{ payments: number; cents: number }>()));
});

/** Each payment is looked at by somebody outside, who takes a moment and does not take 13 cents. */
const paymentChecks = topology('payment-checks', t => {
  t.stream(payments)
    .mapAsync('check', async payment => {
      await setImmediate();
      if (payment.cents === 13) throw new Error('an unlucky payment');
      return payment;
    })
    .as(json<Payment>())
    .to(topic('payments.checked', string(), json<Payment>()));
});

export const SAMPLE = { policies: 4500, years: 4, seed: 7 };
export const PARTITIONS = 3;

export interface Scenario {
  readonly topology: Topology;
  readonly options: RunOptions;
}

/** Little memory and time, so that epochs are short and caches turn over. */
const options: RunOptions = { partitions: PARTITIONS, memoryBytes: 3 * 1024 * 1024, commitIntervalMs: 1 };

export const SCENARIOS = {
  'policy-replica': { topology: policyReplica, options },
  'payment-totals': { topology: paymentTotals, options },
  'payment-checks': { topology: paymentChecks, options },
  'claims-enriched': { topology: claimsEnriched, options: { ...options, sample: SAMPLE } },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
