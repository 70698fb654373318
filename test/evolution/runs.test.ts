import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { string, topic, topology, within } from '../../src/index.ts';
import type { Serde, Topology } from '../../src/index.ts';
import { run } from '../../src/run.ts';
import { temporaryFolder, withBroker } from '../recovery/folders.ts';
import { readTopic, writeTopic } from '../topic-records.ts';
import { Versions } from './versions.ts';

interface Claim {
  readonly id: string;
  readonly policy: string;
  readonly cents: bigint;
  /** Old only. */
  readonly note?: string;
  /** New only. */
  readonly city?: string;
  readonly tags?: readonly string[];
}

const versions = new Versions();
afterAll(() => versions[Symbol.dispose]());

const old = versions.compile<Claim>(
  'message Claim { string id = 1; string policy = 2; int64 cents = 3; string note = 4; }',
).serde;
/** Without `note`, with `city` and `tags`. */
const now = versions.compile<Claim>(`message Claim {
  reserved 4;
  reserved "note";
  string id = 1;
  string policy = 2;
  int64 cents = 3;
  string city = 5;
  repeated string tags = 6;
}`).serde; // prettier-ignore

/**
 * Claims go through a map, a table, a repartition into an aggregate whose state is a claim, and a join that keeps them waiting:
 * everything that stores what one version wrote and the other reads.
 */
const claimsOf = (serde: Serde<Claim>): Topology =>
  topology('claims', t => {
    const claims = t.stream(topic('claims', string(), serde));
    claims
      .map(claim => ({ ...claim, cents: claim.cents + 1n }))
      .as(serde)
      .to(topic('mapped', string(), serde));
    claims
      .toTable('rows')
      .toStream()
      .to(topic('rows.out', string(), serde));
    claims
      .groupBy('by-policy', claim => claim.policy, string())
      .aggregate('latest', {
        init: (): Claim | null => null,
        // the claim that came last, with the cents of all
        add: (state: Claim | null, claim: Claim) => ({ ...claim, cents: (state?.cents ?? 0n) + claim.cents }),
        serde: serde,
      })
      .toStream()
      .to(topic('latest.out', string(), serde as Serde<Claim | null>));
    claims
      .join('with-payment', t.stream(topic('payments', string(), string())), within('1 h'), claim => claim)
      .as(serde)
      .to(topic('paid', string(), serde));
  });

let time = 0;
beforeEach(() => (time = 1_700_000_000_000));

/** One version's producer. */
async function produce(data: string, serde: Serde<Claim>, ...claims: readonly Claim[]): Promise<void> {
  await write(data, 'claims', claims.map(claim => ({ key: claim.id, value: serde.encode(claim) }))); // prettier-ignore
}

async function write(data: string, name: string, records: readonly { key: string; value: Uint8Array }[]): Promise<void> {
  await withBroker(data, async broker => {
    if (!(await broker.topics()).some(one => one.name === name)) await broker.createTopics([{ name, partitions: 1, config: {} }]);
    await writeTopic(broker, name, records.map(record => ({ ...record, timestamp: time++ })));
  });
} // prettier-ignore

async function runToIdle(data: string, serde: Serde<Claim>): Promise<void> {
  const running = await run(claimsOf(serde), { data, partitions: 1, commitIntervalMs: 1 });
  await running.idle();
  await running.stop();
}

/** A topic as one version's consumer sees it, without what that does not know; then the place where it goes on. */
async function consume(data: string, name: string, serde: Serde<Claim>, from = 0): Promise<Claim[]> {
  const records = await withBroker(data, broker => readTopic(broker, name));
  return records.slice(from).map(({ value }) => structuredClone(serde.decode(Buffer.from(value!, 'latin1'))));
}

const byOld = (id: string, cents: bigint): Claim => ({ id, policy: 'P-1', cents, note: `note of ${id}` });
const byNew = (id: string, cents: bigint): Claim => ({
  id,
  policy: 'P-1',
  cents,
  city: `city of ${id}`,
  tags: ['a', id],
});
const asNew = ({ note: _, ...claim }: Claim): Claim => ({ city: '', tags: [], ...claim });
const asOld = ({ city: _, tags: __, ...claim }: Claim): Claim => ({ note: '', ...claim });

describe.each(['kept', 'rebuilt from its changelogs'])('with its state %s, a topology goes on under the other version', how => {
  const between = async (data: string) => {
    if (how !== 'kept') await rm(join(data, 'state'), { recursive: true });
  };

  test('from the old to the new and back, and nothing is lost on the way', async () => {
    await using folder = await temporaryFolder();
    const data = folder.path;
    await produce(data, old, byOld('C-1', 1n), byOld('C-2', 2n));
    await runToIdle(data, old);
    await between(data);

    // what the old version stored is read by the new one, and what it wrote by its consumers
    await produce(data, now, byNew('C-3', 4n));
    await produce(data, old, byOld('C-4', 8n));
    await runToIdle(data, now);
    const [one, two, three, four] = [byOld('C-1', 1n), byOld('C-2', 2n), byNew('C-3', 4n), byOld('C-4', 8n)];
    const more = (claim: Claim): Claim => ({ ...claim, cents: claim.cents + 1n });
    expect(await consume(data, 'mapped', now)).toEqual([one, two, three, four].map(more).map(asNew));
    expect(await consume(data, 'latest.out', now)).toEqual(
      [one, { ...two, cents: 3n }, { ...three, cents: 7n }, { ...four, cents: 15n }].map(asNew),
    );
    await between(data);

    // and back: the old version reads what the new one stored, and keeps what it does not know
    await produce(data, now, byNew('C-5', 16n));
    await write(data, 'payments', ['C-1', 'C-3'].map(key => ({ key, value: Buffer.from('paid') })));
    await runToIdle(data, old);
    expect(await consume(data, 'latest.out', old, 4)).toEqual([asOld({ ...byNew('C-5', 16n), cents: 31n })]);
    expect(await consume(data, 'latest.out', now, 4)).toEqual([{ ...byNew('C-5', 16n), cents: 31n }]);
    expect(await consume(data, 'mapped', now, 4)).toEqual([more(byNew('C-5', 16n))]);
    // waiting since the first run and the second
    expect(await consume(data, 'paid', old)).toEqual([one, asOld(three)]);
    expect(await consume(data, 'paid', now)).toEqual([asNew(one), three]);
    await between(data);

    // the rows as they were written, whoever carried them since
    const running = await run(claimsOf(now), { data, partitions: 1 });
    await running.idle();
    const rows = running.store<string, Claim>('rows');
    for (const claim of [three, byNew('C-5', 16n)]) expect(structuredClone(await rows.get(claim.id))).toEqual(claim);
    for (const claim of [one, two, four]) expect(structuredClone(await rows.get(claim.id))).toEqual(asNew(claim));
    expect(old.decode(now.encode((await rows.get('C-4'))!)).note).toBe('note of C-4');
    expect(running.figures().deadLettered).toBe(0);
    await running.stop();
  });
}); // prettier-ignore

test('what was on its way in a repartition when the old version ended is taken by the new one', async () => {
  await using folder = await temporaryFolder();
  const data = folder.path;
  await produce(data, old, byOld('C-1', 1n));
  await runToIdle(data, old);
  const onItsWay = { key: 'P-1', value: old.encode(byOld('C-2', 2n)) };
  await write(data, 'claims-by-policy-repartition', [onItsWay]);
  await runToIdle(data, now);
  expect(await consume(data, 'latest.out', now)).toEqual([
    asNew(byOld('C-1', 1n)),
    asNew({ ...byOld('C-2', 2n), cents: 3n }),
  ]);
  expect((await consume(data, 'latest.out', old)).at(-1)!.note).toBe('note of C-2');
});
