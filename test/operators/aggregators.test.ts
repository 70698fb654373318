import { describe, expect, test } from 'vitest';
import { serdeOf } from '../../src/serdes/index.ts';
import {
  avg,
  collect,
  count,
  countDistinct,
  first,
  json,
  last,
  max,
  min,
  string,
  sum,
  topN,
  topic,
  topology,
} from '../../src/index.ts';
import { brief, drive } from '../drive.ts';

interface Sale {
  shop: string;
  item: string;
  price: number;
}

const sales = topic('sales', string(), json<Sale>());
const out = topic('out', string(), json());
const sale = (key: string, value: Sale | null, timestamp: number) => ({ topic: 'sales', key, value, timestamp });
const sold = (item: string, price: number, timestamp: number) => sale('k', { shop: 'S', item, price }, timestamp);

describe('aggregators composed on a stream', () => {
  const all = topology('t', t => {
    t.stream(sales)
      .groupByKey()
      .aggregate('shown', {
        n: count(),
        total: sum(({ price }) => price),
        least: min(({ price }) => price),
        greatest: max(({ item }) => item),
        mean: avg(({ price }) => price),
        first: first(({ item }) => item),
        last: last(({ item }) => item),
        items: countDistinct(({ item }) => item),
        dearest: topN(
          2,
          ({ price }) => price,
          ({ item }) => item,
        ),
        prices: collect(({ price }) => price),
      })
      .to(out);
  });

  test('give running results, which survive the store', async () => {
    await using driver = await drive(all);
    await driver.pipeAll([sold('pen', 3, 1), sold('ink', 9, 2), sold('pen', 6, 3)]);
    const after = {
      n: 3,
      total: 18,
      least: 3,
      greatest: 'pen',
      mean: 6,
      first: 'pen',
      last: 'pen',
      items: 2,
      dearest: ['ink', 'pen'],
      prices: [3, 9, 6],
    };
    const results = await driver.read('out');
    expect(results.map(({ value }) => (value as typeof after).prices)).toEqual([[3], [3, 9], [3, 9, 6]]);
    expect(results[2]!.value).toEqual(after);
    expect(await driver.store('shown').get('k')).toEqual(after);
  });

  test('dead-letter a value that one of them cannot take, and keep the state of before', async () => {
    await using driver = await drive(all);
    await driver.pipeAll([sold('pen', 3, 1), sale('k', { shop: 'S', item: 'ink' } as Sale, 2), sold('pen', 5, 3)]);
    expect(driver.figures().deadLettered).toBe(1);
    expect((await driver.read('out')).map(({ value }) => (value as { prices: number[] }).prices)).toEqual([
      [3],
      [3, 5],
    ]);
  });
});

describe('aggregators composed on a table', () => {
  const perShop = topology('t', t => {
    t.table('rows', sales)
      .groupBy('by-shop', row => row.shop, string())
      .aggregate('shown', { items: countDistinct(row => row.item), mean: avg(row => row.price), all: collect(row => row.item) })
      .to(out); // prettier-ignore
  });

  test('hold what the rows that are there come to', async () => {
    await using driver = await drive(perShop);
    await driver.pipeAll([
      sale('1', { shop: 'A', item: 'pen', price: 2 }, 1),
      sale('2', { shop: 'A', item: 'pen', price: 4 }, 2),
      sale('1', { shop: 'A', item: 'ink', price: 8 }, 3),
      sale('2', { shop: 'B', item: 'pen', price: 4 }, 4),
      sale('1', null, 5),
    ]);
    expect(brief(await driver.read('out'))).toEqual([
      'A={"items":1,"mean":2,"all":["pen"]}@1',
      'A={"items":1,"mean":3,"all":["pen","pen"]}@2',
      'A={"items":2,"mean":6,"all":["pen","ink"]}@3',
      'A={"items":1,"mean":8,"all":["ink"]}@4',
      'B={"items":1,"mean":4,"all":["pen"]}@4',
      'A={"items":0,"mean":null,"all":[]}@5',
    ]);
  });

  test('have no row where the only one has no result', async () => {
    await using driver = await drive(
      topology('t', t => {
        t.table('rows', sales)
          .groupBy('by-shop', row => row.shop, string())
          .aggregate(
            'mean',
            avg(row => row.price),
          ) // prettier-ignore
          .to(out);
      }),
    );
    const row = { shop: 'A', item: 'pen', price: 2 };
    await driver.pipeAll([sale('1', row, 1), sale('1', null, 2), sale('2', row, 3)]);
    expect(brief(await driver.read('out'))).toEqual(['A=2@1', 'A=null@2', 'A=2@3']);
  });

  test('give results that are grouped again, in a format that the description alone reads', async () => {
    const graph = topology('t', t => {
      t.table('rows', sales)
        .groupBy('by-shop', row => row.shop, string())
        .aggregate('mean', { mean: avg(row => row.price), all: collect(row => row.item) })
        .groupBy('by-size', ({ all }) => String(all.length), string())
        .aggregate('means', { means: collect(({ mean }) => mean) })
        .to(out);
    });
    const repartition = graph.nodes.find(({ id }) => id === 'by-size')!;
    expect(repartition).toMatchObject({
      value: { type: 'change', of: { type: 'aggregate', fields: [['mean', 'result of avg'], ['all', 'collect']] } },
    }); // prettier-ignore
    const description = 'value' in repartition ? repartition.value : { type: 'bytes' as const };
    const value = { old: null, new: { mean: 1.5, all: ['x'] } };
    const serde = serdeOf(description)!;
    expect(serde.decode(serde.encode(value))).toEqual(value);

    await using driver = await drive(graph);
    await driver.pipeAll([
      sale('1', { shop: 'A', item: 'pen', price: 2 }, 1),
      sale('2', { shop: 'B', item: 'ink', price: 4 }, 2),
      sale('3', { shop: 'A', item: 'ink', price: 4 }, 3),
    ]);
    const results = new Map((await driver.read('out')).map(({ key, value }) => [key, value]));
    expect(Object.fromEntries(results)).toEqual({ '1': { means: [4] }, '2': { means: [3] } });
  });
});
