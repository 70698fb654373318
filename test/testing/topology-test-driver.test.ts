import { bufferTime, concatMap, map, mergeMap, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { json, string, sum, topic, topology, windowed } from '../../src/index.ts';
import { TopologyTestDriver } from '../../src/testing/index.ts';
import { brief, drive, records } from '../drive.ts';
import { Dice, seedOf } from '../seed.ts';

const orders = topic('orders', string(), string());
const enriched = topic('enriched', string(), string());
const totals = topic('totals', string(), json<unknown>());

describe('the driver', () => {
  test('loses in a crash what was not committed, and goes on from what was', async () => {
    const counted = topology('t', t => void t.stream(orders).groupByKey().count('count').to(totals));
    await using driver = await drive(counted);
    await driver.pipeAll(records('orders', 'k=a@1', 'l=b@2'));
    await driver.crash();
    await driver.send(...records('orders', 'k=c@3'));
    expect(brief(await driver.read('totals'))).toEqual(['k=1@1', 'l=1@2']);
    await driver.restart();
    await driver.idle();
    expect(brief(await driver.read('totals'))).toEqual(['k=2@3']);
    expect(await driver.store('count').get('k')).toBe(2);
    await driver.restart();
    await driver.pipe(records('orders', 'l=d@4')[0]!);
    expect(brief(await driver.read('totals'))).toEqual(['l=2@4']);
  });

  test('crashes as a process dies: what was processed and not yet committed is taken again', async () => {
    let calls = 0;
    let crashed: Promise<void> | undefined;
    const watched = topology('t', t => {
      t.stream(orders)
        .map(value => {
          if (++calls === 1) crashed = driver.crash();
          return value;
        })
        .as(string())
        .to(enriched);
    });
    await using driver = await drive(watched);
    await driver.send(...records('orders', 'k=a@1'));
    while (crashed === undefined) await new Promise(resolve => setImmediate(resolve));
    await crashed;
    expect(await driver.read('enriched')).toEqual([]);
    await driver.restart();
    await driver.idle();
    expect(brief(await driver.read('enriched'))).toEqual(['k=a@1']);
    expect(calls).toBe(2);
  });

  test('fed and crashed at any moment, it gives each result once', async () => {
    const dice = new Dice(seedOf('driver crashes'));
    const summed = topology('t', t => {
      t.stream(orders)
        .groupBy('by-value', value => value, string())
        .aggregate('amounts', { total: sum(value => Number(value)) })
        .to(totals);
    });
    await using driver = await drive(summed, { partitions: 2 });
    const expected = new Map<string, number[]>();
    for (let at = 0; at < 60; at++) {
      const value = String(1 + dice.below(4));
      const results = expected.get(value) ?? [];
      expected.set(value, [...results, (results.at(-1) ?? 0) + Number(value)]);
      await driver.send(...records('orders', `k${dice.below(9)}=${value}@${at}`));
      if (dice.below(4) > 0) continue;
      await driver.crash();
      await driver.restart();
    }
    await driver.idle();
    const given = new Map<string, number[]>();
    for (const { key, value } of await driver.read<string, { total: number }>('totals'))
      given.set(key!, [...(given.get(key!) ?? []), value!.total]);
    expect(new Map([...given].sort())).toEqual(new Map([...expected].sort()));
  });

  test('feeds windowed keys where a topology writes them: each where its key lies', async () => {
    const windows = topic('windows', windowed(string()), string());
    const copied = topology('t', t => void t.stream(windows).to(topic('copy', windowed(string()), string())));
    await using driver = await drive(copied, { partitions: 8 });
    const keys = Array.from({ length: 24 }, (_, n) => ({ key: `k${n % 4}`, start: n * 1000, end: (n + 1) * 1000 }));
    await driver.pipeAll(keys.map(key => ({ topic: 'windows', key, value: 'x', timestamp: key.start })));
    type Key = (typeof keys)[number];
    const [fed, written] = [await driver.read<Key>('windows'), await driver.read<Key>('copy')];
    const places = (found: typeof fed) => new Set(found.map(({ key, partition }) => `${key!.key} in ${partition}`));
    expect(places(fed).size).toBe(4);
    expect(places(written)).toEqual(places(fed));
  });

  test('names the topic that cannot hold what it was fed', async () => {
    const passes = topology('app', t => t.stream(topic('in', string(), string())).to(topic('out', string(), string())));
    await using driver = await TopologyTestDriver.start(passes);
    const fed = (record: object) => driver.pipe({ topic: 'in', key: 'k', value: 'v', ...record });
    await expect(fed({ value: 5 })).rejects.toThrow(
      'the value of a record fed to topic in does not encode as string: expected a string, got a number',
    );
    await expect(fed({ key: {} })).rejects.toThrow('the key of a record fed to topic in does not encode as string');
    await expect(fed({ timestamp: NaN })).rejects.toThrow(
      'topic in was fed a record whose timestamp is no whole number',
    );
    await fed({});
    expect(await driver.read('out')).toHaveLength(1);
  });

  test('leaves nothing open when the topology cannot start', async () => {
    const clash = topology('t', t => {
      const table = t.table('rows', topic('a', string(), string(), { partitions: 2 }));
      t.stream(orders)
        .join('joined', table, value => value)
        .as(string())
        .to(enriched);
    });
    await expect(TopologyTestDriver.start(clash, { partitions: 3 })).rejects.toThrow(/equal keys would lie/);
  });

  const later = topology('later', t => {
    t.stream(orders)
      .pipe(({ scheduler }) => concatMap(one => timer(250, scheduler).pipe(map(() => one))))
      .as(string())
      .to(enriched);
  });

  test('says that it waits for its clock where a timer of a pipe has to go on, and goes on when the clock does', async () => {
    await using driver = await drive(later);
    await expect(driver.pipe(records('orders', 'k=a@1')[0]!)).rejects.toMatchObject({
      code: 'TOPO_CLOCK_STILL',
      message: expect.stringMatching(
        /^'later' waits for the driver's clock.*in 250 ms.*send\(…\).*advance\(…\).*idle\(\)/,
      ) as unknown,
    });
    await driver.advance(250);
    await driver.idle();
    expect(brief(await driver.read('enriched'))).toEqual(['k=a@1']);
  });

  test('says so where a call is to be made again', async () => {
    let isUp = false;
    const calling = topology('calling', t => {
      t.stream(orders)
        .mapAsync('call', async order => (isUp ? order : Promise.reject(new Error('down'))), { retry: { times: 1 } })
        .as(string())
        .to(enriched);
    });
    await using driver = await drive(calling);
    await expect(driver.pipe(records('orders', 'k=a@1')[0]!)).rejects.toThrow(/in 100 ms something is due/);
    isUp = true;
    await driver.advance(100);
    await driver.idle();
    expect(brief(await driver.read('enriched'))).toEqual(['k=a@1']);
  });

  test('waits for what comes from the outside, though a timer is set', async () => {
    let answer = (): void => {};
    const answered = new Promise<void>(resolve => (answer = resolve));
    const asking = topology('asking', t => {
      t.stream(orders)
        .pipe(
          concatMap(async one => {
            await answered;
            return one;
          }),
          ({ scheduler }) => bufferTime(60_000, scheduler),
          mergeMap(list => list),
        )
        .as(string())
        .to(enriched);
    });
    await using driver = await drive(asking);
    await driver.send(...records('orders', 'k=a@1'));
    const idle = driver.idle();
    for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve));
    answer();
    await idle;
    expect(brief(await driver.read('enriched'))).toEqual(['k=a@1']);
  });
});
