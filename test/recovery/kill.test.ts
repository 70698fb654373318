import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { CLAIMS_TOPIC, POLICIES_TOPIC } from '../../src/sample/insurance-feed.ts';
import { prepareSample } from '../../src/sample/player.ts';
import { say } from '../say.ts';
import { Dice, seedOf } from '../seed.ts';
import { writeTopic } from '../topic-records.ts';
import type { NewRecord, TopicRecord } from '../topic-records.ts';
import { compileSources } from './compiled.ts';
import { copyFolder, temporaryFolder, withBroker } from './folders.ts';
import { drawMoment, liveUntil, maybeLoseState, phaseOf } from './lives.ts';
import { expectClaimsEnriched, expectFeed } from './insurance-fold.ts';
import { finish } from './outcome.ts';
import { PARTITIONS, PAYMENTS, SAMPLE, SCENARIOS } from './scenarios.ts';
import type { Scenario, ScenarioName } from './scenarios.ts';

/** At least so many of each test, in as many folders as that takes. The long form says how many: `npm run test:kills`. */
const KILLS_A_SCENARIO = Number(process.env['TOPO_KILLS'] ?? 14);
const KILLS_A_FOLDER = Math.max(9, KILLS_A_SCENARIO / 10);
/** The undisturbed run, and a kill with its part of what follows, on a busy machine. */
const timeout = 120_000 + 20_000 * KILLS_A_SCENARIO;
const PAYMENT_RECORDS = 40_000;

const seed = seedOf('kill');
const silent = { info: () => {}, warn: () => {}, error: () => {} };
let compiled: ReturnType<typeof compileSources>;
const kills = { loading: 0, starting: 0, running: 0, idle: 0 };

beforeAll(() => {
  compiled = compileSources('test/recovery');
}, 60_000);

afterAll(() => {
  compiled[Symbol.dispose]();
  tell();
});

const TOLD_EVERY = 50;
const killed = () => kills.loading + kills.starting + kills.running + kills.idle;

function tell(): void {
  const { loading, starting, running, idle } = kills;
  say(`kill: ${killed()} killed: ${loading} loading, ${starting} starting, ${running} running, ${idle} idle`);
}

/** Runs and kills a scenario on a folder until there is nothing left to do, or often enough; returns how often that was. */
async function killOften(name: ScenarioName, data: string, dice: Dice): Promise<number> {
  for (let kill = 1; ; kill++) {
    const life = await liveUntil(compiled.folder, name, data, drawMoment(dice));
    const phase = phaseOf(life);
    kills[phase]++;
    if (killed() % TOLD_EVERY === 0) tell();
    const said = life.lines.filter(line => line.startsWith('warn') || line.startsWith('error'));
    expect(
      said.filter(line => line.includes('set aside')),
      `life ${kill}, killed at ${JSON.stringify(life.moment)}`,
    ).toEqual([]);
    if (phase === 'idle' || kill >= KILLS_A_FOLDER) return kill;
    await maybeLoseState(dice, data);
  }
}

/** Names the first record that differs, out of thousands. */
function expectSame(found: readonly TopicRecord[], expected: readonly TopicRecord[]): void {
  const differs = expected.findIndex((record, index) => JSON.stringify(record) !== JSON.stringify(found[index]));
  expect(found[differs], `record ${differs}`).toEqual(expected[differs]);
  expect(found.length).toBe(expected.length);
}

/** Dead letters carry the manifest's hash, which holds ids of topics that each folder made anew. */
const withoutManifest = (records: readonly TopicRecord[]): TopicRecord[] =>
  records.map(record => ({ ...record, headers: record.headers.filter(([name]) => !/stacktrace|manifest/.test(name)) }));

describe('inputs complete before the start, and no repartition', () => {
  test.concurrent.each([
    ['policy-replica', 'policies.replica', 'policies'],
    ['payment-totals', 'payments.totals', 'totals'],
  ] as const)('%s: outputs equal an uninterrupted run, record by record', { timeout }, async (name, output, store) => {
    await comparedWithUninterrupted(name, output, store);
  });
});

async function comparedWithUninterrupted(name: ScenarioName, output: string, store: string): Promise<void> {
  const { topology, options }: Scenario = SCENARIOS[name];
  const deadLetters = `${topology.name}.dead-letters`;
  await using temporary = await temporaryFolder();
  const input = join(temporary.path, 'input');
  await (name === 'payment-totals' ? preparePayments(input) : prepareInsurance(input, options.partitions!));
  const uninterrupted = join(temporary.path, 'uninterrupted');
  await copyFolder(input, uninterrupted);
  const expected = await finish(name, uninterrupted, [output, deadLetters], [store]);
  expect(expected.topics.get(output)!.length).toBeGreaterThan(5000);
  expect(expected.topics.get(deadLetters)!.length).toBeGreaterThan(0);
  const dice = new Dice(seed + name.length);
  for (let killed = 0; killed < KILLS_A_SCENARIO;) {
    const data = join(temporary.path, `after-${killed}`);
    await copyFolder(input, data);
    killed += await killOften(name, data, dice);
    const outcome = await finish(name, data, [output, deadLetters], [store]);
    await rm(data, { recursive: true });
    expectSame(outcome.topics.get(output)!, expected.topics.get(output)!);
    expect(outcome.stores).toEqual(expected.stores);
    expectSame(
      ...([outcome, expected].map(({ topics }) => withoutManifest(topics.get(deadLetters)!)) as [
        TopicRecord[],
        TopicRecord[],
      ]),
    );
  }
}

describe('calls under way', () => {
  test.concurrent('their results come out once each, and in order for each key', { timeout }, async () => {
    await using temporary = await temporaryFolder();
    const input = join(temporary.path, 'input');
    await preparePayments(input);
    const dice = new Dice(seed + 3);
    for (let killed = 0; killed < KILLS_A_SCENARIO;) {
      const data = join(temporary.path, `after-${killed}`);
      await copyFolder(input, data);
      killed += await killOften('payment-checks', data, dice);
      const topics = [PAYMENTS, 'payments.checked', 'payment-checks.dead-letters'];
      const { topics: found } = await finish('payment-checks', data, topics, []);
      await rm(data, { recursive: true });
      const [taken, checked, refused] = topics.map(topic => found.get(topic)!) as [
        TopicRecord[],
        TopicRecord[],
        TopicRecord[],
      ];
      const traces = (records: readonly TopicRecord[]) =>
        records.map(({ key, headers }) => `${key} ${headers.find(([name]) => name === 'trace')![1]}`);
      expect(traces([...checked, ...refused]).sort()).toEqual(traces(taken).sort());
      const places = new Map(traces(taken).map((trace, place) => [trace, place]));
      const last = new Map<string | null, number>();
      for (const [index, trace] of traces(checked).entries()) {
        const { key } = checked[index]!;
        expect(places.get(trace), trace).toBeGreaterThan(last.get(key) ?? -1);
        last.set(key, places.get(trace)!);
      }
    }
  });
});

describe('claims-enriched while its feed is played', () => {
  test.concurrent.each([1, 2])(
    'every claim event once and in order, totals as the fold of the inputs (%i)',
    { timeout },
    async round => {
      await using temporary = await temporaryFolder();
      const dice = new Dice(seed + round);
      for (let killed = 0; killed < KILLS_A_SCENARIO;) {
        const data = join(temporary.path, `after-${killed}`);
        killed += await killOften('claims-enriched', data, dice);
        const topics = [
          CLAIMS_TOPIC,
          POLICIES_TOPIC,
          'claims.enriched',
          'claims.by-policy',
          'claims-enriched.dead-letters',
        ];
        const outcome = await finish('claims-enriched', data, topics, ['exposure', 'policies', 'claims']);
        await rm(data, { recursive: true });
        expectFeed(outcome, { ...SAMPLE, partitions: PARTITIONS });
        expectClaimsEnriched(outcome);
      }
    },
  );
});

async function prepareInsurance(data: string, partitions: number): Promise<void> {
  await withBroker(data, async broker => {
    const { signal } = new AbortController();
    const options = { ...SAMPLE, policies: 8000 };
    const sample = await prepareSample({ broker, clock: systemClock, log: silent, options, partitions, signal });
    await sample!.play();
  });
}

/** Payments under 3,000 keys, out of order in time, some of them no JSON, some that make their step throw. */
async function preparePayments(data: string): Promise<void> {
  const dice = new Dice(seed);
  const payment = (n: number): NewRecord => {
    const poison = dice.below(500) === 0;
    const cents = dice.below(500) === 0 ? 13 : dice.below(100_000);
    return {
      key: `P-${dice.below(3000)}`,
      value: poison ? `{"cents":${cents}` : JSON.stringify({ cents, purpose: 'x'.repeat(dice.below(200)) }),
      timestamp: 1_600_000_000_000 + n * 1000 - dice.below(60_000),
      headers: [['trace', `t-${n}`]],
    };
  };
  await withBroker(data, async broker => {
    await broker.createTopics([{ name: PAYMENTS, partitions: PARTITIONS, config: {} }]);
    await writeTopic(
      broker,
      PAYMENTS,
      Array.from({ length: PAYMENT_RECORDS }, (_, n) => payment(n)),
    );
  });
}
