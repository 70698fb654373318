import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { levelState } from '../../src/adapters/level/level-state.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { hopping, session, sliding, store, string, topic, topology, tumbling, within } from '../../src/index.ts';
import type { Stream, TopologyBuilder } from '../../src/index.ts';
import { TestWorld } from './world.ts';

const input = topic('in', string(), string());
const other = topic('other', string(), string());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Steps that remember for a while: 100 ms, where they say so. */
const STEPS: Readonly<Record<string, (stream: Stream<string, string>, t: TopologyBuilder) => unknown>> = {
  'tumbling windows': stream => stream.groupByKey().window(tumbling(100)).count('step'),
  'final hopping windows': stream => stream.groupByKey().window(hopping(100, { every: 50, emit: 'final' })).count('step'),
  'sliding windows': stream => stream.groupByKey().window(sliding(50)).count('step'),
  'final sliding windows': stream => stream.groupByKey().window(sliding(50, { emit: 'final' })).count('step'),
  'suppressed windows': stream => stream.groupByKey().window(tumbling(100)).count('step').suppress('held', { timeLimit: 50 }),
  'sessions': stream => stream.groupByKey().window(session(50)).count('step'),
  'a stream-stream join': (stream, t) => stream.join('step', t.stream(other), within(50), (l, r) => l + r),
  'a stream-stream outer join': (stream, t) => stream.outerJoin('step', t.stream(other), within(50), (l, r) => `${l}${r}`),
  'a join that waits for a versioned table': (stream, t) =>
    stream.join('step', t.table('rows', other, { versioned: 100 }), (l, r) => l + r, { grace: 50 }),
  'a dedupe': stream => stream.dedupe('step', { by: value => value, within: 100 }),
  'timers': stream =>
    stream.process('step', {
      stores: { last: store(string()) },
      record(value, { stores, timers, timestamp }) {
        stores.last.put(value);
        timers.set('forget', timestamp + 100);
      },
      timers: { forget: ({ stores }) => stores.last.delete() },
    }),
  'timers that are cancelled long before their time': stream =>
    stream.process('step', {
      record(_, { timers, timestamp }) {
        timers.set('remind', timestamp + 1_000_000_000);
        timers.cancel('remind');
      },
      timers: { remind: () => {} },
    }),
  'buffers': stream => stream.bufferTime('step', 100),
}; // prettier-ignore

const ROUND = 5_000;

/** Time goes on by 1 ms a record, and no key comes a second time: what is kept of one for good shows. */
test.each(Object.entries(STEPS))('memory stays bounded as time goes on: %s', { timeout: 60_000 }, async (_, step) => {
  const folder = await mkdtemp(join(tmpdir(), 'topo-memory-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const state = levelState(join(folder, 'state'));
  await using world = await TestWorld.open({ disk: await nodeDisk(join(folder, 'log')), state });
  for (const name of ['in', 'other']) await world.topic(name, 1);
  const application = await world.start(
    topology('t', t => void step(t.stream(input), t)),
    { memoryBytes: 2 * 1024 * 1024 },
  );
  let time = 0;
  const round = async () => {
    const records = Array.from({ length: ROUND }, () => {
      time++;
      return { key: `key-${time}`, value: `value-${time}`, timestamp: time };
    });
    await world.write('in', ...records);
    await world.write('other', ...records.filter((__, index) => index % 2 === 0));
    await application.idle();
    collect();
    return process.memoryUsage().heapUsed;
  };
  // a key kept of each record is 500 KB a round, in each round; what else comes and goes does not
  const growths: number[] = [];
  for (let heap = await round(); growths.length < 8 && !growths.some(bytes => bytes < 100_000);) {
    const next = await round();
    growths.push(next - heap);
    heap = next;
  }
  expect(Math.min(...growths)).toBeLessThan(100_000);
  await application.stop();
});
