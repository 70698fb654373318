import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { count, json, string, sum, topic, topology } from 'topo-streams';
import { run } from 'topo-streams/run';
import { describe, expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { readTopic, writeTopic } from '../topic-records.ts';
import { temporaryFolder, withBroker } from './folders.ts';

interface Payment {
  readonly id: number;
  readonly cents: number;
}

const payments = topic('payments', string(), json<Payment>());
const PARTITIONS = 2;
const ROUNDS = 6;
const A_ROUND = 40;
const KEYS = 8;

/** Each payment again, and the totals by key. */
const lossy = topology('lossy', t => {
  const stream = t.stream(payments);
  stream.to(topic('copies', string(), json<Payment>()));
  stream
    .groupByKey()
    .aggregate('totals', { payments: count(), cents: sum(({ cents }: Payment) => cents) })
    .to(topic('totals', string(), json<{ payments: number; cents: number }>()));
});

const logOf = (data: string) => join(data, 'log');
const round = (n: number): Payment[] =>
  Array.from({ length: A_ROUND }, (_, i) => ({ id: n * A_ROUND + i, cents: n * 100 + i }));
const keyOf = ({ id }: Payment): string => `P-${id % KEYS}`;

const feed = (data: string, n: number) =>
  withBroker(data, async broker => {
    if ((await broker.topics()).length === 0)
      await broker.createTopics([{ name: 'payments', partitions: PARTITIONS, config: {} }]);
    const records = round(n).map(payment => ({
      key: keyOf(payment),
      value: JSON.stringify(payment),
      timestamp: 1_700_000_000_000 + payment.id,
    }));
    await writeTopic(broker, 'payments', records);
  });

/** What comes then lies in another segment. */
async function seal(data: string): Promise<void> {
  const broker = await openEmbeddedBroker({ disk: await nodeDisk(logOf(data)), segmentBytes: 1 });
  await broker.configureTopic('payments', {});
  await broker.close();
}

async function runToIdle(data: string, acceptLoss = false): Promise<string[]> {
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (_: unknown, message: string) => warnings.push(message), error: () => {} };
  const running = await run(lossy, { data, log, acceptLoss });
  // rejects with what ended it, when it is closed
  await running.idle().catch(() => {});
  await running.stop();
  return warnings;
}

const CHANGELOG = 'lossy-totals-changelog';

/** A folder in which each round was fed and processed, in a segment of its own. */
async function prepared(rounds = ROUNDS, changelog: 'compacted' | 'whole' = 'whole') {
  const temporary = await temporaryFolder();
  const data = join(temporary.path, 'data');
  for (let n = 0; n < rounds; n++) {
    await feed(data, n);
    await runToIdle(data);
    if (n === 0 && changelog === 'whole')
      await withBroker(data, broker =>
        broker.configureTopic(CHANGELOG, { 'cleanup.policy': 'delete', 'retention.ms': '-1' }),
      );
    if (n < rounds - 1) await seal(data);
  }
  return { ...temporary, data, [Symbol.asyncDispose]: temporary[Symbol.asyncDispose] };
}

async function segments(data: string): Promise<string[]> {
  const names = (await readdir(logOf(data))).filter(name => name.endsWith('.seg')).sort();
  return names.map(name => join(logOf(data), name));
}

async function segmentOf(data: string, n: number): Promise<string> {
  for (const path of await segments(data))
    if ((await readFile(path)).includes(`{"id":${round(n)[0]!.id},`)) return path;
  throw new Error(`round ${n} lies nowhere`);
}

async function found(data: string) {
  return withBroker(data, async broker => {
    const ids = async (name: string) =>
      (await readTopic(broker, name)).map(({ value }) => (JSON.parse(value!) as Payment).id).sort((a, b) => a - b);
    const totals = new Map(
      (await readTopic(broker, 'totals')).map(({ key, value }) => [key!, JSON.parse(value!) as object]),
    );
    return { payments: await ids('payments'), copies: await ids('copies'), totals };
  });
}

const idsOf = (...rounds: number[]): number[] => rounds.flatMap(n => round(n).map(({ id }) => id));

function totalsOf(...rounds: number[]): Map<string, object> {
  const totals = new Map<string, { payments: number; cents: number }>();
  for (const payment of rounds.flatMap(round)) {
    const before = totals.get(keyOf(payment)) ?? { payments: 0, cents: 0 };
    totals.set(keyOf(payment), { payments: before.payments + 1, cents: before.cents + payment.cents });
  }
  return totals;
}

const sortedMap = (map: ReadonlyMap<string, object>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

async function expectRefused(data: string, message: RegExp): Promise<void> {
  const before = await filesIn(logOf(data));
  await expect(runToIdle(data)).rejects.toMatchObject({
    code: 'TOPO_LOG_DAMAGED',
    message: expect.stringMatching(message) as string,
  });
  await expect(runToIdle(data)).rejects.toMatchObject({ message: expect.stringContaining('--accept-loss') as string });
  expect(await filesIn(logOf(data))).toEqual(before);
}

async function filesIn(folder: string) {
  // a start that is refused leaves the note that it stopped in order
  const names = (await readdir(folder)).filter(name => !name.endsWith('.sock') && name !== 'clean-stop').sort();
  return Promise.all(names.map(async name => [name, (await readFile(join(folder, name))).toString('latin1')]));
}

/** Another round without acceptance: it and everything that is not lost is in the totals, and no record comes twice. */
async function expectGoesOn(
  data: string,
  kept: { payments: number[]; copies: number[]; totals: number[] },
): Promise<void> {
  await feed(data, ROUNDS);
  expect(await runToIdle(data)).toEqual([]);
  const after = await found(data);
  expect(after.payments).toEqual(idsOf(...kept.payments, ROUNDS));
  expect(after.copies).toEqual(idsOf(...kept.copies, ROUNDS));
  expect(sortedMap(after.totals)).toEqual(sortedMap(totalsOf(...kept.totals, ROUNDS)));
  // and a state that is rebuilt is the same
  await rm(join(data, 'state'), { recursive: true });
  await feed(data, ROUNDS + 1);
  expect(await runToIdle(data)).toEqual([]);
  const rebuilt = await found(data);
  expect(sortedMap(rebuilt.totals)).toEqual(sortedMap(totalsOf(...kept.totals, ROUNDS, ROUNDS + 1)));
}

const PLACES = /payments-[01] \d+–\d+, payments-[01] \d+–\d+, copies-[01]/;
const WRITTEN_ANEW = "the changelog of store 'totals' has lost records: it was written anew from what the store holds";

describe('with --accept-loss', { timeout: 60_000 }, () => {
  test.each(['whole', 'compacted'] as const)(
    'a middle segment that is gone is passed over: the stores have what its changelog had (%s)',
    async changelog => {
      await using folder = await prepared(ROUNDS, changelog);
      const { data } = folder;
      await rm(await segmentOf(data, 2));
      await expectRefused(data, PLACES);
      const warnings = await runToIdle(data, true);
      // what compaction has in files of its own is not lost
      const renewed = changelog === 'whole' ? PARTITIONS : 0;
      expect(warnings.filter(warning => warning === WRITTEN_ANEW)).toHaveLength(renewed);
      expect(warnings.join()).not.toContain('set aside');
      expect(warnings.join()).toContain('the loss is accepted');
      const kept = [0, 1, 3, 4, 5];
      await expectGoesOn(data, { payments: kept, copies: kept, totals: [0, 1, 2, 3, 4, 5] });
    },
  );

  test('a middle segment that is gone, and the state with it: what its changelog said is lost, and said to be', async () => {
    await using folder = await prepared();
    const { data } = folder;
    await rm(await segmentOf(data, 2));
    await rm(join(data, 'state'), { recursive: true });
    const warnings = await runToIdle(data, true);
    expect(warnings.filter(warning => warning.includes('what they said of their keys is lost'))).toHaveLength(
      PARTITIONS,
    );
    // every key was written again in the rounds behind it, with what the totals were before the loss
    const kept = [0, 1, 3, 4, 5];
    await expectGoesOn(data, { payments: kept, copies: kept, totals: [0, 1, 2, 3, 4, 5] });
  });

  test.each(['closed', 'killed'])(
    'the last segment is gone (%s): stores ahead are set aside and rebuilt',
    async how => {
      await using folder = await prepared();
      const { data } = folder;
      await rm((await segments(data)).at(-1)!);
      if (how === 'killed') await rm(join(logOf(data), 'clean-stop'));
      await expectRefused(data, /that file is gone/);
      const warnings = await runToIdle(data, true);
      expect(warnings.filter(warning => warning.includes('it is set aside and rebuilt'))).toHaveLength(PARTITIONS);
      expect((await readdir(join(data, 'state/lossy'))).filter(name => name.includes('.damaged-'))).toHaveLength(
        PARTITIONS,
      );
      const kept = [0, 1, 2, 3, 4];
      await expectGoesOn(data, { payments: kept, copies: kept, totals: kept });
    },
  );

  test.each(['closed', 'killed'])(
    'the last commits are cut off (%s): their work is done again, and no output is there twice',
    async how => {
      await using folder = await prepared(ROUNDS - 1);
      const { data } = folder;
      await feed(data, ROUNDS - 1);
      const last = (await segments(data)).at(-1)!;
      const { length } = await readFile(last);
      await runToIdle(data);
      await truncate(last, length);
      if (how === 'killed') await rm(join(logOf(data), 'clean-stop'));
      await expectRefused(
        data,
        how === 'closed' ? /was closed behind commits? .*copies-[01] \d+–\d+/ : /has commit \d+, and the log/,
      );
      const warnings = await runToIdle(data, true);
      expect(warnings.filter(warning => warning.includes('it is set aside and rebuilt'))).toHaveLength(PARTITIONS);
      const all = [0, 1, 2, 3, 4, 5];
      await expectGoesOn(data, { payments: all, copies: all, totals: all });
    },
  );

  test('the head of the first segment is zeros: what lies behind is kept', async () => {
    await using folder = await prepared();
    const { data } = folder;
    const [first] = await segments(data);
    const bytes = await readFile(first!);
    await writeFile(first!, bytes.fill(0, 0, 100));
    const original = Buffer.from(bytes);
    // the footer is whole, so this is found when somebody reads from there
    await runToIdle(data, true);
    expect(await readFile(`${first!}.damaged`)).toEqual(original);
    const all = [0, 1, 2, 3, 4, 5];
    await expectGoesOn(data, { payments: all, copies: all, totals: all });
  });

  test('a bad batch in a sealed segment ends the run that reads it; with acceptance it goes on with the records behind', async () => {
    await using folder = await prepared(1);
    const { data } = folder;
    for (let n = 1; n < ROUNDS; n++) {
      await seal(data);
      await feed(data, n);
    }
    const victim = await segmentOf(data, 2);
    const bytes = await readFile(victim);
    const key = keyOf(round(2)[0]!);
    bytes[bytes.indexOf(`{"id":${round(2)[0]!.id},`)]! ^= 1;
    await writeFile(victim, bytes);
    await expect(runToIdle(data)).rejects.toMatchObject({
      code: 'TOPO_LOG_DAMAGED',
      message: expect.stringMatching(/payments-[01] \d+–\d+, is bad.*--accept-loss/) as string,
    });
    const warnings = await runToIdle(data, true);
    expect(warnings).toContain('these offsets are lost');
    const { payments: left, copies } = await found(data);
    // one batch is lost: what round 2 had for the partition of that key
    expect(copies).toEqual(left);
    const lost = idsOf(0, 1, 2, 3, 4, 5).filter(id => !left.includes(id));
    expect(lost).toContain(round(2)[0]!.id);
    for (const id of lost) expect(idsOf(2)).toContain(id);
    expect(lost.length).toBeLessThan(A_ROUND);
    const totals = await found(data).then(({ totals: all }) => all.get(key) as { payments: number });
    expect(totals.payments).toBe(left.filter(id => `P-${id % KEYS}` === key).length);
    expect(await runToIdle(data)).toEqual([]);
  });

  test('where nothing is lost nothing changes', async () => {
    await using folder = await prepared(2);
    const { data } = folder;
    expect(await runToIdle(data, true)).toEqual([]);
    expect((await found(data)).copies).toEqual(idsOf(0, 1));
    expect((await readdir(logOf(data))).filter(name => name.includes('damaged'))).toEqual([]);
  });
});
