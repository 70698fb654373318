import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { single } from '../../src/dsl/composed-aggregator.ts';
import type { FieldAggregator, InvertibleAggregator } from '../../src/index.ts';
import { TopologyError, collect, countDistinct, first, last, max, min, topN } from '../../src/index.ts';
import { seedOf } from '../seed.ts';

/** As the runtime does it: the state is written and read again between two values. */
function fold<V, R>(field: FieldAggregator<V, R>, values: readonly V[], gone: readonly V[] = []): R {
  const aggregator = single(field);
  const { serde } = aggregator;
  const stored = (state: unknown) => (state === null ? null : serde.decode(serde.encode(state)));
  let state = aggregator.init();
  for (const value of values) state = stored(aggregator.add(state ?? aggregator.init(), value));
  for (const value of gone) state = stored(aggregator.subtract!(state, value));
  return aggregator.result(state);
}

const untyped = (value: unknown) => value as never;

describe('min and max', () => {
  test('take numbers, bigints, or strings by code units', () => {
    expect(fold(min(Number), ['3', '-1', '2'])).toBe(-1);
    expect(fold(max(BigInt), ['3', '-1', '2'])).toBe(3n);
    const words = ['b', 'B', 'ä', '\u{1F600}', '\uFF5E'];
    expect(
      fold(
        min((word: string) => word),
        words,
      ),
    ).toBe('B');
    expect(
      fold(
        max((word: string) => word),
        words,
      ),
    ).toBe('\uFF5E');
  });

  test('refuse types that meet', () => {
    expect(() => fold(min<unknown, number>(untyped), [1, 1n])).toThrow(/min compares a number with a bigint/);
    expect(() => fold(max<unknown, number>(untyped), ['1', 1])).toThrow(/max compares a string with a number/);
  });

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [true, 'a boolean'],
    [new Date(0), 'an object'],
  ])('refuse %s', (value, name) => {
    const message = `min takes numbers, bigints or strings: its function returned ${name}`;
    expect(() => fold(min<unknown, number>(untyped), [value])).toThrow(new TypeError(message));
    expect(() => fold(min<unknown, number>(untyped), [1, value])).toThrow(new TypeError(message));
  });
});

describe('first and last', () => {
  test('keep the value, or what a function makes of it', () => {
    const values = [{ n: 1, tags: ['a'] }, { n: 2, tags: [] }, { n: 3, tags: ['c'] }]; // prettier-ignore
    expect(fold(first(), values)).toEqual(values[0]);
    expect(fold(last(), values)).toEqual(values[2]);
    expect(
      fold(
        first((value: (typeof values)[0]) => value.tags),
        values,
      ),
    ).toEqual(['a']);
    expect(
      fold(
        last((value: (typeof values)[0]) => value.n),
        values,
      ),
    ).toBe(3);
  });

  test('keep a null, which is a value like any other', () => {
    expect(fold(first<null | number>(), [null, 1])).toBeNull();
    expect(fold(last<null | number>(), [1, null])).toBeNull();
    expect(fold(last<null | number>(), [null, 1])).toBe(1);
  });

  test('refuse what is no plain data', () => {
    expect(() => fold(first(untyped), [undefined])).toThrow(
      new TypeError('first keeps plain data: its function returned undefined'),
    );
    expect(() => fold(last(), [{ at: new Date(0) }])).toThrow(
      new TypeError('last keeps plain data: its function returned an instance of Date at .at'),
    );
    expect(() => fold(last(), [Promise.resolve(1)])).toThrow(/an instance of Promise/);
  });
});

describe('countDistinct', () => {
  test('tells values apart as === does', () => {
    expect(
      fold(
        countDistinct(value => value as string),
        ['1', 1, 1n, true, 'true', 1, '1'],
      ),
    ).toBe(5);
    expect(
      fold(
        countDistinct((value: number) => value),
        [0, -0],
      ),
    ).toBe(1);
  });

  test('counts a value until its last row has gone', () => {
    const colours = countDistinct((value: string) => value);
    expect(fold(colours, ['red', 'blue', 'red'], ['red'])).toBe(2);
    expect(fold(colours, ['red', 'blue', 'red'], ['red', 'red'])).toBe(1);
    expect(fold(colours, ['red'], ['red'])).toBe(0);
  });

  test.each([undefined, null, NaN, [1], {}])('refuses %o', value => {
    expect(() => fold(countDistinct(untyped), [value])).toThrow(
      /^countDistinct takes strings, numbers, bigints or booleans/,
    );
  });
});

describe('topN', () => {
  interface Sale {
    by: string;
    cents: number;
  }
  const sales = [3, 9, 1, 9, 5].map((cents, index): Sale => ({ by: 'abcde'[index]!, cents }));

  test('keeps the largest, and of equal ones the earlier', () => {
    const top = (n: number) => fold(topN(n, (sale: Sale) => sale.cents, sale => sale.by), sales); // prettier-ignore
    expect([1, 2, 3, 9].map(n => top(n).join(''))).toEqual(['b', 'bd', 'bde', 'bdeac']);
    expect(
      fold(
        topN(1, (sale: Sale) => BigInt(sale.cents)),
        sales,
      ),
    ).toEqual([{ by: 'b', cents: 9 }]);
  });

  test('gives what sorting all values gives', () => {
    const seed = seedOf('topN');
    fc.assert(
      fc.property(fc.array(fc.nat(9)), fc.integer({ min: 1, max: 6 }), (numbers, n) => {
        const values = numbers.map((number, index) => ({ number, index }));
        const sorted = values.toSorted((a, b) => b.number - a.number).slice(0, n);
        expect(
          fold(
            topN(n, (value: (typeof values)[0]) => value.number),
            values,
          ),
        ).toEqual(sorted);
      }),
      { seed },
    );
  });

  test('has how many in its kind, since fewer were kept under another', () => {
    expect(topN(10, Number).kind).toBe('top-10');
  });

  test.each([0, -1, 1.5, NaN])('refuses to keep %d', n => {
    expect(() => topN(n, Number)).toThrow(TopologyError);
  });

  test('refuses other weights and what is no plain data', () => {
    expect(() => fold(topN(2, untyped), ['9'])).toThrow(
      /^topN takes numbers or bigints: its function returned a string/,
    );
    expect(() => fold(topN(2, untyped), [1, 1n])).toThrow(/^topN compares a number with a bigint/);
    expect(() =>
      fold(
        topN(2, Number, () => undefined),
        ['9'],
      ),
    ).toThrow(/^topN keeps plain data/);
  });
});

describe('collect', () => {
  test('keeps all values in the order they came', () => {
    expect(fold(collect(), ['b', 'a', 'b'])).toEqual(['b', 'a', 'b']);
    expect(fold(collect(Number), ['2', '1'])).toEqual([2, 1]);
  });

  test('takes out the first that is equal, whatever the order of its properties', () => {
    const rows = [{ a: 1, b: [1n] }, { a: 2, b: [] }, { a: 1, b: [1n] }, { a: 3, b: [] }]; // prettier-ignore
    expect(fold(collect(), rows, [{ b: [1n], a: 1 }])).toEqual([rows[1], rows[2], rows[3]]);
  });

  test('takes nothing out where nothing is equal: a row that could not be taken in has left nothing', () => {
    expect(fold(collect(), ['a'], ['b'])).toEqual(['a']);
  });

  test('refuses what is no plain data', () => {
    expect(() => fold(collect(untyped), [() => 1])).toThrow(
      /^collect keeps plain data: its function returned a function/,
    );
  });
});

test('an inverse gives what the rows that are left give', () => {
  const seed = seedOf('inverses');
  const row = fc.record({ group: fc.constantFrom('a', 'b', 'c'), n: fc.nat(3) });
  const fields: InvertibleAggregator<{ group: string; n: number }, unknown>[] = [
    countDistinct(({ group }) => group),
    collect(({ n }) => n),
  ];
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), fc.nat(), (rows, at) => {
      const gone = rows[at % rows.length]!;
      const left = rows.toSpliced(at % rows.length, 1);
      for (const field of fields) {
        const sorted = (result: unknown) => (Array.isArray(result) ? result.toSorted() : result);
        expect(sorted(fold(field, rows, [gone]))).toEqual(sorted(fold(field, left)));
      }
    }),
    { seed },
  );
});
