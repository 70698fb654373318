import { describe, expect, test } from 'vitest';
import { FatalError, json, string, topic, topology, tumbling, within } from '../../src/index.ts';
import type { Stream, Topology } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { readWindows, windowRows } from '../windowed-records.ts';
import { TestWorld, record, short } from '../runtime/world.ts';

const input = topic('in', string(), string());
const right = topic('right', string(), string());
const out = topic('out', string(), string());
const pair = (l: string, r: string | null) => `${l}-${r}`;

const counting = (steps: (stream: Stream<string, string>) => Stream<string, string>): Topology =>
  topology('t', t =>
    steps(t.stream(input))
      .groupByKey()
      .window(tumbling(10, { emit: 'final' }))
      .count('counts')
      .to(windowRows),
  );

describe('stream time', () => {
  test('is each partition’s own: what comes in one closes nothing in another', async () => {
    await using driver = await drive(counting(stream => stream), { partitions: 2 });
    const one = (partition: number, key: string, timestamp: number) => ({ topic: 'in', key, value: 'x', timestamp, partition });
    await driver.pipeAll([one(0, 'a', 1), one(1, 'b', 500)]);
    expect(await readWindows(driver)).toEqual([]);
    await driver.pipeAll([one(0, 'a', 2)]);
    expect(driver.figures().dropped).toEqual({});
    await driver.pipeAll([one(0, 'c', 10)]);
    expect(await readWindows(driver)).toEqual(['a[0,10]=2@2']);
  }); // prettier-ignore

  test('is each step’s own, by the records that reach it: what a filter holds back closes nothing behind it', async () => {
    const both = topology('t', t => {
      const stream = t.stream(input);
      const filtered = stream.filter(value => value !== 'held');
      for (const [name, one] of Object.entries({ all: stream, some: filtered }))
        one
          .groupByKey()
          .window(tumbling(10, { emit: 'final' }))
          .count(name)
          .toStream()
          .map(() => name)
          .keyBy(`by-key-${name}`, (_, { key }) => key.key, string())
          .as(string())
          .to(out);
    });
    await using driver = await drive(both);
    await driver.pipeAll(records('in', 'a=x@1', 'b=held@50'));
    expect(brief(await driver.read('out'))).toEqual(['a=all@1']);
    await driver.pipeAll(records('in', 'a=x@2'));
    expect(driver.figures().steps.flatMap(({ step, dropped }) => (dropped.late ? [step] : []))).toEqual(['all']);
  });

  test('of a join is not moved on by the records of a table', async () => {
    const behind = counting(stream => stream);
    const joined = topology('t', t =>
      t
        .stream(input)
        .leftJoin('with-row', t.table('rows', right), pair)
        .as(string())
        .groupByKey()
        .window(tumbling(10, { emit: 'final' }))
        .count('counts')
        .to(windowRows),
    );
    for (const run of [behind, joined]) {
      await using driver = await drive(run);
      await driver.pipeAll(records('in', 'a=x@1'));
      if (run === joined) await driver.pipeAll(records('right', 'a=row@5000'));
      await driver.pipeAll(records('in', 'a=x@2', 'b=x@10'));
      expect(await readWindows(driver)).toEqual(['a[0,10]=2@2']);
    }
  });

  test('of a versioned table is its partition’s own: what is late in one is not in another', async () => {
    const versions = topology('t', t => t.table('rows', right, { versioned: 10 }).to(out));
    await using driver = await drive(versions, { partitions: 2 });
    const one = (partition: number, key: string, timestamp: number) => ({ topic: 'right', key, value: 'x', timestamp, partition });
    await driver.pipeAll([one(0, 'a', 500), one(1, 'b', 5), one(0, 'c', 5)]);
    expect(brief(await driver.read('out')).sort()).toEqual(['a=x@500', 'b=x@5']);
    expect(driver.figures().dropped).toEqual({ late: 1 });
  }); // prettier-ignore

  test('never goes back, a restart included', async () => {
    const joined = topology('t', t =>
      t.stream(input).join('joined', t.stream(right), within(10), pair).as(string()).to(out),
    );
    for (const crash of [true, false]) {
      await using driver = await drive(joined);
      await driver.pipeAll(records('in', 'k=a@100', 'k=b@5'));
      if (crash) await driver.crash();
      await driver.restart();
      await driver.pipeAll(records('right', 'k=late@50', 'k=c@100'));
      expect(driver.figures().dropped).toEqual({ late: 1 });
      expect(brief(await driver.read('out'))).toEqual(['k=a-c@100']);
    }
  }); // prettier-ignore
});

test('an update that changes nothing comes out also where a run ended with it (KAFKA-12508)', async () => {
  let fails = true;
  const mapped = topology('t', t =>
    t
      .table('rows', input)
      .map(value => {
        if (value === 'B' && fails) throw new FatalError('TOPO_DISK', 'the process ends here');
        return 'same';
      })
      .as(json<string>())
      .to(topic('out', string(), json<string>())),
  );
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  await world.write('in', record('k=A@1'));
  await world.runToIdle(mapped);
  await world.write('in', record('k=B@2'));
  const application = await world.start(mapped);
  await expect(application.done).rejects.toMatchObject({ code: 'TOPO_DISK' });
  fails = false;
  await world.runToIdle(mapped);
  expect(short(await world.read('out'))).toEqual(['k="same"@1', 'k="same"@2']);
});
