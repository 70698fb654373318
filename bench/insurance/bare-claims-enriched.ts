import { cents, protobuf } from '../../src/index.ts';
import { CLAIMS_TOPIC, POLICIES_TOPIC } from '../../src/sample/insurance-feed.ts';
import { ClaimEnriched } from '../../topologies/gen/insurance/v1/claim-enriched.ts';
import { ClaimsByPolicy } from '../../topologies/gen/insurance/v1/claims-by-policy.ts';
import type { ClaimRow, PolicyRow } from '../../topologies/rows.ts';
import type { ValueCodec } from '../bare/bounded-cache.ts';
import { KeyedState } from '../bare/keyed-state.ts';
import { LogLoop, together } from '../bare/log-loop.ts';
import type { Input } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import { RecordCursor } from '../bare/record-cursor.ts';
import { AMPLE_BYTES, PARTITIONS, stateMemory } from '../lines/line.ts';
import { ROW_BYTES, keepRow, rowText } from './bare-rows.ts';
import { enrichedClaim, eventOf } from './fold.ts';

const NAME = 'claims-enriched';
const BY_POLICY = `${NAME}-by-policy-repartition`;
const TOTALS_BY_POLICY = `${NAME}-totals-by-policy-repartition`;

/** Key and value, about. */
const TOTAL_BYTES = 40;

interface Total {
  readonly open: number;
  readonly paidCents: bigint;
}

const total: ValueCodec<Total> = {
  encode: ({ open, paidCents }) => Buffer.from(`${open} ${paidCents}`),
  decode(bytes) {
    const [open, paidCents] = Buffer.from(bytes).toString().split(' ') as [string, string];
    return { open: Number(open), paidCents: BigInt(paidCents) };
  },
};

interface RowChange {
  readonly old: ClaimRow | null;
  readonly new: ClaimRow | null;
}

/** By hand: what `claims-enriched` does, with `JSON.parse`. Events go through the repartition as the bytes that they are. */
export async function bareClaimsEnriched(folder: string): Promise<void> {
  const loop = await LogLoop.start(folder, PARTITIONS);
  const size = (entryBytes: number) => ({ ...stateMemory(AMPLE_BYTES, 3), entryBytes });
  const states = {
    policies: await KeyedState.open(loop, `${NAME}-policies-changelog`, size(ROW_BYTES), rowText),
    claims: await KeyedState.open(loop, `${NAME}-claims-changelog`, size(ROW_BYTES), rowText),
    totals: await KeyedState.open(loop, `${NAME}-exposure-changelog`, size(TOTAL_BYTES), total),
  };
  const outputs = {
    byPolicy: await Output.open(loop, BY_POLICY),
    totalsByPolicy: await Output.open(loop, TOTALS_BY_POLICY),
    enriched: await Output.open(loop, 'claims.enriched'),
    sums: await Output.open(loop, 'claims.by-policy'),
    deadLetters: await Output.open(loop, `${NAME}.dead-letters`),
  };
  const work = new BareClaimsEnriched(states, outputs);
  const effects = () => together(...Object.values({ ...states, ...outputs }).map(each => each.effects()));
  await loop.run([work.policies], effects);
  await loop.run([work.claims, work.byPolicy, work.totalsByPolicy], effects);
  await loop.close();
  for (const state of Object.values(states)) await state.close();
}

interface States {
  readonly policies: KeyedState<string>;
  readonly claims: KeyedState<string>;
  readonly totals: KeyedState<Total>;
}

type Outputs = Readonly<Record<'byPolicy' | 'totalsByPolicy' | 'enriched' | 'sums' | 'deadLetters', Output>>;

class BareClaimsEnriched {
  readonly policies = this.each(
    POLICIES_TOPIC,
    partition => void this.keep<PolicyRow>(this.states.policies, partition),
  );
  readonly claims = this.each(CLAIMS_TOPIC, partition => this.divide(partition));
  readonly byPolicy = this.each(BY_POLICY, partition => this.enrich(partition));
  readonly totalsByPolicy = this.each(TOTALS_BY_POLICY, partition => this.addUp(partition));
  private readonly cursor = new RecordCursor();
  private readonly enrichedSerde = protobuf(ClaimEnriched);
  private readonly sumSerde = protobuf(ClaimsByPolicy);

  constructor(
    private readonly states: States,
    private readonly outputs: Outputs,
  ) {}

  /** Reads a topic record by record, each of which `work` finds at the cursor. */
  private each(topic: string, work: (partition: number) => void): Input {
    return {
      topic,
      process: (batch, partition) => {
        this.cursor.load(batch);
        while (this.cursor.next()) work(partition);
      },
    };
  }

  private keep<Row>(rows: KeyedState<string>, partition: number) {
    return keepRow<Row>(this.cursor, partition, rows, this.outputs.deadLetters);
  }

  /** Sends what is open to its policy, and the row to its policy's totals. */
  private divide(partition: number): void {
    const kept = this.keep<ClaimRow>(this.states.claims, partition);
    if (kept === undefined) return;
    const { old, row } = kept;
    const { timestamp } = this.cursor;
    const { after } = kept.event;
    if (after?.status === 'OPEN')
      this.outputs.byPolicy.send(timestamp, JSON.stringify({ id: after.policy_id }), this.cursor.value());
    const from = old === '' ? undefined : (JSON.parse(old) as ClaimRow).policy_id;
    const to = after?.policy_id;
    if (from !== undefined && from !== to) this.group(from, old, '');
    if (to !== undefined) this.group(to, from === to ? old : '', row);
  }

  private group(policyId: string, old: string, row: string): void {
    const change = Buffer.from(`{"old":${old === '' ? 'null' : old},"new":${row === '' ? 'null' : row}}`);
    this.outputs.totalsByPolicy.send(this.cursor.timestamp, policyId, change);
  }

  private enrich(partition: number): void {
    const { cursor } = this;
    const { after, source } = eventOf<ClaimRow>(cursor.value())!;
    const row = this.states.policies.get(partition, cursor.keyText()).value ?? '';
    const policy = row === '' ? undefined : (JSON.parse(row) as PolicyRow);
    const result = enrichedClaim(after!, source.ts_ms, policy);
    this.outputs.enriched.send(cursor.timestamp, result.policyId, this.enrichedSerde.encode(result));
  }

  private addUp(partition: number): void {
    const { cursor } = this;
    const { totals } = this.states;
    const change = JSON.parse(cursor.value().toString()) as RowChange;
    const policyId = cursor.keyText();
    const entry = totals.get(partition, policyId);
    let sum = entry.value ?? { open: 0, paidCents: 0n };
    if (change.old !== null) sum = plus(sum, change.old, -1);
    if (change.new !== null) sum = plus(sum, change.new, 1);
    totals.put(partition, entry, sum, Math.max(cursor.timestamp, entry.timestamp));
    this.outputs.sums.partitions[partition]!.append(cursor, this.sumSerde.encode({ policyId, ...sum }));
  }
}

const plus = ({ open, paidCents }: Total, claim: ClaimRow, sign: 1 | -1): Total => ({
  open: claim.status === 'OPEN' ? open + sign : open,
  paidCents: paidCents + BigInt(sign) * cents(claim.paid_amount),
});
