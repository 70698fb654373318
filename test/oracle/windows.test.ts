import { describe, expect, test } from 'vitest';
import { hopping, session, sliding, string, topic, topology, tumbling, windowed } from '../../src/index.ts';
import type { CustomSessionAggregator, Topology, Windowed } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { readCases } from './cases.ts';
import type { OracleCase, OracleOutput, OracleTopology } from './cases.ts';

// Aggregates of windows, co-grouped streams and suppressed tables against what Kafka Streams made of them: every output of every
// input, with key, value and timestamp, in order.

type Kinds<K extends OracleTopology['kind']> = Extract<OracleTopology, { readonly kind: K }>;
type WindowedKind = 'tumbling' | 'hopping' | 'sliding' | 'session';

const input = topic('in', string(), string());
const [left, right] = [topic('left', string(), string()), topic('right', string(), string())];
const rows = topic('out', string(), string());
const windows = topic('out', windowed(string()), string());

const texts: CustomSessionAggregator<string, string> = {
  init: () => '0',
  add: (state, value) => `${state}+${value}`,
  merge: (earlier, later) => earlier + later.slice(1),
  serde: string(),
};

function windowsOf(of: Kinds<WindowedKind>) {
  const options = { grace: of.graceMs, emit: of.emit };
  switch (of.kind) {
    case 'tumbling':
      return tumbling(of.sizeMs, options);
    case 'hopping':
      return hopping(of.sizeMs, { every: of.advanceMs, ...options });
    case 'sliding':
      return sliding(of.diffMs, options);
    case 'session':
      return session(of.gapMs, options);
  }
}

const aggregated = (of: Kinds<WindowedKind>): Topology =>
  topology('t', t => t.stream(input).groupByKey().window(windowsOf(of)).aggregate('sums', texts).to(windows));

const counted = ({ sizeMs, graceMs }: Kinds<'windowed-count-suppressed'>): Topology =>
  topology('t', t =>
    t
      .stream(input)
      .groupByKey()
      .window(tumbling(sizeMs, { grace: graceMs, emit: 'final' }))
      .count('counts')
      .map(String)
      .as(string())
      .to(windows),
  );

const cogrouped = ({ sizeMs, graceMs = 0 }: Kinds<'cogroup'>): Topology =>
  topology('t', t => {
    const both = t
      .stream(left)
      .groupByKey()
      .cogroup((state: string, value: string) => `${state}+l:${value}`)
      .and(t.stream(right).groupByKey(), (state, value) => `${state}+r:${value}`);
    const state = { init: () => '0', serde: string() };
    if (sizeMs === undefined) both.aggregate('both', state).to(rows);
    else
      both
        .window(tumbling(sizeMs, { grace: graceMs }))
        .aggregate('both', state)
        .to(windows);
  });

const suppressed = ({ limitMs, maxRecords }: Kinds<'suppress-time-limit'>): Topology =>
  topology('t', t =>
    t
      .table('rows', input)
      .groupBy('by-value', value => value, string())
      .count('counts')
      .suppress('suppressed', { timeLimit: limitMs ?? '10000 d', ...(maxRecords !== undefined && { maxRecords }) })
      .map(String)
      .as(string())
      .to(rows),
  );

/** What each input led to, as the oracle writes it. */
async function outputsOf({ inputs, topology: { kind } }: OracleCase, run: Topology): Promise<OracleOutput[][]> {
  const close = kind === 'sliding' || kind === 'session' ? ']' : ')';
  const text = (key: string | Windowed<string> | null) =>
    typeof key === 'object' && key !== null ? `${key.key}[${key.start},${key.end}${close}` : key;
  await using driver = await drive(run);
  const outputs: OracleOutput[][] = [];
  for (const record of inputs) {
    await driver.pipe(record);
    const found = await driver.read<string | Windowed<string>, string>('out');
    outputs.push(found.map(({ key, value, timestamp }) => ({ key: text(key), value, timestamp })));
  }
  return outputs;
}

const brief = (outputs: readonly (readonly OracleOutput[])[]): string[][] =>
  outputs.map(found => found.map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`));

/** Kafka Streams counts null values in windows; here they are skipped everywhere. */
const hasNullValue = ({ inputs }: OracleCase): boolean => inputs.some(({ value }) => value === null);

/**
 * A session that is closed stays closed here. Kafka Streams keeps it as long as its store does, and takes it into a later one that
 * is close enough: it retracts what was closed (update), or reports its records again in a second session (final).
 */
function reopensSession({ inputs, outputs, topology: of }: OracleCase): boolean {
  if (of.kind !== 'session') return false;
  const closed = new Map<string, { start: number; end: number }[]>();
  let now = 0;
  return inputs.some(({ key: from, timestamp }, index) => {
    if (from !== null) now = Math.max(now, timestamp);
    return outputs[index]!.some(({ key, value }) => {
      const [, name = '', start, end] = /^(.*)\[(\d+),(\d+)\]$/.exec(key!)!;
      const found = { start: Number(start), end: Number(end) };
      if (of.emit === 'update') return value === null && found.end < now - of.graceMs - of.gapMs;
      const before = closed.get(name) ?? [];
      closed.set(name, [...before, found]);
      return before.some(one => one.start <= found.end && found.start <= one.end);
    });
  });
}

/**
 * What Kafka Streams would have put out if all co-grouped streams had one stream time, as they have here: what closed for one is
 * closed for all. There each stream has its own, and a window takes records of a slower one after its end.
 */
function withOneTime({ inputs, outputs, topology: of }: OracleCase): OracleCase['outputs'] {
  if (of.kind !== 'cogroup' || of.sizeMs === undefined) return outputs;
  const { sizeMs, graceMs = 0 } = of;
  let now = 0;
  return inputs.map(({ key, timestamp }, index) => {
    if (key !== null) now = Math.max(now, timestamp);
    const end = timestamp - (timestamp % sizeMs) + sizeMs;
    return end + graceMs <= now ? [] : outputs[index]!;
  });
}

const cases = readCases();
const ofKind = <K extends OracleTopology['kind']>(kind: K) =>
  cases.filter((one): one is OracleCase & { readonly topology: Kinds<K> } => one.topology.kind === kind);

/** `leftOut`: cases that cannot be compared, counted so that no other is left out by mistake. */
function compare<K extends OracleTopology['kind']>(
  kind: K,
  run: (of: Kinds<K>) => Topology,
  comparable: (one: OracleCase) => boolean,
  leftOut: number,
): void {
  describe(kind, () => {
    const all = ofKind(kind);
    const chosen = all.filter(comparable);
    test(`${all.length - leftOut} of ${all.length} cases are compared`, () => {
      expect(chosen).toHaveLength(all.length - leftOut);
    });
    test.each(chosen.map(one => [one.name, one] as const))('%s', async (_, one) => {
      expect(brief(await outputsOf(one, run(one.topology)))).toEqual(brief(withOneTime(one)));
    });
  });
}

const all = () => true;
const withoutNulls = (one: OracleCase) => !hasNullValue(one);
compare('tumbling', aggregated, withoutNulls, 8);
compare('hopping', aggregated, withoutNulls, 8);
compare('sliding', aggregated, all, 0);
compare('session', aggregated, one => !hasNullValue(one) && !reopensSession(one), 13);
compare('windowed-count-suppressed', counted, withoutNulls, 4);
compare(
  'cogroup',
  cogrouped,
  one => one.topology.kind !== 'cogroup' || one.topology.sizeMs === undefined || !hasNullValue(one),
  3,
);
compare('suppress-time-limit', suppressed, all, 0);
