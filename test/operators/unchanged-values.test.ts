import { describe, expect, test } from 'vitest';
import { bytes, count, json, string, sum, topic, topology } from '../../src/index.ts';
import type { Serde, Stream } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { headerTexts } from '../headers.ts';

interface Row {
  id: string;
  n: number;
}

const input = topic('in', string(), json<Row>());
/** The same value as `json` would write without its spaces. */
const spaced = (id: string, n = 1) => Buffer.from(`{ "id": "${id}", "n": ${n} }`);
const row = (value: Uint8Array | null, timestamp = 1) => ({ topic: 'in', key: 'k', value, timestamp });

/** What lies in the repartition topic behind these steps. */
async function repartitioned(steps: (stream: Stream<string, Row>) => Stream<string, Row>, value: Uint8Array | null) {
  const topo = topology('t', t => {
    steps(t.stream(input))
      .keyBy('by-id', row => row?.id ?? 'none', string())
      .repartition('moved');
  });
  await using driver = await drive(topo);
  await driver.pipe({ ...row(value), headers: [['h', Buffer.from('x')]] });
  const moved = await driver.read<Buffer, Buffer | null>('t-moved-repartition');
  return moved.map(({ key, value, timestamp, headers }) => [
    `${String(key)}=${value === null ? 'null' : String(value)}@${timestamp}`,
    headerTexts(headers),
  ]);
}

describe('a value that comes from a topic', () => {
  test('goes on as its bytes, with its headers, where only predicates and keys have seen it', async () => {
    const moved = await repartitioned(
      stream => stream.filter(({ n }) => n > 0).merge(stream.filter(({ n }) => n < 0)),
      spaced('a'),
    );
    expect(moved).toEqual([[`a=${spaced('a').toString()}@1`, { h: 'x' }]]);
  });

  test('is written anew behind a map that returns it, and behind a peek, which may both have changed it', async () => {
    const change = (row: Row) => {
      row.n = 7;
      return row;
    };
    for (const steps of [
      (stream: Stream<string, Row>) => stream.map(change).as(json<Row>()),
      (stream: Stream<string, Row>) => stream.peek(change),
    ])
      expect(await repartitioned(steps, spaced('a'))).toEqual([['a={"id":"a","n":7}@1', { h: 'x' }]]);
  });

  test('is a dead letter where it does not decode, though it would only be copied', async () => {
    await using driver = await drive(
      topology('t', t => {
        t.stream(input).to(topic('out', string(), json<Row>()));
      }),
    );
    await driver.pipeAll([row(Buffer.from('{')), row(spaced('a'), 2)]);
    expect(await driver.read('out')).toMatchObject([{ key: 'k', value: { id: 'a', n: 1 }, timestamp: 2 }]);
    expect(await driver.read('t.dead-letters')).toHaveLength(1);
  });

  test('keeps its value and headers under the key that a step gave it', async () => {
    await using driver = await drive(
      topology('t', t => {
        t.stream(input)
          .keyBy('by-id', ({ id }) => id)
          .to(topic('out', string(), json<Row>()));
      }),
    );
    await driver.pipe({ ...row(spaced('a')), headers: [['h', Buffer.from('x')]] });
    await driver.pipe({ ...row(spaced('b'), 2), key: null, partition: 0 });
    const out = await driver.read('out');
    expect(out.map(({ key, value, headers }) => [key, value, headerTexts(headers)])).toEqual([
      ['a', { id: 'a', n: 1 }, { h: 'x' }],
      ['b', { id: 'b', n: 1 }, {}],
    ]);
  });

  test('is written anew in a format of the user’s own, which may read an older one', async () => {
    const upgrading: Serde<Row> = {
      ...json<Row>(),
      description: { type: 'custom', name: 'row' },
      decode: bytes => ({ ...json<Row>().decode(bytes), n: 2 }),
    };
    const topo = topology('t', t => {
      t.stream(topic('in', string(), upgrading)).repartition('moved');
    });
    await using driver = await drive(topo);
    await driver.pipe(row(spaced('a')));
    const [moved] = await driver.read<Buffer, Buffer>('t-moved-repartition');
    expect(String(moved!.value)).toBe('{"id":"a","n":2}');
  });

  test('is not looked at where it is bytes, under another key too', async () => {
    await using driver = await drive(
      topology('t', t => {
        t.stream(topic('in', string(), bytes()))
          .keyBy('same', (_, { key }) => key)
          .to(topic('out', string(), bytes()));
      }),
    );
    await driver.pipeAll([row(Buffer.from('{'))]);
    expect((await driver.read<string, Buffer>('out')).map(({ key, value }) => [key, String(value)])).toEqual([
      ['k', '{'],
    ]);
  });
});

describe('a value behind a repartition', () => {
  test('is counted without being read, and a null one is not counted', async () => {
    let decoded = 0;
    const counting: Serde<Row> = {
      ...json<Row>(),
      description: { type: 'custom', name: 'row' },
      decode(bytes) {
        decoded++;
        return json<Row>().decode(bytes);
      },
    };
    const topo = topology('t', t => {
      t.stream(topic('in', string(), counting))
        .repartition('moved')
        .groupByKey()
        .count('counted')
        .to(topic('out', string(), json<number>()));
    });
    await using driver = await drive(topo);
    await driver.pipeAll([row(spaced('a')), row(null, 2), row(spaced('b'), 3)]);
    expect((await driver.read('out')).map(({ value }) => value)).toEqual([1, 2]);
    expect(decoded).toBe(2);
  });
});

describe('a state that stays in memory', () => {
  const totals = topology('t', t => {
    t.stream(input)
      .groupByKey()
      .aggregate('totals', { n: count(), sum: sum(({ n }) => n) })
      .map(result => {
        const shown = { ...result };
        result.n = 100;
        return shown;
      })
      .to(topic('out', string(), json<{ n: number; sum: number }>()));
  });

  test('is not what a step behind it gets to change', async () => {
    await using driver = await drive(totals);
    await driver.pipeAll([row(spaced('a', 2)), row(spaced('a', 3), 2)]);
    expect((await driver.read('out')).map(({ value }) => value)).toEqual([
      { n: 1, sum: 2 },
      { n: 2, sum: 5 },
    ]);
  });

  test('is what it was before a record that failed', async () => {
    const failing = topology('t', t => {
      t.stream(input)
        .groupByKey()
        .count('counted')
        .map(n => {
          if (n === 2) throw new Error('not this one');
          return n;
        })
        .to(topic('out', string(), json<number>()));
    });
    await using driver = await drive(failing);
    await driver.pipeAll([row(spaced('a')), row(spaced('a'), 2), row(spaced('a'), 3)]);
    expect((await driver.read('out')).map(({ value }) => value)).toEqual([1]);
    expect(await driver.read('t.dead-letters')).toHaveLength(2);
    expect(await driver.store('counted').get('k')).toBe(1);
  });

  test('comes back after a restart, a bigint beyond 64 bits too', async () => {
    const large = topology('t', t => {
      t.stream(input)
        .groupByKey()
        .sum('summed', ({ n }) => BigInt(n) * 2n ** 70n)
        .to(topic('out', string(), json<bigint>()));
    });
    await using driver = await drive(large);
    await driver.pipe(row(spaced('a', 1)));
    await driver.restart();
    await driver.pipe(row(spaced('a', 2), 2));
    expect((await driver.read('out')).map(({ value }) => value)).toEqual([2n ** 70n, 3n * 2n ** 70n]);
  });
});
