import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bufferCount, map } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import { levelState } from '../../src/adapters/level/level-state.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { isRead } from '../../src/graph/edges.ts';
import {
  count,
  hopping,
  last,
  session,
  sliding,
  store,
  string,
  topic,
  topology,
  tumbling,
  within,
} from '../../src/index.ts';
import type { Stream, Table, TopologyBuilder, Windowed } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { TestWorld } from '../runtime/world.ts';
import { Dice, seedOf } from '../seed.ts'; // prettier-ignore

const PARTITIONS = 3;
const left = topic('left', string(), string());
const right = topic('right', string(), string());
const out = topic('out', string(), string());
const pair = (l: string | null, r: string | null) => `${l}-${r}`;
/** Values are `p3` and the like. */
const letterOf = (value: string) => value[0]!;

/** Rows of windows, with the window in the value. */
const rows = <V>(table: Table<Windowed<string>, V>): Stream<string, string> =>
  table
    .toStream()
    .map((value, { key: { start, end } }) => `${start}..${end} ${String(value)}`)
    .keyBy('by-key', (_, { key }) => key.key, string());

/** One of each family of operators. What it returns is written to `out`. */
const FAMILIES: Readonly<Record<string, (t: TopologyBuilder, l: Stream<string, string>) => Stream<string, string>>> = {
  'a stream-stream join': (t, l) => l.outerJoin('step', t.stream(right), within(20, { grace: 10 }), pair),
  'a stream-table join, counted behind a repartition': (t, l) =>
    l
      .leftJoin('step', t.table('rows', right), pair)
      .as(string())
      .groupBy('by', value => value.split('-')[1]!.slice(0, 1), string())
      .count('counts')
      .toStream()
      .map(String),
  'a join with a versioned table': (t, l) => l.leftJoin('step', t.table('rows', right, { versioned: 100 }), pair, { grace: 10 }),
  'a join with a global table': (t, l) => l.leftJoin('step', t.globalTable('rows', right), letterOf, pair),
  'a table-table join': (t, l) => l.toTable('lefts').outerJoin('step', t.table('rows', right), pair).toStream().map(String),
  'a foreign-key join': (t, l) => l.toTable('lefts').leftJoin('step', t.table('rows', right), letterOf, pair).toStream().map(String),
  'tumbling windows behind a repartition': (_, l) => rows(l.groupBy('by', letterOf, string()).window(tumbling(30)).count('step')),
  'final hopping windows': (_, l) => rows(l.groupByKey().window(hopping(30, { every: 10, grace: 10, emit: 'final' })).count('step')),
  'sliding windows': (_, l) => rows(l.groupByKey().window(sliding(20, { grace: 10 })).count('step')),
  'final sessions': (_, l) => rows(l.groupByKey().window(session(10, { grace: 10, emit: 'final' })).count('step')),
  'an aggregate of two streams': (t, l) =>
    l.groupByKey().cogroup({ n: count() }).and(t.stream(right).groupByKey(), { last: last() }).aggregate('step').toStream().map(row => JSON.stringify(row)),
  'a suppressed aggregate of a table': (_, l) =>
    l.toTable('lefts').groupBy('by', letterOf, string()).count('step').suppress('held', { timeLimit: 15, maxRecords: 2 }).toStream().map(String),
  'timers and intervals': (_, l) =>
    l.process('step', {
      stores: { last: store(string()) },
      forwards: string(),
      record(value, { stores, timers, timestamp }) {
        stores.last.put(value);
        timers.set('quiet', timestamp + 15);
      },
      timers: { quiet: ({ stores, forward }) => forward(`${stores.last.get()} was the last`) },
      intervals: { beat: { every: 40, run: ({ timestamp, forward }) => forward(`beat ${timestamp}`) } },
    }),
  'durable twins': (_, l) => l.dedupe('once', { by: value => value, within: 40 }).debounceTime('calm', 5).pairwise('pairs').map(String),
  'calls': (_, l) => l.mapAsync('call', async value => { if (value.endsWith('7')) throw new Error('no'); return value; }),
  'RxJS operators': (_, l) => l.pipe(bufferCount(2), map(list => ({ key: list[0]!.key, value: list.map(({ value }) => value).join() }))),
}; // prettier-ignore

interface Fed {
  readonly topic: 'left' | 'right';
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

/** Out of order, some late; the last one closes what is open. */
function drawn(dice: Dice): Fed[] {
  let time = 0;
  const records = Array.from({ length: 40 }, (_, index): Fed => {
    time += dice.below(8);
    const timestamp = dice.below(3) === 0 ? Math.max(0, time - dice.below(30)) : time;
    const side = dice.oneOf(['left', 'left', 'right'] as const);
    return { topic: side, key: dice.oneOf(['p', 'q', 'r', 's']), value: `${dice.oneOf(['p', 'q', 'r'])}${index}`, timestamp };
  }); // prettier-ignore
  return [
    ...records,
    ...['p', 'q', 'r', 's'].map(key => ({ topic: 'left', key, value: 'p', timestamp: 9999 }) as const),
  ];
}

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

test.each(Object.entries(FAMILIES))(
  'the driver gives what the broker on disk gives when each record is committed before the next is fed: %s',
  async (family, build) => {
    const seed = seedOf(family);
    const graph = topology('t', t => build(t, t.stream(left)).as(string()).to(out));
    const read = new Set(graph.nodes.flatMap(node => (isRead(node) ? [node.topic.name] : [])));
    const inputs = drawn(new Dice(seed)).filter(one => read.has(one.topic));
    const headers = [['from', 'a test']] as const;

    await using driver = await drive(graph, { partitions: PARTITIONS });
    for (const input of inputs) await driver.pipe({ ...input, headers: [['from', Buffer.from('a test')]] });
    const driven = (await driver.read<string, string>('out')).map(({ partition, offset, timestamp, key, value, headers: had }) => ({
      ...{ partition, offset, timestamp, key, value },
      headers: had.map(([name, bytes]) => [name, text(bytes)]),
    })); // prettier-ignore

    const folder = await mkdtemp(join(tmpdir(), 'topo-driver-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const state = levelState(join(folder, 'state'));
    await using world = await TestWorld.open({ disk: await nodeDisk(join(folder, 'log')), state });
    const application = await world.start(graph, { partitions: PARTITIONS });
    for (const { topic: to, ...input } of inputs) {
      await world.write(to, { ...input, headers });
      await application.idle();
    }
    expect(driven, `seed ${seed}`).toEqual(await world.read('out'));
    expect((await driver.read('t.dead-letters')).length).toBe((await world.read('t.dead-letters')).length);
    expect(driven.length).toBeGreaterThan(5);
    await application.stop();
  },
);
