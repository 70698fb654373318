import { describe, expect, test } from 'vitest';
import { count, json, session, sliding, string, topic, topology, tumbling, within } from '../../src/index.ts';
import type { Stream, TopologyBuilder } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import { drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());
const pair = (l: string | null, r: string | null) => `${l}-${r}`;

/** The streams with their tombstones. */
interface Streams {
  readonly l: () => Stream<string, string | null>;
  readonly r: () => Stream<string, string | null>;
}

interface Case {
  readonly build: (streams: Streams, t: TopologyBuilder) => unknown;
  /** Inputs behind those of `COMMON`: `R k=a@3`. */
  readonly fed?: readonly string[];
  /** `step reason: value` of each record that is dropped and can be kept, in order. */
  readonly kept: readonly string[];
  /** `step reason` of those that are counted only: nothing is lost with them. */
  readonly counted?: readonly string[];
}

/** A null value, a null key, and a record that has both. */
const COMMON = ['L k=~@100', 'L ~=keyless@101', 'L k=good@102'];
const LATE = ['L k=far@90000', 'L k=late@103'];
const VALUE = 'step null-value: null';
const KEY = 'step null-key: keyless';
const LATENESS = 'step late: late';

const CASES: Readonly<Record<string, Case>> = {
  'a stream-stream join': {
    build: ({ l, r }) => l().join('step', r(), within(10), pair),
    fed: ['R k=~@104', 'R ~=right@105', ...LATE],
    kept: [VALUE, KEY, VALUE, 'step null-key: right', LATENESS],
  },
  'a stream-stream left join': {
    build: ({ l, r }) => l().leftJoin('step', r(), within(10), pair),
    fed: ['R k=~@104', 'R ~=right@105', ...LATE],
    kept: [VALUE, VALUE, 'step null-key: right', LATENESS],
  },
  'a stream-stream outer join': {
    build: ({ l, r }) => l().outerJoin('step', r(), within(10), pair),
    fed: ['R k=~@104', 'R ~=right@105', ...LATE],
    kept: [VALUE, VALUE, LATENESS],
  },
  'a stream-table join': {
    build: ({ l }, t) => l().join('step', t.table('rows', right), pair),
    fed: ['R ~=row@104', 'R k=~@105'],
    kept: [VALUE, KEY, 'rows null-key: row'],
    counted: ['rows tombstone'],
  },
  'a stream-table left join': {
    build: ({ l }, t) => l().leftJoin('step', t.table('rows', right), pair),
    kept: [VALUE],
  },
  'a join with a versioned table, with a grace': {
    build: ({ l }, t) => l().join('step', t.table('rows', right, { versioned: 10 }), pair, { grace: 5 }),
    fed: ['R ~=row@104', 'R k=row@500', 'R k=late@104'],
    kept: [VALUE, KEY, 'rows null-key: row', 'rows late: late'],
  },
  'a join with a global table': {
    build: ({ l }, t) => l().join('step', t.globalTable('rows', right), value => (value === 'good' ? null : value), pair),
    kept: [VALUE, 'step null-key: good'],
  },
  'a foreign-key join': {
    build: (_, t) => t.table('rows', left).join('step', t.table('others', right), v => (v === 'good' ? null : v), pair),
    kept: ['rows null-key: keyless', 'step null-foreign-key: good'],
    counted: ['rows tombstone'],
  },
  'an aggregate': {
    build: ({ l }) => l().groupByKey().count('step'),
    kept: [VALUE, KEY],
  },
  'an aggregate of two streams': {
    build: ({ l, r }) => l().groupByKey().cogroup({ l: count() }).and(r().groupByKey(), { r: count() }).aggregate('step'),
    fed: ['R k=~@104', 'R ~=right@105'],
    kept: [VALUE, KEY, VALUE, 'step null-key: right'],
  },
  'a tumbling window': {
    build: ({ l }) => l().groupByKey().window(tumbling(10)).count('step'),
    fed: LATE,
    kept: [VALUE, KEY, LATENESS],
  },
  'a sliding window': {
    build: ({ l }) => l().groupByKey().window(sliding(10)).count('step'),
    fed: LATE,
    kept: [VALUE, KEY, LATENESS],
  },
  'a session window': {
    build: ({ l }) => l().groupByKey().window(session(10)).count('step'),
    fed: LATE,
    kept: [VALUE, KEY, LATENESS],
  },
  'a key step in front of an aggregate': {
    build: ({ l }) => l().keyBy('step', value => (value === 'good' ? null : 'k'), string()).groupByKey().count('counts'),
    kept: ['counts null-value: null', 'step null-key: good'],
  },
  'a repartition': {
    build: ({ l }) => l().repartition('step'),
    kept: [KEY],
  },
  'a table of a stream': {
    build: ({ l }) => l().toTable('step'),
    kept: [KEY],
    counted: ['step tombstone'],
  },
  'a process': {
    build: ({ l }) => l().process('step', { record: () => {} }),
    kept: [KEY],
  },
  'a dedupe': {
    build: ({ l }) => l().dedupe('step', { by: value => value, within: 50 }),
    fed: ['L k=good@110'],
    kept: [VALUE, KEY],
    counted: ['step duplicate'],
  },
  'a durable twin': {
    build: ({ l }) => l().pairwise('step'),
    kept: [VALUE, KEY],
  },
  'a stream that asks for no tombstones': {
    build: (_, t) => t.stream(left).to(topic('out', string(), string())),
    kept: [],
    counted: ['values tombstone'],
  },
}; // prettier-ignore

const built = ({ build }: Case) =>
  topology('t', t => {
    build({ l: () => t.stream(left, { tombstones: true }), r: () => t.stream(right, { tombstones: true }) }, t);
  });

function input(text: string): InputRecord {
  const [, side, key, value, timestamp] = /^([LR]) (.*)=(.*)@(\d+)$/.exec(text)!;
  const orNull = (field: string) => (field === '~' ? null : field);
  return { topic: side === 'L' ? 'left' : 'right', key: orNull(key!), value: orNull(value!), timestamp: Number(timestamp) };
} // prettier-ignore

async function droppedBy(one: Case, onDrop: 'count' | 'dead-letter') {
  await using driver = await drive(built(one), { onDrop });
  for (const text of [...COMMON, ...(one.fed ?? [])]) await driver.pipe(input(text));
  const letters = await driver.read<Buffer, Buffer>('t.dead-letters');
  return {
    counts: driver
      .figures()
      .steps.flatMap(({ step, dropped }) =>
        Object.entries(dropped).map(([reason, times]) => `${step} ${reason} ${times}`),
      ),
    kept: letters.map(({ value, headers }) => {
      const texts = headerTexts(headers);
      const reason = /dropped the record: (.*)\.$/.exec(texts['__streams.errors.message']!)?.[1];
      expect(texts['topo.code']).toBe('TOPO_DROPPED');
      return `${texts['topo.step']} ${reason}: ${value?.toString() ?? 'null'}`;
    }),
  };
}

/** `step reason`, as often as it stands there. */
function tally(drops: readonly string[]): string[] {
  const times = new Map<string, number>();
  for (const drop of drops) times.set(drop, (times.get(drop) ?? 0) + 1);
  return [...times].map(([drop, count]) => `${drop} ${count}`).sort();
}

describe.each(Object.entries(CASES))('%s', (_, one) => {
  test('counts what it drops by its reason, and keeps it as a dead letter where that is asked for', async () => {
    const expected = tally([...one.kept.map(drop => drop.replace(/: .*$/, '')), ...(one.counted ?? [])]);
    const kept = await droppedBy(one, 'dead-letter');
    expect(kept.kept).toEqual(one.kept);
    expect([...kept.counts].sort()).toEqual(expected);
    const counted = await droppedBy(one, 'count');
    expect(counted.kept).toEqual([]);
    expect([...counted.counts].sort()).toEqual(expected);
  });
});

test("a step's own onDrop counts more than the run's", async () => {
  const both = topology('t', t => {
    const [stream, rows] = [t.stream(left), t.table('rows', right)];
    stream.join('kept', rows, pair, { onDrop: 'dead-letter' });
    stream.join('counted', rows, pair, { onDrop: 'count' });
  });
  for (const onDrop of ['count', 'dead-letter'] as const) {
    await using driver = await drive(both, { onDrop });
    await driver.pipe(input('L ~=keyless@1'));
    const letters = await driver.read('t.dead-letters');
    expect(letters.map(({ headers }) => headerTexts(headers)['topo.step'])).toEqual(['kept']);
    expect(driver.figures().dropped).toEqual({ 'null-key': 2 });
  }
});

test('a keyBy drops null keys whoever reads it: what goes to a topic does not depend on what else is done with it', async () => {
  const keyed = (alsoCounted: boolean) =>
    topology('t', t => {
      const stream = t.stream(left).keyBy('by', value => (value === 'none' ? null : value), string());
      stream.to(topic('out', string(), string()) as never);
      if (alsoCounted) stream.groupByKey().count('counted');
    });
  for (const alsoCounted of [false, true]) {
    await using driver = await drive(keyed(alsoCounted), { onDrop: 'dead-letter' });
    await driver.pipeAll(records('left', 'k=a@1', 'k=none@2'));
    expect((await driver.read('out')).map(({ key, value }) => [key, value])).toEqual([['a', 'a']]);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1 });
    expect(await driver.read('t.dead-letters')).toHaveLength(1);
  }
});

test('a row that comes out of no group is used, so it is no drop', async () => {
  const grouped = topology('t', t => {
    t.table('rows', left)
      .groupBy('by', value => (value === 'none' ? null : value), string())
      .count('counted')
      .to(topic('out', string(), json<number>()) as never);
  });
  await using driver = await drive(grouped, { onDrop: 'dead-letter' });
  await driver.pipeAll(records('left', 'k=none@1', 'k=a@2', 'k=null@3', 'k=none@4', 'k=null@5'));
  expect(driver.figures().dropped).toEqual({ 'null-key': 2 });
  expect((await driver.read('t.dead-letters')).map(({ timestamp }) => timestamp)).toEqual([1, 4]);
});
